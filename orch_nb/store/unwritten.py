"""What was spent while no limit asked for it to be written down."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from orch_nb.store.tally import COUNTED, HOUR, State

if TYPE_CHECKING:
    from orch_nb.store.budget import Reservation

_MINUTE = 60.0
_LONG_AGO = 0.0


class Unwritten:
    """Spending that is in no file: by the minute for an hour, then as one sum.

    ``under_way`` are the reservations that are not settled yet. Changed by a `Budget` under its
    lock.
    """

    def __init__(self) -> None:
        self.under_way: set[Reservation] = set()
        # By minute and state: when the last of it was settled, and nano-dollars.
        self._sums: dict[tuple[int, State], tuple[float, int]] = {}

    def __bool__(self) -> bool:
        return bool(self._sums or self.under_way)

    def add(self, state: State, amount: int, now: float) -> None:
        """Count `amount` nano-dollars that were settled at `now`, in seconds since the epoch."""
        if state not in COUNTED or not amount:
            return
        minute = int(now // _MINUTE)
        if (minute, state) not in self._sums:
            self._fold(now)
        self._put(minute, state, now, amount)

    def settled(self) -> Iterator[tuple[float, State, int]]:
        """Time, state and nano-dollars of all of it."""
        for (_, state), (at, amount) in self._sums.items():
            yield at, state, amount

    def clear(self) -> None:
        """Forget it: it is written, or another process's to write."""
        self.under_way.clear()
        self._sums.clear()

    def _fold(self, now: float) -> None:
        """Make what has left the hour one sum."""
        for (minute, state), (at, amount) in list(self._sums.items()):
            if _LONG_AGO < at <= now - HOUR:
                del self._sums[minute, state]
                self._put(0, state, _LONG_AGO, amount)

    def _put(self, minute: int, state: State, at: float, amount: int) -> None:
        before = self._sums.get((minute, state), (at, 0))
        self._sums[minute, state] = (max(at, before[0]), before[1] + amount)
