"""Budgets with a clock that the test sets, and programs that spend from one in processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from subprocess import PIPE

import pytest

from orch_nb.errors import BudgetExceeded
from orch_nb.settings import BudgetSettings
from orch_nb.store.budget import Budget
from orch_nb.store.tally import Tally

D = Decimal
START = 1_800_000_000.0
MODEL = "a:m"


class Clock:
    """Seconds since the epoch, as the test says."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


class Timer:
    """What was to be called later, when the test says so."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def __call__(self, seconds: float, function: Callable[[], None]) -> None:
        assert 0 < seconds < 0.1
        self.waiting.append(function)

    def fire(self) -> None:
        waiting, self.waiting = self.waiting, []
        for function in waiting:
            function()


class Purse:
    """A budget, and its limits to be changed while it is used."""

    def __init__(self, home: Path, clock: Clock, session: str, /, **limits: object) -> None:
        self.budget = Budget(BudgetSettings(), lambda: home, session=session, clock=clock)
        self.change(**limits)

    def change(self, **limits: object) -> None:
        given: Mapping[str, object] = {
            name: limit if limit is None or name == "unpriced" else D(str(limit))
            for name, limit in limits.items()
        }
        self.budget.limits = BudgetSettings(**given)  # type: ignore[arg-type]


Open = Callable[..., Purse]

_PREAMBLE = """
import os, random, sys, threading, time
from decimal import Decimal as D
from pathlib import Path
from orch_nb.errors import BudgetExceeded
from orch_nb.settings import BudgetSettings
from orch_nb.store.budget import Budget
home = Path(sys.argv[1])
def made(session, /, **limits):
    limits = BudgetSettings(**{name: D(limit) for name, limit in limits.items()})
    return Budget(limits, lambda: home, session=session, clock=time.time)
"""


# What Python 3.12 and later say of a fork beside threads, which a test makes on purpose.
_THREADS = ("-W", "ignore:This process:DeprecationWarning")


def start(home: Path, body: str, *arguments: str) -> subprocess.Popen[str]:
    """A process that runs `body`; `arguments` begin at ``sys.argv[2]``."""
    command = [
        sys.executable,
        "-W",
        "error",
        *_THREADS,
        "-c",
        _PREAMBLE + body,
        str(home),
        *arguments,
    ]
    return subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True)


def spend(purse: Purse, cost: str, worst: str | None = None, *periods: Tally) -> None:
    reservation = purse.budget.reserve(D(worst or cost), model=MODEL, periods=periods)
    purse.budget.settle(reservation, D(cost), "known")


def refused(purse: Purse, worst: str, *periods: Tally) -> BudgetExceeded:
    with pytest.raises(BudgetExceeded) as caught:
        purse.budget.reserve(D(worst), model=MODEL, periods=periods)
    return caught.value
