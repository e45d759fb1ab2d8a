"""Three budgets on one file in random order, beside a plain list of what was spent."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from orch_nb.errors import BudgetExceeded
from orch_nb.settings import BudgetSettings
from orch_nb.store.budget import Reservation
from orch_nb.store.holding import Later
from orch_nb.store.tally import State
from store.budgets import MODEL, Clock, D, Open, Purse, Timer

STEPS = 400
#: Dollars.
WORST = (1, 10, 50, 200, 500, 2000)


class Moving:
    """The clock, and whether it was moved."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self.moved = clock, False

    def __call__(self) -> float:
        return self._clock()

    def on(self, seconds: float) -> None:
        self._clock.now += seconds
        self.moved = True


@dataclass
class Side:
    """A budget, its timers as of two loops, and what it should know. In dollars."""

    purse: Purse
    clock: Moving
    timers: tuple[Timer, Timer] = field(default_factory=lambda: (Timer(), Timer()))
    under_way: list[tuple[Reservation, int]] = field(default_factory=list)
    paid: list[tuple[float, int]] = field(default_factory=list)

    @property
    def session(self) -> int:
        return sum(cost for _, cost in self.paid) + sum(worst for _, worst in self.under_way)

    def hour(self, now: float) -> int:
        recent = sum(cost for at, cost in self.paid if now - 3600 < at)
        return recent + sum(worst for _, worst in self.under_way)


def reserve(
    side: Side, sides: list[Side], limits: dict[str, int], later: Later | None, draw: random.Random
) -> None:
    """Reserve, and check that it was allowed, or refused, rightly."""
    worst, now = draw.choice(WORST), side.clock()
    spent = {"hour": sum(one.hour(now) for one in sides), "session": side.session}
    fits = all(spent[period] + worst <= limit for period, limit in limits.items())
    given = BudgetSettings(**{period: D(limit) for period, limit in limits.items()})
    try:
        made = side.purse.budget.reserve(D(worst), model=MODEL, limits=given, later=later)
    except BudgetExceeded:
        # What others have yet to write, and the last minute of the hour, may be in the way.
        waiting = any(timer.waiting for one in sides if one is not side for timer in one.timers)
        assert waiting or side.clock.moved or not fits
    else:
        assert fits
        side.under_way.append((made, worst))


def settle(side: Side, later: Later | None, draw: random.Random) -> None:
    reservation, worst = side.under_way.pop(draw.randrange(len(side.under_way)))
    state: State = draw.choice(["known", "known", "estimated", "unknown", "released"])
    cost = {"unknown": worst, "released": 0}.get(state, draw.randrange(worst + 1))
    side.paid.append((side.clock(), cost))
    counted = D(cost) if state in ("known", "estimated") else None
    side.purse.budget.settle(reservation, counted, state, later)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens_limits_hold_and_sums_are_right(
    purse: Open, clock: Clock, seed: int
) -> None:
    draw, moving = random.Random(seed), Moving(clock)
    sides = [Side(purse(f"s{number}", hour="10000"), moving) for number in range(3)]
    hour = 10_000
    for _ in range(STEPS):
        side, step = draw.choice(sides), draw.random()
        later = draw.choice([None, *side.timers, side.timers[0]])
        if step < 0.45:
            session = draw.choice([{}, {}, {}, {"session": 1000}, {"session": 5000}])
            reserve(side, sides, {"hour": hour, **session}, later, draw)
        elif step < 0.8 and side.under_way:
            settle(side, later, draw)
        elif step < 0.9:
            for timer in side.timers:
                timer.fire()
        elif step < 0.95:
            hour = draw.choice([10_000, 10_000, 5000, 2000])
            for one in sides:
                one.purse.change(hour=hour)
        elif step < 0.98:
            assert side.purse.budget.spent()["session"].total == side.session
        elif step < 0.99:
            side.purse.budget.close()
        elif seed % 2:
            moving.on(draw.choice([10, 100, 1000, 4000]))
    for side in sides:
        assert side.purse.budget.spent()["session"].total == side.session
    seen = sides[0].purse.budget.spent()["hour"].total
    truth = sum(side.hour(clock()) for side in sides)
    assert truth <= seen if moving.moved else truth == seen
