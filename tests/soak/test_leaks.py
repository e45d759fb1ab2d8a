"""Many calls one after the other and at once: nothing grows, nothing stays open."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from soak.sizes import sized
from soak.wires import MODELS, priced, rows
from stub.client import Stub

CALLERS = 8

SCRIPT = """
import gc, json, sys, time
from concurrent.futures import ThreadPoolExecutor
import psutil
from orch_nb import Session
job = json.load(sys.stdin)
me = psutil.Process()
def state():
    gc.collect()
    files = []
    for _ in range(15):  # longer than files are open that are written now and then
        time.sleep(0.1)
        files.append(me.num_fds() - len(me.net_connections()))
    sockets = len(me.net_connections())
    return me.memory_info().rss / 2**20, min(files), me.num_threads(), sockets
with ThreadPoolExecutor(job["callers"]) as pool:
    with Session(job["config"]) as s:
        def ask(number):
            model = job["models"][number % 3]
            return s.ask(f"prompt {number}", model=model, stream=job["stream"]).finish
        def ask_all(numbers):
            # A future for each call would be most of what is measured: each caller has its share.
            def share(first):
                return {ask(number) for number in numbers[first::job["callers"]]}
            return set().union(*pool.map(share, range(job["callers"])))
        ended = ask_all(range(job["warm"]))
        before = state()
        ended |= ask_all(range(job["warm"], job["warm"] + job["calls"]))
        after = state()
        assert ended == {"stop"}, ended
print(json.dumps([before, after]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows counts no descriptors")
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_many_calls_leave_nothing_behind(stub: Stub, stream: bool) -> None:
    warm, calls = sized(200, 200, 5000), sized(400, 400, 50_000)
    # Each prompt is another one, which is looked up and kept; those that come whole are paid for.
    paid = {"budget": {"session": 1000, "hour": 1000}, "models": priced()}
    job = {
        "config": {"providers": rows(stub), **({} if stream else paid)},
        "stream": stream,
        "models": MODELS,
        "callers": CALLERS,
        "warm": warm,
        "calls": calls,
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=True,
    )
    before, after = json.loads(done.stdout)
    print(f"{calls} calls: MB, descriptors, threads, sockets {before} → {after}")
    assert sum(model["calls"] for model in stub.bill().values()) == warm + calls
    assert after[0] - before[0] <= 10
    assert abs(after[1] - before[1]) <= 2
    assert after[2] == before[2]
    # How many of them are open depends on how many calls happened to be under way at once.
    assert max(before[3], after[3]) <= CALLERS * len(MODELS)
