"""What one filter excludes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orch_nb.routing.pool import Column, Mask


@dataclass(frozen=True, slots=True)
class Exclusion:
    """What one filter excludes, and why, by the row of the model.

    ``needed`` is the value of the limit called ``limit`` that each row needs; a limit can be
    relaxed, other filters cannot.
    """

    fails: Mask
    reason: Callable[[int], str]
    limit: str = ""
    needed: Column | None = None
