"""What is yet to be written when a process is killed, or forks."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from orch_nb.settings import BudgetSettings
from orch_nb.store.budget import Budget
from orch_nb.store.tally import Spent
from store.budgets import D, start

ENDLESS = """
import asyncio
budget = made("killed", hour="100")
async def calls():
    later = asyncio.get_running_loop().call_later
    while True:
        for _ in range(random.randrange(1, 20)):
            reservation = budget.reserve(D("0.01"), model="a:m", later=later)
            os.write(1, b"asked\\n")
            budget.settle(reservation, D("0.004"), "known", later)
            os.write(1, b"answered\\n")
        await asyncio.sleep(random.choice([0, 0.03, 0.08]))
asyncio.run(calls())
"""


def test_kill_9_between_a_cost_and_its_row_counts_no_less(tmp_path: Path) -> None:
    kills, lines = 6, list[str]()
    for number in range(kills):
        with start(tmp_path, ENDLESS) as worker:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "asked\n"
            time.sleep(0.03 * number)
            worker.kill()
            lines += ["asked", *worker.stdout.read().split()]
    limits = BudgetSettings(hour=D(100))
    budget = Budget(limits, lambda: tmp_path, session="reader", clock=time.time)
    spent = budget.spent()["hour"]
    budget.close()
    asked, answered = lines.count("asked"), lines.count("answered")
    assert asked > 10 * kills
    assert spent.reserved == 0
    # In each: a call under way at its worst case, one ahead, and one whose line is missing.
    most = answered * D("0.004") + kills * 3 * D("0.01")
    assert asked * D("0.004") <= spent.total <= most


FORKED = """
def later(seconds, function): pass  # the process is gone before that
budget = made("one", hour="50", session="50")
budget.settle(budget.reserve(D("0.9"), model="a:m"), D("0.2"), "known", later)
under_way = budget.reserve(D("0.3"), model="a:m")
child = os.fork()
if not child:
    # As the garbage collector does with the parent's calls.
    budget.settle(under_way, None, "unknown", later)
    seen = budget.spent()["session"]
    assert (seen.known, seen.reserved) == (D("0.2"), D("0.3")), seen
    budget.settle(budget.reserve(D("0.5"), model="a:m"), D("0.1"), "known", later)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
seen = budget.spent()["session"]
print(seen.known, seen.unknown, seen.reserved, flush=True)
budget.settle(under_way, D("0.1"), "known", later)
budget.close()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows does not fork")
def test_a_fork_has_all_written_and_the_child_writes_at_once(tmp_path: Path) -> None:
    with start(tmp_path, FORKED) as parent:
        out, _ = parent.communicate(timeout=60)
    assert parent.returncode == 0
    assert [D(amount) for amount in out.split()] == [D("0.3"), D(0), D("0.3")]
    budget = Budget(BudgetSettings(hour=D(1)), lambda: tmp_path, session="reader", clock=time.time)
    assert budget.spent()["hour"] == Spent(known=D("0.4"))
    budget.close()
