"""What one process has set aside in the spend file for its calls, and what it has yet to write."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from orch_nb.sanitize import one_line
from orch_nb.store.allowance import first_beyond
from orch_nb.store.disk import disk_errors
from orch_nb.store.tally import Period, Tally
from orch_nb.store.unwritten import Unwritten

if TYPE_CHECKING:
    from orch_nb.store.spend_file import Choose, Held, SpendFile, Sums

#: Calls a function after so many seconds, on this thread.
Later = Callable[[float, Callable[[], None]], object]

_NAME = "spend.sqlite"
# Seconds for which what was settled may wait to be written with more: so long do other processes
# see its worst case, and that is what `kill -9` makes of it. Chosen: half of what a call that does
# not fit waits between two looks.
_GATHERING = 0.05
# Of how many such calls a limit must have room for one to be set aside ahead, or to stay so when it
# was settled. Chosen: nobody is to wait for the last of a limit because of what is not under way.
_ROOM = 16


class BudgetWarning(UserWarning):
    """The budget holds, but for this process alone."""


class Holding:
    """One row of the spend file, that holds at least what ``unwritten`` says was or may be spent.

    What was settled is written with the next call that needs more, or a moment later.

    Parameters
    ----------
    home
        The user's data folder.
    session
        The id of the session that the process spends for.
    lock
        That of the `Budget`, which holds it whenever it calls one of these methods.
    clock
        Seconds since the epoch.
    """

    def __init__(
        self,
        home: Callable[[], Path],
        session: str,
        *,
        lock: threading.Lock,
        clock: Callable[[], float],
    ) -> None:
        self._home, self._session = home, session
        self._lock, self._clock = lock, clock
        self.unwritten = Unwritten()
        self._file: SpendFile | None = None
        self._held: Held | None = None
        self._disk = True
        # The limits that what is held was found to fit into, since it was last written.
        self._fitted: Mapping[Period, int] | None = None
        # Whether a limit had too little room for anything to wait, when it was last looked at.
        self._scarce = False
        # Who will have what was settled written soon.
        self._later: Later | None = None
        #: A number for the time until what was settled is written; None where nothing waits.
        self.window: int | None = None
        self._windows = count()

    @property
    def held(self) -> int:
        """Nano-dollars that the file has set aside for this process."""
        return 0 if self._held is None else self._held.amount

    def set_aside(
        self, amount: int, given: Mapping[Period, int], now: float, later: Later | None
    ) -> Tally | None:
        """Hold `amount` more, unless it would pass a limit that is `given`: that of the result.

        Where calls follow each other, or are under way together, `later` has some held ahead for a
        moment. Without a disk nothing is held.
        """
        full = None
        if self.unwritten.total + amount <= self.held and given == self._fitted:
            return full

        def more(spent: Sums) -> int:
            nonlocal full
            full = first_beyond(given, spent.values(), amount)
            if full is not None:
                return 0
            return amount + self._ahead(amount, given, spent, later)

        if self.look(now, more) is not None and full is None:
            self._fitted = given
        return full

    def settle(self, now: float, later: Later | None) -> None:
        """Have what was settled written: soon if `later` is there and there is room, else now."""
        if not self.held:
            return
        if later is None or self._scarce or self.unwritten.total > self.held:
            self.write(now)
        else:
            self._write_soon(later)

    def look(self, now: float, more: Callable[[Sums], int]) -> Sums | None:
        """Write what is unwritten; the sums of the session and of the hour, None without a disk.

        `more` gets these sums, and says what is to be held beside the calls under way. The first
        time that the disk fails costs a `BudgetWarning`.
        """
        seen: Sums | None = None

        def choose(sums: Callable[[], Sums]) -> int:
            nonlocal seen
            seen, under_way = sums(), self.unwritten.under_way
            for tally in seen.values():
                tally.add("reserved", under_way)
            return under_way + more(seen)

        try:
            self._exchange(choose, now)
        except disk_errors() as error:
            self._lose(error)
            return None
        return seen

    def write(self, now: float) -> None:
        """Write what is unwritten, and hold what is under way alone. Fails as `look`."""
        try:
            self._exchange(self._under_way, now)
        except disk_errors() as error:
            self._lose(error)

    def close(self) -> None:
        """Write what is unwritten, and close the file. It opens again when it is needed."""
        self._write_quietly()
        self._shut()

    def leave(self) -> None:
        """Forget what is held, and unwritten: another process sees to it."""
        self.unwritten.leave()
        self._held = self._fitted = self._later = self.window = None

    def _ahead(
        self, amount: int, given: Mapping[Period, int], spent: Sums, later: Later | None
    ) -> int:
        """What to hold beside `amount`: as much as is under way, for the calls that come next."""
        most = self.unwritten.under_way + amount
        left = (given[period] - tally.total for period, tally in spent.items() if period in given)
        share = min(left, default=most * _ROOM) // _ROOM
        self._scarce = share < amount
        in_a_row = self.unwritten.under_way or self._later is not None
        if later is None or self._scarce or not in_a_row:
            return 0
        self._write_soon(later)
        return min(most, share)

    def _write_soon(self, later: Later) -> None:
        if later != self._later:
            self._later, self.window = later, next(self._windows)
            later(_GATHERING, self._write_now)

    def _write_now(self) -> None:
        with self._lock:
            self._write_quietly()

    def _write_quietly(self) -> None:
        """Write what is unwritten of what is held. If the disk fails, the next call finds out."""
        self._later = self.window = None
        if self._held is not None:
            with suppress(*disk_errors()):
                self._exchange(self._under_way, self._clock())

    def _shut(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _under_way(self, _: object) -> int:
        return self.unwritten.under_way

    def _exchange(self, choose: Choose, now: float) -> None:
        if not self._disk:
            return
        if self._file is None:
            from orch_nb.store.spend_file import SpendFile  # noqa: PLC0415 - imports sqlite3

            self._file = SpendFile(self._home() / _NAME, self._session, now)
        self._fitted = None
        self._held = self._file.exchange(self.unwritten.sums(), self._held, choose, now)
        self.unwritten.written()

    def _lose(self, error: Exception) -> None:
        self._disk, self._held = False, None
        self._shut()
        reason = one_line(str(error)) or type(error).__name__
        import sqlite3  # noqa: PLC0415 - see `disk_errors`

        damaged = not isinstance(error, sqlite3.OperationalError | OSError)
        todo = f"delete {_NAME} there" if damaged else "see to the folder"
        warnings.warn(
            f"the budget holds for this session only, other sessions are not counted: {reason} "
            f"({one_line(str(self._home()), 200)}); {todo}, then restart the kernel",
            BudgetWarning,
            stacklevel=6,
        )
