"""Time of reserving and settling one call, in memory, on disk, and with others at it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from benchmarks.figures import Figure, figure, part
from orch_nb.settings import BudgetSettings
from orch_nb.store.budget import Budget
from orch_nb.store.holding import Later
from orch_nb.store.tally import Tally

_ROUNDS = 25
_CALLS = 200  # per round
_BEFORE = 50_000  # calls of the last hour, in the file before the round
_WORST, _COST = Decimal("0.000002"), Decimal("0.000001")
_NONE = BudgetSettings()
_LIMITS = BudgetSettings(
    task=Decimal(1), pipeline=Decimal(9), session=Decimal(1000), hour=Decimal(1000)
)
_GOAL = "≤ 1 ms"

_OTHER = """
import sys, time
from pathlib import Path
from benchmarks.budget import opened, spend
budget = opened(Path(sys.argv[1]), sys.argv[2])
print("ready", flush=True)
while True:
    spend(budget)
"""


def measure(share: float = 1.0) -> Iterator[Figure]:
    """Each subject by itself, in rounds."""
    yield figure("reserve and settle, no limit", _times(share, _NONE), "ms")
    yield figure("reserve and settle, all limits", _times(share, _LIMITS), "ms", _GOAL)
    name = "reserve and settle, all limits, written together"
    yield figure(name, _times(share, _LIMITS, together=True), "ms", _GOAL)
    before = part(_BEFORE, share)
    name = f"reserve and settle, after {_BEFORE:,} calls in the hour"
    yield figure(name, _times(share, _LIMITS, before), "ms", _GOAL)
    yield figure("reserve and settle, 3 processes at it", _times(share, _LIMITS, others=3), "ms")


def opened(home: Path, session: str, limits: BudgetSettings = _LIMITS) -> Budget:
    """A budget with its file in `home`."""
    return Budget(limits, lambda: home, session=session, clock=time.time)


def spend(budget: Budget, later: Later | None = None) -> None:
    """One call that costs half of what it could."""
    within = (Tally("task"),)
    reservation = budget.reserve(_WORST, model="bench:model", periods=within, later=later)
    budget.settle(reservation, _COST, "known", later)


async def _spend(budget: Budget, calls: int) -> None:
    """Calls as a session makes them, one after another."""
    later = asyncio.get_running_loop().call_later
    for _ in range(calls):
        spend(budget, later)
        await asyncio.sleep(0)


def _times(
    share: float,
    limits: BudgetSettings,
    before: int = 0,
    others: int = 0,
    *,
    together: bool = False,
) -> list[float]:
    """Milliseconds of one call in each round."""
    times, calls = [], part(_CALLS, share)
    with tempfile.TemporaryDirectory() as folder:
        budget = opened(Path(folder), "bench", limits)
        for _ in range(before + calls):
            spend(budget)
        with _busy(Path(folder), others):
            for _ in range(part(_ROUNDS, share)):
                started = time.perf_counter()
                if together:
                    asyncio.run(_spend(budget, calls))
                else:
                    for _ in range(calls):
                        spend(budget)
                times.append(1e3 * (time.perf_counter() - started) / calls)
        budget.close()
    return times


@contextmanager
def _busy(home: Path, count: int) -> Iterator[None]:
    """`count` processes that spend from the same file without a pause."""
    tests = str(Path(__file__).resolve().parent.parent)
    started = [
        subprocess.Popen(
            [sys.executable, "-c", _OTHER, str(home), f"other {number}"],
            stdout=subprocess.PIPE,
            cwd=tests,
        )
        for number in range(count)
    ]
    try:
        for process in started:
            assert process.stdout is not None
            process.stdout.readline()
        yield
    finally:
        for process in started:
            process.kill()
            process.communicate()
