"""analyse → filter → score → decide: pure, deterministic, and with a reason for each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np

from orch_nb.errors import SelectionError
from orch_nb.figures import dollars, seconds
from orch_nb.routing.analyse import analyse
from orch_nb.routing.filters import split, unfit
from orch_nb.routing.strategies import Table, Weights, score, tabulate
from orch_nb.types import (
    Choice,
    Decision,
    Estimate,
    ModelCard,
    Rejection,
    Request,
    TaskProfile,
    Usage,
)


def route(
    request: Request,
    cards: Sequence[ModelCard],
    *,
    strategy: str,
    weights: Weights,
    latency: Mapping[str, float],
    unreachable: Sequence[Rejection] = (),
    memory: int | None = None,
) -> Decision:
    """Rank `cards` for `request` by the strategy with the canonical name `strategy`.

    `latency` is seconds by model id as seen so far. `unreachable` are providers that could not
    say what they have. `memory` is what models on this machine can have now, in bytes, None where
    that is unknown. Equal scores are ordered by priority, then by name. Raises
    `SelectionError` when no model may answer.
    """
    profile = analyse(request)
    fit, rejected = split(cards, profile, memory, latency)
    rejected += unreachable
    if not fit:
        raise SelectionError(
            "no model may answer; name one with --model or relax a limit", rejected
        )
    estimates = [estimate(card, profile, latency) for card in fit]
    table = tabulate(fit, estimates, profile.kind)
    scores = score(strategy, table, weights)
    order = sorted(range(len(fit)), key=lambda i: (-scores[i], fit[i].priority, fit[i].id))
    terms = _terms(table)
    ranking = tuple(
        Choice(
            fit[i],
            float(scores[i]),
            terms[i],
            estimates[i],
            _reason(fit[i], profile.kind, estimates[i], place, len(order)),
        )
        for place, i in enumerate(order, start=1)
    )
    return Decision(strategy, "strategy", profile, ranking, tuple(rejected))


def name_models(
    request: Request, cards: Sequence[ModelCard], latency: Mapping[str, float]
) -> Decision:
    """The decision that the caller took: `cards`, in their order.

    Raises `SelectionError` when none of them can do the task, as far as is known.
    """
    profile = analyse(request)
    # A named model of which nothing is known is tried as it is.
    reasons = {card.id: unfit(card, profile) for card in cards if card.capabilities is not None}
    rejected = tuple(Rejection(model, reason) for model, reason in reasons.items() if reason)
    ranking = tuple(
        Choice(card, 1.0, {}, estimate(card, profile, latency), "named by the caller")
        for card in cards
        if not reasons.get(card.id)
    )
    if not ranking:
        raise SelectionError("what was named cannot do this", rejected)
    return Decision("explicit", "explicit model", profile, ranking, rejected)


def estimate(card: ModelCard, profile: TaskProfile, latency: Mapping[str, float]) -> Estimate:
    """Expected dollars and seconds of one call; None where nothing is known to go by."""
    usage = Usage(profile.input_tokens, profile.output_tokens, source="estimated")
    takes = latency.get(card.id)
    if takes is None and card.speed:
        takes = profile.output_tokens / card.speed
    return Estimate(None if card.prices is None else card.prices.charge(usage), takes)


def fallback_order(decision: Decision, policy: str) -> list[ModelCard]:
    """The models to try, in order, under the policy "best", "cheapest" or "fail"."""
    first, *others = decision.ranking
    if policy == "fail" and decision.source != "explicit model":
        return [first.card]
    if policy == "cheapest":
        others.sort(key=_cost_or_last)
    return [choice.card for choice in (first, *others)]


def _cost_or_last(choice: Choice) -> Decimal:
    return Decimal("Infinity") if choice.estimate.cost is None else choice.estimate.cost


def _terms(table: Table) -> list[dict[str, float]]:
    columns = np.column_stack((table.cheapness, table.quality, table.speed))
    return [
        dict(zip(("cost", "quality", "speed"), map(float, row), strict=True)) for row in columns
    ]


def _reason(card: ModelCard, task: str, expected: Estimate, place: int, count: int) -> str:
    rank = "best" if place == 1 else f"place {place}"
    price = "price unknown" if expected.cost is None else f"about {dollars(expected.cost)}"
    time = (
        "speed not seen yet" if expected.seconds is None else f"about {seconds(expected.seconds)}"
    )
    return f"{rank} of {count}: {price}, {time}, quality from {card.quality_source(task)}"
