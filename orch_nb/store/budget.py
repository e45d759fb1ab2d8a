"""The budget: money is set aside before a model is asked, and settled when it has answered.

The sums of the task, the pipeline and the session are in memory, and always kept. As soon as any
limit is set, what was spent so far is written into ``spend.sqlite`` in the user's data folder, and
from then on the worst case of every call that can cost something, before it is sent: so the limit
of the hour holds for all of the user's processes on this machine, that of the session also for
processes that are forked from it, and `kill -9` loses nothing. What calls were settled for may be
written a moment later, together; until then the file has more, never less. Without a usable disk
the limits hold for this process alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from orch_nb.errors import BudgetExceeded
from orch_nb.forking import pause_for_fork, renew_after_fork
from orch_nb.settings import BudgetSettings
from orch_nb.store.account import Payment
from orch_nb.store.allowance import first_beyond, given_limits, refusal
from orch_nb.store.holding import Holding, Later
from orch_nb.store.nano import to_dollars, to_nano
from orch_nb.store.tally import Minutes, Period, Spent, State, Tally

# Seconds that `close` has to get at the budget: the garbage collector may close it in mid-call.
_GRACE = 1.0


@dataclass(slots=True, eq=False)
class Reservation:
    """Money set aside for one attempt, in nano-dollars. ``amount`` None has no known price."""

    model: str
    amount: int | None
    tallies: tuple[Tally, ...]
    state: State = "reserved"


class Budget:
    """What may be spent, and what was. Safe to use from any thread.

    Parameters
    ----------
    limits
        In dollars.
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
        self.limits, self.shared, self._clock = limits, shared, clock
        self._session = Tally("session")
        # What this process spent: the last hour of it, without a disk to ask.
        self._minutes = Minutes()
        self._lock = threading.Lock()
        self._holding = Holding(home, session, lock=self._lock, clock=clock)
        # What others have spent, in nano-dollars, as seen in this window of the holding.
        self._others: Mapping[Period, int] = {}
        self._window: int | None = None
        self._forked = False
        pause_for_fork(self, Budget._pause, Budget._go_on)
        renew_after_fork(self, Budget._leave_to_parent)

    @property
    def limits(self) -> BudgetSettings:
        """What may be spent, in dollars; may be replaced at any time."""
        return self._limits

    @limits.setter
    def limits(self, limits: BudgetSettings) -> None:
        """Have these hold from the next call on."""
        self._limits, self._given = limits, given_limits(limits)

    @property
    def limited(self) -> bool:
        """Whether any limit is set."""
        return bool(self._given)

    def given(self, limits: BudgetSettings | None = None) -> Mapping[Period, int]:
        """The limits that are set in nano-dollars, of `limits` or the session's."""
        return self._given if limits is None else given_limits(limits)

    def reserve(
        self,
        worst: Decimal | None,
        *,
        model: str,
        periods: Sequence[Tally] = (),
        limits: BudgetSettings | None = None,
        later: Later | None = None,
    ) -> Reservation:
        """Set `worst` dollars aside, the most that one attempt at `model` can cost.

        `periods` are the task, and the pipeline if there is one, that the attempt is a part of;
        session and hour it always is. None is an unknown price. What costs nothing always fits.
        `limits` are those that hold for this attempt, None has the session's. `later` lets what
        is written be gathered, as in `settle`.

        Raises
        ------
        BudgetExceeded
            It does not fit into a period, or the price is unknown and ``unpriced`` is "refuse".
        """
        given = self.given(limits)
        if worst is None and given and (limits or self.limits).unpriced == "refuse":
            raise BudgetExceeded(
                model,
                "its price is unknown, and a budget is set; state models.….price, or allow it by "
                "budget: {unpriced: allow}",
            )
        amount = 0 if worst is None else to_nano(worst)
        with self._lock:
            now, within = self._clock(), (*periods, self._session)
            full = first_beyond(given, within, amount)
            if full is None:
                full = self._set_aside(amount, given, now, later)
            if full is not None:
                self._window = None  # `left` is asked next, and is to know what was in the way
                raise refusal(model, full.period, given[full.period], full, amount)
            within = (*within, self._minutes.at(now))
            for tally in within:
                tally.add("reserved", amount)
            reservation = Reservation(model, None if worst is None else amount, within)
            self._holding.unwritten.begin(reservation)
        return reservation

    def settle(
        self,
        reservation: Reservation,
        cost: Decimal | None,
        state: State,
        later: Later | None = None,
    ) -> None:
        """Put `cost` dollars in the place of what was reserved.

        "known" and "estimated" need a cost, and 0 is one; "unknown" keeps the worst case,
        "released" was provably not billed. Once only: a second time is a `RuntimeError`.
        Other processes see it at once, or within 50 ms where `later` is there to see to that.
        """
        if state in ("known", "estimated") and cost is None and reservation.amount is not None:
            raise ValueError(f"a call that is {state} has a cost")
        with self._lock:
            if reservation.state != "reserved" or state == "reserved":
                raise RuntimeError(f"settled already, as {reservation.state}")
            reservation.state = state
            reserved = reservation.amount or 0
            amount = reserved if cost is None or state == "unknown" else to_nano(cost)
            now = self._clock()
            if not self._holding.unwritten.end(reservation, state, amount, now):
                return
            for tally in reservation.tallies:
                tally.add("reserved", -reserved)
                tally.add(state, amount)
                tally.unpriced += reservation.amount is None and state != "released"
            self._holding.settle(now, None if self._hasty else later)

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

        `limits` as for `reserve`. While one call follows another, what other processes spent in
        the last 50 ms may be missing, but not after a refusal.
        """
        given = self.given(limits)
        if not given:
            return None
        with self._lock:
            mine, window = self._session.total, self._holding.window
            if window is None or window != self._window:
                seen = self._tallies((), written=True)
                self._others = {tally.period: tally.total - mine for tally in seen}
                self._window = self._holding.window
            spent = {tally.period: tally.total for tally in periods}
            spent |= {period: mine + others for period, others in self._others.items()}
        return to_dollars(max(0, min(limit - spent.get(p, 0) for p, limit in given.items())))

    def close(self) -> None:
        """Write what is left, and close the file. It opens again when it is needed."""
        if self._lock.acquire(timeout=_GRACE):
            try:
                self._holding.close()
            finally:
                self._lock.release()

    @property
    def _hasty(self) -> bool:
        """Whether what is settled must be written at once: the process may end without a word."""
        return self._forked or self.shared

    def _set_aside(
        self, amount: int, given: Mapping[Period, int], now: float, later: Later | None
    ) -> Tally | None:
        """Hold `amount` more, unless that passes a limit of the session or the hour: which."""
        full = None
        if (given or self.shared) and amount:
            full = self._holding.set_aside(amount, given, now, None if self._hasty else later)
            if full is not None or self._holding.held:
                return full
        return first_beyond(given, [self._minutes.hour(now)], amount) if "hour" in given else None

    def _tallies(self, periods: Sequence[Tally], *, written: bool) -> list[Tally]:
        """The sums as far as they are known: by the file, where it is kept."""
        now = self._clock()
        session, hour = self._session, self._minutes.hour(now)
        seen = self._holding.look(now, lambda _: 0) if written else None
        if seen is not None:
            # Processes that were forked from the session, or work for it, may have spent as well.
            session = max(session, seen["session"], key=lambda tally: tally.total)
            hour = seen["hour"]
        return [*periods, session, hour]

    def _pause(self) -> None:
        """A connection must not be carried into a fork, nor a lock that another thread holds."""
        self._lock.acquire()
        self._holding.close()

    def _go_on(self) -> None:
        self._lock.release()

    def _leave_to_parent(self) -> None:
        """What was under way in the parent is settled there, and it writes what it spent."""
        self._holding.leave()
        self._forked = True
        for tally in (self._session, *self._minutes):
            tally.sums["reserved"] = 0
