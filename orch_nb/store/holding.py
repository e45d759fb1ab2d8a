"""What one process has set aside in the spend file for its calls, and what it has yet to write."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from orch_nb.sanitize import one_line
from orch_nb.store.disk import disk_errors
from orch_nb.store.unwritten import Unwritten

if TYPE_CHECKING:
    from orch_nb.store.spend_file import Choose, Held, SpendFile, Sums

_NAME = "spend.sqlite"


class BudgetWarning(UserWarning):
    """The budget holds, but for this process alone."""


class Holding:
    """One row of the spend file, that holds at least what ``unwritten`` says was or may be spent.

    Changed by a `Budget` under its lock.

    Parameters
    ----------
    home
        The user's data folder.
    session
        The id of the session that the process spends for.
    """

    def __init__(self, home: Callable[[], Path], session: str) -> None:
        self._home, self._session = home, session
        self.unwritten = Unwritten()
        self._file: SpendFile | None = None
        self._held: Held | None = None
        self._disk = True

    @property
    def held(self) -> int:
        """Nano-dollars that the file has set aside for this process."""
        return 0 if self._held is None else self._held.amount

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
        """Write what is unwritten, and hold no more than what is under way. Fails as `look`."""
        try:
            self._exchange(self._under_way, now)
        except disk_errors() as error:
            self._lose(error)

    def settle_up(self, now: float) -> None:
        """Write what is unwritten of what is held. If the disk fails, the next call finds out."""
        if self._held is not None:
            with suppress(*disk_errors()):
                self._exchange(self._under_way, now)

    def close(self) -> None:
        """Close the file. It opens again when it is needed."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def leave(self) -> None:
        """Forget what is held, and unwritten: another process sees to it."""
        self.unwritten.leave()
        self._held = None

    def _under_way(self, _: object) -> int:
        return self.unwritten.under_way

    def _exchange(self, choose: Choose, now: float) -> None:
        if not self._disk:
            return
        if self._file is None:
            from orch_nb.store.spend_file import SpendFile  # noqa: PLC0415 - imports sqlite3

            self._file = SpendFile(self._home() / _NAME, self._session, now)
        self._held = self._file.exchange(self.unwritten.sums(), self._held, choose, now)
        self.unwritten.written()

    def _lose(self, error: Exception) -> None:
        self._disk, self._held = False, None
        self.close()
        reason = one_line(str(error)) or type(error).__name__
        import sqlite3  # noqa: PLC0415 - see `disk_errors`

        damaged = not isinstance(error, sqlite3.OperationalError | OSError)
        todo = f"delete {_NAME} there" if damaged else "see to the folder"
        warnings.warn(
            f"the budget holds for this session only, other sessions are not counted: {reason} "
            f"({one_line(str(self._home()), 200)}); {todo}, then restart the kernel",
            BudgetWarning,
            stacklevel=5,
        )
