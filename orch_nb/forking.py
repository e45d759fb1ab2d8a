"""What a forked process must make anew, and what must rest while the process forks."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

Act = Callable[[Any], None]

_renewals: WeakKeyDictionary[Any, Act] = WeakKeyDictionary()
_pauses: WeakKeyDictionary[Any, tuple[Act, Act]] = WeakKeyDictionary()
_paused: list[tuple[Any, Act]] = []


def renew_after_fork(thing: Any, renew: Act) -> None:
    """Have ``renew(thing)`` called in every child process, as long as `thing` lives.

    For threads and sockets, which do not come along.
    """
    _renewals[thing] = renew


def pause_for_fork(thing: Any, pause: Act, go_on: Act) -> None:
    """For what must not be open while the process forks, such as SQLite's connections.

    ``pause(thing)`` is called before each fork, ``go_on(thing)`` after it, in both processes.
    """
    _pauses[thing] = pause, go_on


def _renew_all() -> None:
    for thing, renew in tuple(_renewals.items()):
        renew(thing)


def _pause_all() -> None:
    for thing, (pause, go_on) in tuple(_pauses.items()):
        pause(thing)
        _paused.append((thing, go_on))


def _go_on_all() -> None:
    while _paused:
        thing, go_on = _paused.pop()
        go_on(thing)


if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(before=_pause_all, after_in_parent=_go_on_all, after_in_child=_go_on_all)
    os.register_at_fork(after_in_child=_renew_all)
