"""Decisions: deterministic, complete, and with a reason for each model."""

from __future__ import annotations

import math
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_nb.errors import SelectionError
from orch_nb.invoke.order import fallback_order
from orch_nb.routing.analyse import analyse
from orch_nb.routing.named import name_models
from orch_nb.routing.route import route
from orch_nb.routing.strategies import strategy_names
from orch_nb.types import Decision, Message, ModelCard, Rejection, Request
from routing.candidates import ASK, card, cards, seen, situation, took


def decide(
    candidates: list[ModelCard], strategy: str = "cost", request: Request = ASK, **facts: Any
) -> Decision:
    return route(request, analyse(request), strategy, situation(candidates, **facts))


def name(*candidates: ModelCard, request: Request = ASK) -> Decision:
    return name_models(request, analyse(request), candidates, seen())


def names(decision: Decision) -> list[str]:
    return [choice.card.name for choice in decision.ranking]


@given(cards(), st.sampled_from(strategy_names()), st.randoms(use_true_random=False))
def test_the_order_of_the_cards_never_matters(
    candidates: list[ModelCard], strategy: str, random: Random
) -> None:
    first = decide(candidates, strategy)
    shuffled = list(candidates)
    random.shuffle(shuffled)
    second = decide(shuffled, strategy)
    assert [(c.model, repr(c.score), c.reason) for c in second.ranking] == [
        (c.model, repr(c.score), c.reason) for c in first.ranking
    ]
    scores = [choice.score for choice in first.ranking if not math.isnan(choice.score)]
    # The models of a cascade come in the order in which they are asked.
    assert scores == sorted(scores, reverse=True) or first.cascade is not None
    assert sorted(names(first)) == sorted(candidate.name for candidate in candidates)


@given(cards())
def test_the_cheapest_wins_and_an_unknown_price_is_never_cheaper(
    candidates: list[ModelCard],
) -> None:
    ranking = decide(candidates, "cost").ranking
    costs = [choice.estimate.cost for choice in ranking]
    known = [cost for cost in costs if cost is not None]
    assert known == sorted(known)
    assert costs[: len(known)] == known


def test_ties_go_by_priority_then_name() -> None:
    tied = [card("b", 1), card("a", 1), card("c", 1, priority=1)]
    assert names(decide(tied)) == ["c", "a", "b"]


def test_dearer_than_the_scale_is_still_dearer() -> None:
    assert names(decide([card("a", 10**6), card("b", 10**5), card("c", 10**4)])) == ["c", "b", "a"]


def test_the_quickest_seen_wins_performance() -> None:
    tracks = {"a": took(8.0), "b": took(2.0), "c": took(4.0)}
    models = [card("a"), card("b"), card("c")]
    assert names(decide(models, "performance", tracks=tracks)) == ["b", "c", "a"]


def test_what_may_not_answer_is_listed_with_its_reason() -> None:
    long = Request((Message("user", "word " * 4000),))
    candidates = [
        card("short", 1, context=1000),
        card("fits", 1, context=100_000),
        card("unknown", 1),
        card("embed", 1, unranked="no chat model"),
    ]
    down = (Rejection("down", "cannot reach it"),)
    decision = decide(candidates, request=long, unreachable=down)
    assert names(decision) == ["fits", "unknown"]
    reasons = {rejection.model: rejection.reason for rejection in decision.rejected}
    needed = decision.profile.input_tokens + decision.profile.output_tokens
    assert reasons == {
        "p:short": f"needs about {needed} tokens, its context has 1000",
        "p:embed": "no chat model",
        "down": "cannot reach it",
    }


@pytest.mark.parametrize("candidates", [[], [card("e", unranked="no chat model")]])
def test_when_none_may_answer_every_reason_is_said(candidates: list[ModelCard]) -> None:
    with pytest.raises(SelectionError) as caught:
        decide(candidates, unreachable=[Rejection("down", "cannot reach it")])
    assert len(caught.value.rejected) == len(candidates) + 1
    for rejection in caught.value.rejected:
        assert f"{rejection.model}: {rejection.reason}" in str(caught.value)


def test_each_choice_says_what_it_costs_and_why() -> None:
    decision = decide([card("a", 2, tier=0.5, tier_source="the vendor"), card("b")], "balanced")
    first = {choice.card.name: choice for choice in decision.ranking}["a"]
    assert set(first.terms) == {"cost", "quality", "speed"}
    assert first.score == pytest.approx(sum(first.terms.values()) / 3)
    assert first.estimate.cost == Decimal(2 * (5 + 250)) / 10**6
    assert "the vendor" in first.reason
    assert "price unknown" in {c.card.name: c for c in decision.ranking}["b"].reason
    assert str(decision).startswith("balanced (strategy): p:")


def test_named_models_stay_in_the_callers_order() -> None:
    decision = name(card("dear", 50), card("none", unranked="no chat model"))
    assert names(decision) == ["dear", "none"]
    assert (decision.source, decision.best.reason) == ("explicit model", "named by the caller")


@pytest.mark.parametrize(
    ("policy", "order"),
    [
        ("best", ["quick", "dear", "cheap", "unknown"]),
        ("cheapest", ["quick", "cheap", "dear", "unknown"]),
        ("fail", ["quick"]),
    ],
)
def test_fallback_policies(policy: str, order: list[str]) -> None:
    tracks = {"quick": took(1.0), "dear": took(2.0), "cheap": took(3.0), "unknown": took(4.0)}
    models = [card("cheap", 1), card("quick", 99), card("unknown"), card("dear", 50)]
    decision = decide(models, "performance", tracks=tracks)
    assert [c.name for c in fallback_order(decision, policy)] == order


@pytest.mark.parametrize("policy", ["best", "fail"])
def test_an_order_that_the_caller_gave_is_kept_whole(policy: str) -> None:
    decision = name(card("b"), card("a"))
    assert [c.name for c in fallback_order(decision, policy)] == ["b", "a"]
