"""What a forked process must make anew: threads and sockets do not come along."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

_renewals: WeakKeyDictionary[Any, Callable[[Any], None]] = WeakKeyDictionary()


def renew_after_fork(thing: Any, renew: Callable[[Any], None]) -> None:
    """Have ``renew(thing)`` called in every child process, as long as `thing` lives."""
    _renewals[thing] = renew


def _renew_all() -> None:
    for thing, renew in tuple(_renewals.items()):
        renew(thing)


if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(after_in_child=_renew_all)
