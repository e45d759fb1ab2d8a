"""Who is asked after whom."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import islice

from orch_nb.types import Choice, Decision, ModelCard


def fallback_order(decision: Decision, policy: str) -> Iterator[ModelCard]:
    """The models to try, in order, under the policy "best", "cheapest" or "fail".

    Choices are looked at one by one, as thousands may stand behind the first.
    """
    yield decision.best.card
    if policy == "fail" and decision.source != "explicit model":
        return
    others: Iterator[Choice] = islice(decision.ranking, 1, None)
    if policy == "cheapest":
        others = iter(sorted(others, key=_cost_or_last))
    for choice in others:
        yield choice.card


def _cost_or_last(choice: Choice) -> Decimal:
    return Decimal("Infinity") if choice.estimate.cost is None else choice.estimate.cost
