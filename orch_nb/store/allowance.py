"""The limits of a budget in whole nano-dollars, and what is said when one would be passed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from orch_nb.errors import BudgetExceeded
from orch_nb.figures import dollars
from orch_nb.settings import BudgetSettings
from orch_nb.store.nano import limit_to_nano, to_dollars
from orch_nb.store.tally import PERIODS, Period, Tally


def given_limits(limits: BudgetSettings) -> dict[Period, int]:
    """The limits that are set, in nano-dollars."""
    found = {period: getattr(limits, period) for period in PERIODS}
    return {period: limit_to_nano(limit) for period, limit in found.items() if limit is not None}


def first_beyond(
    given: Mapping[Period, int], tallies: Iterable[Tally], amount: int
) -> Tally | None:
    """The first of `tallies` that would pass its limit with `amount`; what is free fits always."""
    for tally in tallies:
        limit = given.get(tally.period)
        if limit is not None and amount and tally.total + amount > limit:
            return tally
    return None


def refusal(model: str, period: Period, limit: int, tally: Tally, amount: int) -> BudgetExceeded:
    """Why `model` is not asked for up to `amount`: `tally` would pass `limit`, in nano-dollars."""
    limit_, worst = to_dollars(limit), to_dollars(amount)
    spent, reserved = to_dollars(tally.settled), to_dollars(tally.sums["reserved"])
    return BudgetExceeded(
        model,
        f"could cost up to {dollars(worst)}, and budget.{period} is {dollars(limit_)}, of which "
        f"{dollars(spent)} is spent and {dollars(reserved)} reserved",
        period=period,
        limit=limit_,
        spent=spent,
        reserved=reserved,
        worst=worst,
    )
