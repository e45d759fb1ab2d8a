"""Observations of one model, and what adds them up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from orch_nb.store.experience import Experience
from orch_nb.types import Observation

MODEL = "a:m"
NOW = 1_800_000_000.0


class Clock:
    """Seconds since the epoch, as the test says."""

    now = NOW

    def __call__(self) -> float:
        return self.now


def seen(**facts: Any) -> Observation:
    """A call of the model now, but for these facts."""
    usual: dict[str, Any] = {"at": NOW, "model": MODEL, "kind": "chat", "source": "call"}
    return Observation(**(usual | facts))


def opened(place: Path | None = None, clock: Clock | None = None) -> Experience:
    """What learns, from the file in a folder or in memory alone."""
    return Experience(None if place is None else lambda: place, clock=clock or Clock())
