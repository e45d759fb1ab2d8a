"""Sessions that are killed while they write: nothing wrong is kept, nothing spent is forgotten."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal

import pytest

from orch_nb import Session
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
job = json.load(sys.stdin)
draw = random.Random(11)
def work(number, ready):
    with Session(job["config"]) as s:
        def ask(caller):
            place = 0
            while True:
                model = job["models"][(caller + place) % 3]
                s.ask(f"{number} {caller} {place}", model=model, max_tokens=200)
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


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not fork")
def test_kill_9_leaves_no_wrong_entry_and_no_cent_uncounted(stub: Stub) -> None:
    kills = sized(5, 20, 200)
    config = {"providers": rows(stub), "models": priced(), "budget": {"hour": 1000}}
    job = {"config": config, "models": MODELS, "callers": CALLERS, "kills": kills}
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(
        command, input=json.dumps(job), stdout=subprocess.PIPE, text=True, check=True
    )
    finished = int(done.stdout)
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
        # What the last calls cost may not be written yet, and a call ahead be set aside.
        assert bill <= spent.total <= bill + kills * (CALLERS + 1) * WORST
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
