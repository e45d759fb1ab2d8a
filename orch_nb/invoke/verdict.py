"""What a check says of a draft."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a draft is good enough. ``reason`` is one line, safe to show, for the trail."""

    passed: bool
    reason: str


#: Judges the text of one draft.
TextCheck = Callable[[str], Awaitable[Verdict]]
