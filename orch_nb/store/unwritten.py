"""What a process has spent, or is about to, and the file does not know yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orch_nb.store.tally import COUNTED, HOUR, State

if TYPE_CHECKING:
    from orch_nb.store.budget import Reservation

_MINUTE = 60.0
_LONG_AGO = 0.0


class Unwritten:
    """Calls under way, and what others were settled for: by the minute for an hour, then one sum.

    Changed by a `Budget` under its lock. Amounts are in nano-dollars.
    """

    def __init__(self) -> None:
        self._reservations: set[Reservation] = set()
        #: The worst cases of all calls under way.
        self.under_way = 0
        #: All that was settled since it was last written.
        self.settled = 0
        # By minute and state: when the last of it was settled, and how much.
        self._sums: dict[tuple[int, State], tuple[float, int]] = {}

    @property
    def total(self) -> int:
        """What must be set aside in the file, so that a killed process is not counted for less."""
        return self.under_way + self.settled

    def begin(self, reservation: Reservation) -> None:
        """Count `reservation` as under way."""
        self._reservations.add(reservation)
        self.under_way += reservation.amount or 0

    def end(self, reservation: Reservation, state: State, amount: int, now: float) -> bool:
        """Count `amount` as settled at `now`, in seconds since the epoch, in place of its worst.

        False, and nothing, for what is another process's to settle.
        """
        if reservation not in self._reservations:
            return False
        self._reservations.remove(reservation)
        self.under_way -= reservation.amount or 0
        if amount and state in COUNTED:
            minute = int(now // _MINUTE)
            if (minute, state) not in self._sums:
                self._fold(now)
            self._put(minute, state, now, amount)
            self.settled += amount
        return True

    def sums(self) -> list[tuple[float, State, int]]:
        """Time, state and amount of all that was settled."""
        return [(at, state, amount) for (_, state), (at, amount) in self._sums.items()]

    def written(self) -> None:
        """Forget what was settled: it is in the file."""
        self._sums.clear()
        self.settled = 0

    def leave(self) -> None:
        """Forget all of it: it is another process's to write."""
        self._reservations.clear()
        self.under_way = 0
        self.written()

    def _fold(self, now: float) -> None:
        """Make what has left the hour one sum."""
        for (minute, state), (at, amount) in list(self._sums.items()):
            if _LONG_AGO < at <= now - HOUR:
                del self._sums[minute, state]
                self._put(0, state, _LONG_AGO, amount)

    def _put(self, minute: int, state: State, at: float, amount: int) -> None:
        before = self._sums.get((minute, state), (at, 0))
        self._sums[minute, state] = (max(at, before[0]), before[1] + amount)
