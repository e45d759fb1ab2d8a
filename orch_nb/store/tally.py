"""What one period has cost: by how sure that is, in nano-dollars."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, get_args

from orch_nb.store.nano import to_dollars

Period = Literal["task", "pipeline", "session", "hour"]
PERIODS: tuple[Period, ...] = get_args(Period)
#: Seconds in the window of the period "hour".
HOUR = 3600.0
_MINUTE = 60.0

#: What became of a reservation. "unknown" keeps the worst case; "released" was not billed.
State = Literal["reserved", "known", "estimated", "unknown", "released"]
#: The states whose amounts count.
COUNTED: tuple[State, ...] = ("reserved", "known", "estimated", "unknown")


@dataclass(frozen=True, slots=True)
class Spent:
    """Dollars of one period: ``known`` from the providers' counts, ``estimated`` from ours.

    ``unknown`` is up to how much the calls cost that ended without a count; ``reserved`` the same
    for those under way. The costs of ``unpriced`` calls are in none of these.
    """

    known: Decimal = Decimal(0)
    estimated: Decimal = Decimal(0)
    unknown: Decimal = Decimal(0)
    reserved: Decimal = Decimal(0)
    unpriced: int = 0

    @property
    def settled(self) -> Decimal:
        """Dollars that no call under way can bring down again."""
        return self.known + self.estimated + self.unknown

    @property
    def total(self) -> Decimal:
        """Dollars that count against a limit."""
        return self.settled + self.reserved


class Tally:
    """The sums of one period, changed by a `Budget` under its lock."""

    __slots__ = ("period", "sums", "unpriced")

    def __init__(self, period: Period) -> None:
        self.period = period
        self.sums = dict.fromkeys(COUNTED, 0)
        self.unpriced = 0

    @property
    def total(self) -> int:
        """All that counts against a limit."""
        return sum(self.sums.values())

    @property
    def settled(self) -> int:
        """`total` without the calls under way."""
        return self.total - self.sums["reserved"]

    def add(self, state: State, amount: int) -> None:
        """Count `amount`, which may be less than 0, as `state`."""
        if state in self.sums:
            self.sums[state] += amount

    @property
    def spent(self) -> Spent:
        """The sums in dollars."""
        dollars = {state: to_dollars(amount) for state, amount in self.sums.items()}
        return Spent(
            dollars["known"],
            dollars["estimated"],
            dollars["unknown"],
            dollars["reserved"],
            self.unpriced,
        )


class Minutes:
    """What one process spent in the last hour, a tally a minute. Changed under a budget's lock."""

    def __init__(self) -> None:
        self._tallies: dict[int, Tally] = {}

    def __iter__(self) -> Iterator[Tally]:
        return iter(self._tallies.values())

    def at(self, now: float) -> Tally:
        """The tally of the minute of `now`; with a new one, those outside the hour are dropped."""
        minute = int(now // _MINUTE)
        if minute not in self._tallies:
            window = range(int((now - HOUR) // _MINUTE), int((now + HOUR) // _MINUTE) + 1)
            self._tallies = {
                other: tally
                for other, tally in self._tallies.items()
                if other in window or tally.sums["reserved"]
            }
            self._tallies[minute] = Tally("hour")
        return self._tallies[minute]

    def hour(self, now: float) -> Tally:
        """The sum of the hour before `now`, to the minute."""
        self.at(now)
        whole = Tally("hour")
        for tally in self:
            whole.unpriced += tally.unpriced
            for state, amount in tally.sums.items():
                whole.sums[state] += amount
        return whole
