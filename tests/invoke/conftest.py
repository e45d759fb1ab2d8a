"""Breakers whose time the test moves."""

from __future__ import annotations

import pytest

from invoke.breakers import Clock
from orch_nb.invoke.breaker import Breakers


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breakers(clock: Clock) -> Breakers:
    return Breakers(clock)
