"""Budgets in a folder of the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from store.budgets import Clock, Open, Purse


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "data" / "orch"


@pytest.fixture
def purse(home: Path, clock: Clock) -> Iterator[Open]:
    """Opens budgets in one folder, with limits in dollars, and closes them in the end."""
    opened: list[Purse] = []

    def open_purse(session: str = "one", /, **limits: object) -> Purse:
        opened.append(Purse(home, clock, session, **limits))
        return opened[-1]

    yield open_purse
    for one in opened:
        one.budget.close()
