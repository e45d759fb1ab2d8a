"""One limit for several processes: side by side, killed, and forked."""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from orch_nb.errors import BudgetExceeded
from orch_nb.settings import BudgetSettings
from orch_nb.store.budget import Budget
from store.budgets import D, start

CALLERS = """
budget = made(sys.argv[2], hour="2.5")
fitted = []
def call(number):
    draw = random.Random(f"{sys.argv[2]} {number}")
    for _ in range(4):
        try:
            reservation = budget.reserve(D("0.05"), model="a:m")
        except BudgetExceeded as error:
            assert error.spent + error.reserved <= error.limit, error
            continue
        time.sleep(draw.uniform(0, 0.01))
        cost = D(draw.randint(0, 50)) / 1000
        state = draw.choice(["known", "known", "estimated", "unknown", "released"])
        budget.settle(reservation, cost, state)
        fitted.append({"unknown": D("0.05"), "released": 0}.get(state, cost))
print("ready", flush=True); sys.stdin.readline()
threads = [threading.Thread(target=call, args=(number,)) for number in range(64)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(sum(fitted))
"""

FLYING = """
import asyncio
budget = made(sys.argv[2], hour="2.5")
fitted = []
async def call(number):
    draw, later = random.Random(f"{sys.argv[2]} {number}"), asyncio.get_running_loop().call_later
    for _ in range(4):
        try:
            reservation = budget.reserve(D("0.05"), model="a:m", later=later)
        except BudgetExceeded as error:
            assert error.spent + error.reserved <= error.limit, error
            await asyncio.sleep(draw.uniform(0, 0.1))
            continue
        await asyncio.sleep(draw.uniform(0, 0.01))
        cost = D(draw.randint(0, 50)) / 1000
        state = draw.choice(["known", "known", "estimated", "unknown", "released"])
        budget.settle(reservation, cost, state, later)
        fitted.append({"unknown": D("0.05"), "released": 0}.get(state, cost))
async def main():
    await asyncio.gather(*map(call, range(64)))
print("ready", flush=True); sys.stdin.readline()
asyncio.run(main())
budget.close()
print(sum(fitted))
"""

RACERS = """
print("ready", flush=True); sys.stdin.readline()
for number in range(20):
    home = Path(sys.argv[1]) / str(number)
    limits = BudgetSettings(hour=D(1))
    budget = Budget(limits, lambda: home, session=sys.argv[2], clock=time.time)
    budget.settle(budget.reserve(D("0.1"), model="a:m"), D("0.1"), "known")
    budget.close()
"""

ENDLESS = """
budget = made("killed", hour="100")
print("ready", flush=True)
while True:
    reservation = budget.reserve(D("0.01"), model="a:m")
    print("asked", flush=True)
    budget.settle(reservation, D("0.004"), "known")
    print("answered", flush=True)
"""

FORKED = """
budget = made("one", session="1", hour="5")
done = budget.reserve(D("0.2"), model="a:m")
budget.settle(done, D("0.2"), "known")
under_way = budget.reserve(D("0.3"), model="a:m")
stop = threading.Event()
def others():  # another thread is in the middle of a call when the process forks
    while not stop.is_set():
        budget.settle(budget.reserve(D("0.001"), model="a:m"), None, "released")
thread = threading.Thread(target=others)
thread.start()
time.sleep(0.05)
children = []
ready, go = os.pipe(), os.pipe()
for _ in range(3):
    children.append(os.fork())
    if children[-1] == 0:
        budget.reserve(D("0.01"), model="a:m")  # never settled
        os.write(ready[1], b".")
        os.read(go[0], 1)
        fitted = 0
        for _ in range(30):
            try:
                budget.settle(budget.reserve(D("0.01"), model="a:m"), D("0.01"), "known")
                fitted += 1
            except BudgetExceeded as error:
                assert error.period == "session"
        budget.close()
        os._exit(fitted)
stop.set()
thread.join()
for _ in children:
    os.read(ready[0], 1)
os.write(go[1], b"...")
fitted = sum(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)
budget.settle(under_way, D("0.1"), "known")
budget.close()
print(fitted, budget.spent()["session"].total)
budget.close()
"""

CAUGHT_UP = """
budget = made("one")
budget.settle(budget.reserve(D("0.4"), model="a:m"), D("0.4"), "known")
child = os.fork()
budget.limits = BudgetSettings(session=D(1), hour=D(5))
if child:
    assert os.waitpid(child, 0)[1] == 0
budget.settle(budget.reserve(D("0.1"), model="a:m"), D("0.1"), "known")
budget.close()
if not child:
    os._exit(0)
print(budget.spent()["session"].known, budget.spent()["hour"].known)
budget.close()
"""

FULL = """
import resource
from orch_nb.store.holding import BudgetWarning
import warnings
budget = made("one", session="1", hour="5")
budget.settle(budget.reserve(D("0.1"), model="a:m"), D("0.1"), "known")
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))  # no file may grow any more
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for _ in range(20):
        budget.settle(budget.reserve(D("0.04"), model="a:m"), D("0.04"), "known")
try:
    budget.reserve(D("0.11"), model="a:m")
except BudgetExceeded as error:
    print(error.spent, [warning.category.__name__ for warning in caught])
"""


def made(home: Path, hour: str = "100") -> Budget:
    limits = BudgetSettings(hour=D(hour))
    return Budget(limits, lambda: home, session="reader", clock=time.time)


@pytest.mark.parametrize("callers", [CALLERS, FLYING], ids=["threads", "tasks"])
def test_64_callers_in_each_of_4_processes_never_pass_the_limit(
    tmp_path: Path, callers: str
) -> None:
    home, limit = tmp_path / "orch", 2_500_000_000
    with ExitStack() as stack:
        workers = [
            stack.enter_context(start(home, callers, f"session {number}")) for number in range(4)
        ]
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        made(home).spent()  # the file is there before the watcher looks
        watcher = stack.enter_context(closing(sqlite3.connect(home / "spend.sqlite", timeout=30)))
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        seen = []
        while any(worker.poll() is None for worker in workers):
            rows, sums = watcher.execute(
                "SELECT (SELECT sum(amount) FROM call),"
                "(SELECT sum(amount) FROM total WHERE key = 'hour')"
            ).fetchone()
            seen.append((rows or 0, sums or 0))
        spent = [D(worker.communicate(timeout=120)[0]) for worker in workers]
    assert len(seen) > 10
    assert max(rows for rows, _ in seen) <= limit
    assert all(rows == sums for rows, sums in seen)
    budget = made(home)
    total = budget.spent()["hour"]
    budget.close()
    assert total.total == total.settled == sum(spent) <= D("2.5")
    assert total.total > D(2)  # far more was asked for


def test_processes_that_make_the_file_together_all_write_into_it(tmp_path: Path) -> None:
    with ExitStack() as stack:
        racers = [stack.enter_context(start(tmp_path, RACERS, str(n))) for n in range(4)]
        for racer in racers:
            assert racer.stdout is not None
            assert racer.stdout.readline() == "ready\n"
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write("go\n")
            racer.stdin.flush()
        assert [racer.wait(60) for racer in racers] == [0] * 4  # a warning would be an error
    for number in range(20):
        budget = made(tmp_path / str(number))
        assert budget.spent()["hour"].known == D("0.4")
        budget.close()


def test_kill_9_in_mid_call_loses_nothing(tmp_path: Path) -> None:
    answered = asked = 0
    for _ in range(5):
        with start(tmp_path, ENDLESS) as worker:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
            lines = [worker.stdout.readline().strip() for _ in range(3)]
            time.sleep(0.02)
            worker.kill()
            lines += worker.stdout.read().splitlines()
        answered += lines.count("answered")
        asked += lines.count("asked")
    budget = made(tmp_path)
    spent = budget.spent()["hour"]
    budget.close()
    assert asked > 5
    # The last line of a killed process may be missing: at most one call in each of them.
    assert answered <= spent.known / D("0.004") <= answered + 5
    assert 0 <= spent.unknown / D("0.01") <= 5
    assert spent.known / D("0.004") + spent.unknown / D("0.01") >= asked
    assert spent.reserved == 0


def test_a_reservation_of_a_killed_process_keeps_its_worst_case(tmp_path: Path) -> None:
    body = """
budget = made("killed", hour="1")
budget.reserve(D("0.7"), model="a:m"); print("ready", flush=True); time.sleep(60)
"""
    with start(tmp_path, body) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
        alive = made(tmp_path, "1")
        assert alive.spent()["hour"].reserved == D("0.7")
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        with pytest.raises(BudgetExceeded, match="hour"):
            alive.reserve(D("0.4"), model="a:m")
        alive.close()
    later = made(tmp_path, "1")
    spent = later.spent()["hour"]
    later.close()
    assert (spent.reserved, spent.unknown) == (D(0), D("0.7"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows does not fork")
def test_a_forked_child_spends_from_the_same_session(tmp_path: Path) -> None:
    with start(tmp_path, FORKED) as parent:
        out, _ = parent.communicate(timeout=120)
    fitted, session = out.split()
    budget = made(tmp_path)
    hour = budget.spent()["hour"]
    budget.close()
    assert int(fitted) == 47  # 1.00 less 0.2 spent, 0.3 reserved, and one call lost in each child
    assert D(session) == hour.total == D("0.3") + (int(fitted) + 3) * D("0.01")
    assert (hour.unknown, hour.reserved) == (D("0.03"), D(0))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows does not fork")
def test_what_was_spent_before_the_fork_is_written_once(tmp_path: Path) -> None:
    with start(tmp_path, CAUGHT_UP) as parent:
        out, _ = parent.communicate(timeout=120)
    assert [D(amount) for amount in out.split()] == [D("0.6")] * 2


@pytest.mark.skipif(sys.platform == "win32", reason="has no limit of file sizes")
def test_a_full_disk_costs_one_warning_and_no_call(tmp_path: Path) -> None:
    with start(tmp_path, FULL) as worker:
        out, _ = worker.communicate(timeout=120)
    assert out == "0.900000000 ['BudgetWarning']\n"
