"""The budget: money is set aside before a model is asked, and settled when it has answered.

The sums of the task, the pipeline and the session are in memory, and always kept. As soon as any
limit is set, what was spent so far is written into ``spend.sqlite`` in the user's data folder, and
from then on every call that can cost something, before it is sent: so the limit of the hour holds
for all of the user's processes on this machine, that of the session also for processes that are
forked from it, and `kill -9` loses nothing. Without a usable disk the limits hold for this process
alone.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from orch_nb.errors import BudgetExceeded
from orch_nb.forking import pause_for_fork, renew_after_fork
from orch_nb.sanitize import one_line
from orch_nb.settings import BudgetSettings
from orch_nb.store.account import Payment
from orch_nb.store.allowance import given_limits, refusal
from orch_nb.store.disk import disk_errors
from orch_nb.store.nano import to_dollars, to_nano
from orch_nb.store.tally import Minutes, Period, Spent, State, Tally
from orch_nb.store.unwritten import Unwritten

if TYPE_CHECKING:
    from orch_nb.store.spend_file import SpendFile

T = TypeVar("T")

_NAME = "spend.sqlite"


class BudgetWarning(UserWarning):
    """The budget holds, but for this process alone."""


@dataclass(slots=True, eq=False)
class Reservation:
    """Money set aside for one attempt, in nano-dollars. ``amount`` None has no known price."""

    model: str
    amount: int | None
    tallies: tuple[Tally, ...]
    row: int | None = None
    state: State = "reserved"


class Budget:
    """What may be spent, and what was. Safe to use from any thread; a call takes about 0.1 ms.

    Parameters
    ----------
    limits
        In dollars; an attribute that may be replaced at any time.
    home
        The user's data folder.
    session
        The session's id, which processes that are forked from it share.
    clock
        Seconds since the epoch.
    shared
        Whether other processes spend for this session as well: then all of it is written down,
        limited or not. An attribute that may be replaced at any time.
    """

    def __init__(
        self,
        limits: BudgetSettings,
        home: Callable[[], Path],
        *,
        session: str,
        clock: Callable[[], float],
        shared: bool = False,
    ) -> None:
        self.limits, self.shared, self._home = limits, shared, home
        self._id, self._clock = session, clock
        self._session = Tally("session")
        # What this process spent: the last hour of it, without a disk to ask.
        self._minutes = Minutes()
        self._unwritten = Unwritten()
        self._lock = threading.Lock()
        self._file: SpendFile | None = None
        self._disk = True
        pause_for_fork(self, Budget._pause, Budget._go_on)
        renew_after_fork(self, Budget._leave_to_parent)

    @property
    def limited(self) -> bool:
        """Whether any limit is set."""
        return bool(given_limits(self.limits))

    def reserve(
        self,
        worst: Decimal | None,
        *,
        model: str,
        periods: Sequence[Tally] = (),
        limits: BudgetSettings | None = None,
    ) -> Reservation:
        """Set `worst` dollars aside, the most that one attempt at `model` can cost.

        `periods` are the task, and the pipeline if there is one, that the attempt is a part of;
        session and hour it always is. None is an unknown price. What costs nothing always fits.
        `limits` are those that hold for this attempt, None has the session's.

        Raises
        ------
        BudgetExceeded
            It does not fit into a period, or the price is unknown and ``unpriced`` is "refuse".
        """
        limits = limits or self.limits
        given = given_limits(limits)
        if worst is None and given and limits.unpriced == "refuse":
            raise BudgetExceeded(
                model,
                "its price is unknown, and a budget is set; state models.….price, or allow it by "
                "budget: {unpriced: allow}",
            )
        amount = None if worst is None else to_nano(worst)

        def check(spent: Mapping[Period, Tally]) -> None:
            for period, tally in spent.items():
                if amount and period in given and tally.total + amount > given[period]:
                    raise refusal(model, period, given[period], tally, amount)

        with self._lock:
            now = self._clock()
            check({tally.period: tally for tally in (*periods, self._session)})
            row = None
            if (given or self.shared) and amount:
                row = self._on_disk(lambda file: file.reserve(amount, check, now), now)
            if row is None and "hour" in given:
                check({"hour": self._minutes.hour(now)})
            tallies = (*periods, self._session, self._minutes.at(now))
            for tally in tallies:
                tally.add("reserved", amount or 0)
            reservation = Reservation(model, amount, tallies, row)
            if row is None and amount:
                self._unwritten.under_way.add(reservation)
        return reservation

    def settle(self, reservation: Reservation, cost: Decimal | None, state: State) -> None:
        """Put `cost` dollars in the place of what was reserved.

        "known" and "estimated" need a cost, and 0 is one; "unknown" keeps the worst case,
        "released" was provably not billed. Once only: a second time is a `RuntimeError`.
        """
        if state in ("known", "estimated") and cost is None and reservation.amount is not None:
            raise ValueError(f"a call that is {state} has a cost")
        with self._lock:
            if reservation.state != "reserved" or state == "reserved":
                raise RuntimeError(f"settled already, as {reservation.state}")
            reservation.state = state
            reserved = reservation.amount or 0
            amount = reserved if cost is None or state == "unknown" else to_nano(cost)
            for tally in reservation.tallies:
                tally.add("reserved", -reserved)
                tally.add(state, amount)
                tally.unpriced += reservation.amount is None and state != "released"
            now = self._clock()
            if reservation.row is None:
                self._unwritten.under_way.discard(reservation)
                self._unwritten.add(state, amount, now)
            else:
                row = reservation.row
                self._on_disk(lambda file: file.settle(row, state, amount, now), now)

    def include(self, paid: Iterable[Payment]) -> None:
        """Count what another process was billed for this session, and has written down itself."""
        with self._lock:
            tallies = (self._session, self._minutes.at(self._clock()))
            for payment in paid:
                state: State = "known" if payment.certain else "estimated"
                if payment.cost is None:
                    state = "unknown"
                amount = to_nano(payment.most if payment.cost is None else payment.cost)
                for tally in tallies:
                    tally.add(state, amount)
                    tally.unpriced += payment.cost is None and not amount

    def spent(self, periods: Sequence[Tally] = ()) -> dict[Period, Spent]:
        """What the session and the hour have cost, and `periods`, by period."""
        with self._lock:
            found = self._tallies(periods, written=self.limited or self.shared)
            return {tally.period: tally.spent for tally in found}

    def left(
        self, periods: Sequence[Tally] = (), limits: BudgetSettings | None = None
    ) -> Decimal | None:
        """The most that one more attempt may cost, in dollars; None without a limit.

        `limits` as for `reserve`.
        """
        given = given_limits(limits or self.limits)
        if not given:
            return None
        with self._lock:
            spent = {tally.period: tally.total for tally in self._tallies(periods, written=True)}
        return to_dollars(max(0, min(limit - spent.get(p, 0) for p, limit in given.items())))

    def close(self) -> None:
        """Close the file. It opens again when it is needed."""
        with self._lock:
            self._close()

    def _on_disk(self, act: Callable[[SpendFile], T], now: float) -> T | None:
        """What `act` gives for the file, which knows all that was spent; None without a disk."""
        file = self._open(now)
        if file is None:
            return None
        try:
            self._catch_up(file, now)
            return act(file)
        except disk_errors() as error:
            self._lose(error)
            return None

    def _tallies(self, periods: Sequence[Tally], *, written: bool) -> list[Tally]:
        """The sums as far as they are known: by the file, where it is kept."""
        now = self._clock()
        session, hour = self._session, self._minutes.hour(now)
        seen = self._on_disk(lambda file: file.totals(now), now) if written else None
        if seen is not None:
            # Processes that were forked from the session, or work for it, may have spent as well.
            session = max(session, seen["session"], key=lambda tally: tally.total)
            hour = seen["hour"]
        return [*periods, session, hour]

    def _catch_up(self, file: SpendFile, now: float) -> None:
        """Write down what was spent while there was no limit."""
        if not self._unwritten:
            return
        under_way = list(self._unwritten.under_way)
        amounts = [reservation.amount or 0 for reservation in under_way]
        rows = file.catch_up(self._unwritten.settled(), amounts, now)
        for reservation, row in zip(under_way, rows, strict=True):
            reservation.row = row
        self._unwritten.clear()

    def _open(self, now: float) -> SpendFile | None:
        if self._disk and self._file is None:
            try:
                from orch_nb.store.spend_file import SpendFile  # noqa: PLC0415 - imports sqlite3

                self._file = SpendFile(self._home() / _NAME, self._id, now)
            except disk_errors() as error:
                self._lose(error)
        return self._file

    def _lose(self, error: Exception) -> None:
        self._disk = False
        self._close()
        reason = one_line(str(error)) or type(error).__name__
        import sqlite3  # noqa: PLC0415 - see `disk_errors`

        damaged = not isinstance(error, sqlite3.OperationalError | OSError)
        todo = f"delete {_NAME} there" if damaged else "see to the folder"
        warnings.warn(
            f"the budget holds for this session only, other sessions are not counted: {reason} "
            f"({one_line(str(self._home()), 200)}); {todo}, then restart the kernel",
            BudgetWarning,
            stacklevel=4,
        )

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _pause(self) -> None:
        """A connection must not be carried into a fork, nor a lock that another thread holds."""
        self._lock.acquire()
        self._close()

    def _go_on(self) -> None:
        self._lock.release()

    def _leave_to_parent(self) -> None:
        """What was under way in the parent is settled there, and it writes what it spent."""
        self._unwritten.clear()
        for tally in (self._session, *self._minutes):
            tally.sums["reserved"] = 0
