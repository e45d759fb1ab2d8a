"""Stops at random moments of a cell: each ends it, and nothing stays open behind it."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from shells.kernel import Kernel, Ran, running
from soak.sizes import sized
from soak.wires import TYPES, rows
from stub.client import Stub
from stub.spec import write

STOPS = sized(10, 130, 1300)
#: Seconds from the start of a cell within which it is stopped: before, in and after the answer.
LATEST = 0.9
#: Seconds within which a cell ends that was stopped. One is meant; more is for a busy machine.
LONGEST = 20.0
STATE = """
import asyncio, json, os, psutil, threading, orch_nb
async def tasks():
    here = asyncio.current_task()
    return sorted(str(task.get_coro()) for task in asyncio.all_tasks() if task is not here)
def state():
    s = orch_nb.session()
    running = asyncio.run_coroutine_threadsafe(tasks(), s._loop._inbox.loop).result(5)
    open_ = [c for c in psutil.Process().net_connections("tcp") if c.raddr and c.raddr.port == PORT]
    ours = sorted(t.name for t in threading.enumerate() if "orch" in t.name)
    settled = s.budget.spent()["session"].reserved == 0
    print(json.dumps([running, len(open_), ours, settled]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows interrupts kernels otherwise")
def test_nothing_is_left_of_a_stopped_cell(stub: Stub, tmp_path: Path) -> None:
    settings = {"providers": rows(stub), "limits": {"connect": 5}}
    for row in settings["providers"].values():
        row.pop("api_key", None)
    keys = {"ANTHROPIC_API_KEY": "sk-test"}
    (tmp_path / "orch.yaml").write_text(json.dumps(settings))
    draw = random.Random(5)
    with running(tmp_path, keys) as kernel:
        assert kernel.run("%load_ext orch_nb").reply["status"] == "ok"
        for name in TYPES:
            assert kernel.run(f"%orch -m {name}:m warm").reply["status"] == "ok"
        assert kernel.run(STATE.replace("PORT", str(stub.port))).reply["status"] == "ok"
        pid = int(kernel.run("print(os.getpid())").stdout)
        before, outcomes, slowest = state(kernel), [], 0.0
        for number in range(STOPS):
            name = draw.choice(list(TYPES))
            fault = draw.choice(["hang", "hang_headers", "hang_mid", *["ok"] * 5])
            stub.rule(name, fault if fault != "ok" else write("ok", words=40, delay=0.015))
            status, seconds = stopped(
                kernel, pid, f"-m {name}:m\nprompt {number}", draw.uniform(0, LATEST)
            )
            outcomes.append(status)
            slowest = max(slowest, seconds)
            stub.wait_idle()
            after = state(kernel)
            assert after[0] == before[0], (number, fault, after)
            assert after[1] <= len(TYPES), (number, fault, after)
            assert after[2:] == before[2:], (number, fault, after)
        stub.rule("*", "ok")
        assert kernel.run("%orch -m alpha:m the next cell works").reply["status"] == "ok"
    print(f"{STOPS} stops, {outcomes.count('Interrupted')} in a cell, slowest {slowest:.2f} s")
    assert set(outcomes) <= {"Interrupted", "ok", "KeyboardInterrupt", "no reply"}
    assert outcomes.count("Interrupted") > STOPS / 4
    assert slowest < LONGEST


def stopped(kernel: Kernel, pid: int, prompt: str, after: float) -> tuple[str, float]:
    """How a cell ended that was stopped `after` so many seconds, and the seconds from then on."""
    pressed = [0.0]

    def press() -> None:
        pressed[0] = time.monotonic()
        os.kill(pid, signal.SIGINT)  # as the kernel's manager does, which needs a loop for it

    timer = threading.Timer(after, press)

    def began(_: Ran) -> None:
        if timer.ident is None:
            timer.start()

    ran = kernel.run(f"%%orch --no-cache {prompt}", during=began, stopped=True)
    ended = time.monotonic()
    timer.join()
    status = str(ran.reply.get("ename", ran.reply.get("status", "no reply")))
    return status, max(0.0, ended - pressed[0]) if status == "Interrupted" else 0.0


def state(kernel: Kernel) -> Any:
    """Tasks on the loop, sockets to the server, our threads, and whether all is settled."""
    for _ in range(3):  # a late stop may hit the cell that asks
        said = kernel.run("state()").stdout
        if said:
            return json.loads(said)
    raise AssertionError("the kernel says nothing")
