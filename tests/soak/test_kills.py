"""Sessions that are killed while they write: nothing wrong is kept, nothing spent is forgotten."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from decimal import Decimal
from typing import Any

import pytest

from orch_nb import Session
from orch_nb.errors import BudgetExceeded
from soak.sizes import sized
from soak.wires import INPUT, MODELS, OUTPUT, asked, priced, right, rows
from stub.client import Stub

CALLERS = 6
#: What one call can cost at most: a few bytes in, 200 tokens out.
WORST = Decimal("0.003")

# A process that has everything imported and forks, so that a kill costs no second of imports.
SCRIPT = """
import json, os, random, signal, sys, threading, time
import joblib, orch_nb.store.json_store, orch_nb.store.spend_file, openai, anthropic, ollama
from orch_nb import Session
from orch_nb.errors import BudgetExceeded
job = json.load(sys.stdin)
draw = random.Random(job["name"])
def work(number, ready):
    with Session(job["config"]) as s:
        def ask(caller):
            place = 0
            while True:
                model = job["models"][(caller + place) % 3]
                prompt = f"{job['name']} {number} {caller} {place}"
                try:
                    s.ask(prompt, model=model, max_tokens=200)
                except BudgetExceeded:
                    break
                finally:
                    os.write(ready, b".")
                place += 1
        for caller in range(job["callers"]):
            threading.Thread(target=ask, args=(caller,)).start()
        threading.Event().wait()
finished = 0
for number in range(job["kills"]):
    ended, ready = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ended)
        try:
            work(number, ready)
        finally:
            os._exit(1)
    os.close(ready)
    finished += len(os.read(ended, 1))
    # What is written into the ledger's file is gathered for half a second.
    time.sleep(draw.uniform(0, draw.choice((0.02, 0.05, 0.1, 0.7))))
    os.kill(child, signal.SIGKILL)
    if os.waitpid(child, 0)[1] != signal.SIGKILL:
        sys.exit("a child ended by itself")
    while more := os.read(ended, 65536):
        finished += len(more)
    os.close(ended)
print(finished)
"""


def billed(stub: Stub) -> Decimal:
    """Dollars that the server would charge."""
    bills = stub.bill().values()
    return Decimal(sum(b["input"] * INPUT + b["output"] * OUTPUT for b in bills)) / 10**6


def killed(config: dict[str, Any], kills: int, names: Sequence[str]) -> int:
    """Run `SCRIPT` once for each of `names`, side by side; how many calls have ended."""
    command, pipe = [sys.executable, "-c", SCRIPT], subprocess.PIPE
    finished = 0
    with ExitStack() as stack:
        running = [
            stack.enter_context(subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True))
            for _ in names
        ]
        job = {"config": config, "models": MODELS, "callers": CALLERS, "kills": kills}
        for process, name in zip(running, names, strict=True):
            assert process.stdin is not None
            process.stdin.write(json.dumps({**job, "name": name}))
            process.stdin.close()
        for process in running:
            assert process.stdout is not None
            finished += int(process.stdout.read())
    assert [process.returncode for process in running] == [0] * len(names)
    return finished


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not fork")
def test_kill_9_leaves_no_wrong_entry_and_no_cent_uncounted(stub: Stub) -> None:
    kills = sized(5, 20, 200)
    config = {"providers": rows(stub), "models": priced(), "budget": {"hour": 1000}}
    finished = killed(config, kills, ["one"])
    stub.wait_idle()
    entries, bill = asked(stub), billed(stub)
    paid = sum(entry.billed_input > 0 for entry in entries)
    with Session(config) as s:
        calls = {(row.session, row.call) for row in s.ledger.history()}
        assert len(calls) == len(s.ledger.history())
        spent = s.budget.spent()["hour"]
        print(f"{kills} kills, {paid} calls, billed {bill}, {spent}")
        assert paid > kills
        # Each call whose `ask` has returned; others were just about to.
        assert finished <= len(calls) <= finished + kills * CALLERS
        assert spent.reserved == 0
        # What the last calls cost may not be written yet, and as much be set aside ahead.
        assert bill <= spent.total <= bill + kills * 2 * CALLERS * WORST
        assert spent.known > 0
        # Now each prompt again: from the cache, or from the server.
        kept = 0
        prompts = {(entry.prompt, f"{entry.provider}:m") for entry in entries}
        for prompt, model in prompts:
            answer = s.ask(prompt, model=model, max_tokens=200)
            kept += answer.cached
            assert answer.text == right(prompt)
    print(f"{kept} of {len(prompts)} answers were kept, {len(calls)} of {finished} calls")
    assert kept > kills


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not fork")
def test_processes_that_are_killed_never_spend_more_than_the_limit(stub: Stub) -> None:
    kills = sized(3, 5, 100)
    # Reached before the last is killed: each leaves some calls that count at their worst.
    limit = kills * CALLERS * WORST
    config = {"providers": rows(stub), "models": priced(), "budget": {"hour": float(limit)}}
    killed(config, kills, ["one", "two"])
    stub.wait_idle()
    with Session(config) as s:
        for number in range(10_000):
            try:
                s.ask(f"the last {number}", model=MODELS[0], max_tokens=200)
            except BudgetExceeded:
                break
        spent = s.budget.spent()["hour"]
    stub.wait_idle()
    print(f"{2 * kills} kills, billed {billed(stub)}, {spent}, of {limit}")
    assert spent.reserved == 0
    assert billed(stub) <= spent.total <= limit < spent.total + WORST
