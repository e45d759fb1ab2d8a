"""Something that is done soon after it was asked for, and not too often."""

from __future__ import annotations

import threading
from collections.abc import Callable

Later = Callable[[float, Callable[[], None]], object]

# Seconds between two runs: four a second are as many as a person follows.
INTERVAL = 0.25
# Seconds in which what comes together is gathered: a change is often told in several steps.
_GATHERING = 0.02


def after(delay: float, act: Callable[[], None]) -> None:
    """Call `act` in a thread of its own, `delay` seconds from now."""
    timer = threading.Timer(delay, act)
    timer.daemon = True
    timer.start()


class Throttle:
    """Runs `act` for all that asked since the last run. Safe to use from any thread.

    Parameters
    ----------
    clock
        Seconds that only grow.
    later
        Calls a function after so many seconds.
    """

    def __init__(
        self, act: Callable[[], None], *, clock: Callable[[], float], later: Later = after
    ) -> None:
        self._act, self._clock, self._later = act, clock, later
        self._lock = threading.Lock()
        self._waiting = False
        self._next = 0.0

    def ask(self) -> None:
        """Have `act` run once more: at once, or `INTERVAL` after the last time."""
        with self._lock:
            if self._waiting:
                return
            self._waiting = True
            delay = max(_GATHERING, self._next - self._clock())
        self._later(delay, self._run)

    def _run(self) -> None:
        with self._lock:
            self._waiting = False
            self._next = self._clock() + INTERVAL
        self._act()
