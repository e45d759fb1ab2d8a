"""Scores: in 0..1, the cheapest first for cost, and weights that only count against each other."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_nb.errors import InputError, UnknownNameError
from orch_nb.routing import strategies
from orch_nb.routing.analyse import analyse
from orch_nb.routing.estimates import estimate
from orch_nb.routing.pool import Column
from orch_nb.routing.route import tabulate
from orch_nb.routing.strategies import (
    Table,
    Weights,
    canonical,
    chain,
    score,
    strategy,
    strategy_names,
)
from orch_nb.types import Message, ModelCard, Request, Track
from routing.candidates import WEIGHTS as EVEN
from routing.candidates import card, cards, situation, took

PROFILE = analyse(Request((Message("user", "Hello"),)))


def table(
    *candidates: ModelCard, kind: str = "chat", tracks: dict[str, Track] | None = None, **facts: Any
) -> Table:
    """The table of `candidates`, whose rows are sorted by name."""
    around = situation(candidates, tracks, **facts)
    profile = replace(PROFILE, kind=kind)
    estimates = estimate(around.seen, profile, {})
    return tabulate(estimates, np.arange(len(candidates)), around)


def by(name: str, made: Table, weights: Weights) -> Column:
    return score(name, PROFILE, made, weights)


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("cost", "cost"),
        ("cheapest", "cost"),
        ("cost_optimized", "cost"),
        (" Cost-Optimized ", "cost"),
        ("performance-optimized", "performance"),
        ("FASTEST", "fastest"),
        ("accuracy_optimized", "task"),
        ("task-based", "task"),
        ("task_based,cheapest", "task,cost"),
        ("balanced", "balanced"),
    ],
)
def test_aliases(alias: str, name: str) -> None:
    assert canonical(alias) == name


def test_an_unknown_strategy_names_the_nearest_or_all() -> None:
    with pytest.raises(UnknownNameError, match=r"did you mean performance\?"):
        canonical("performence")
    with pytest.raises(UnknownNameError, match="choose from adaptive, balanced, cascade, cost, "):
        canonical("zzz")


@given(cards())
def test_scores_are_finite_and_terms_are_in_their_range(candidates: list[ModelCard]) -> None:
    made = table(*candidates)
    for column in (made.cheapness, made.quality, made.speed):
        assert ((column >= 0) & (column <= 1)).all()
    for name in strategy_names():
        for one in chain(name):
            scores = by(one, made, EVEN)
            assert scores.shape == (len(candidates),)
            assert (np.isfinite(scores) | np.isnan(scores)).all()


@given(cards(), st.floats(0.01, 1000.0))
def test_weights_count_only_against_each_other(candidates: list[ModelCard], factor: float) -> None:
    weights = {"cost": 6.0, "quality": 3.0, "speed": 1.0}
    scaled = {name: weight * factor for name, weight in weights.items()}
    made = table(*candidates)
    np.testing.assert_allclose(
        by("weighted", made, weights),
        by("weighted", made, scaled),
        atol=1e-12,
    )
    np.testing.assert_allclose(
        by("weighted", made, EVEN),
        by("balanced", made, weights),
        atol=1e-12,
    )


@pytest.mark.parametrize(
    ("weight", "term"), [("cost", "cheapness"), ("quality", "quality"), ("speed", "speed")]
)
def test_one_weight_alone_is_that_term(weight: str, term: str) -> None:
    made = table(card("a", 1, tier=0.2), card("b", 5, tier=0.9, speed=50.0), card("c"))
    alone = {"cost": 0.0, "quality": 0.0, "speed": 0.0, weight: 2.0}
    np.testing.assert_allclose(by("weighted", made, alone), getattr(made, term))


def test_cheaper_is_better_and_unknown_is_worst() -> None:
    made = table(card("cheap", 0.1), card("dear", 50), card("free", 0), card("unknown"))
    cheap, dear, free, unknown = made.cheapness
    assert free == 1.0 > cheap > dear
    assert unknown == 0.0
    assert np.isnan(by("cost", made, EVEN)).tolist() == [False, False, False, True]


def test_stated_quality_counts_for_its_kind_of_task_only() -> None:
    stated = card("a", tier=0.25, quality={"code": 0.9})
    assert table(stated, kind="code").quality.tolist() == [0.9]
    assert table(stated, kind="chat").quality.tolist() == [0.25]
    assert table(card("b"), kind="chat").quality.tolist() == [0.5]


def test_what_was_seen_outweighs_the_stated_speed() -> None:
    model = card("a", speed=100.0)
    assert table(model).seconds[0] == PROFILE.output_tokens / 100.0
    assert table(model, tracks={"a": took(9.0)}).seconds[0] == 9.0
    paced = Track(calls=1, successes=1, ttft=0.5, tokens_per_second=50.0, p50=9.0)
    assert table(model, tracks={"a": paced}).seconds[0] == 0.5 + PROFILE.output_tokens / 50.0
    assert math.isnan(table(card("b"), tracks={"a": took(9.0)}).seconds[0])


def best(made: Table, name: str) -> int:
    return int(np.nanargmax(by(name, made, EVEN)))


def test_instances_take_turns() -> None:
    team = [card("m", 1, provider=name) for name in ("a", "b")]
    other = card("other", 1000)
    assert best(table(*team, other, turns={"a:m": 2, "b:m": 1}), "round_robin") == 1
    assert best(table(*team, other, turns={"a:m": 2, "b:m": 3}), "round_robin") == 0
    assert best(table(*team, other, busy={"a:m": 2, "b:m": 1}), "least_busy") == 1
    assert best(table(*team, other, busy={"a:m": 1, "b:m": 1}, turns={"a:m": 5}), "least_busy") == 1


def test_the_fastest_instance_is_the_one_that_was_seen_to_be() -> None:
    team = [card("m", 1, provider=name) for name in ("a", "b")]
    made = table(*team)
    assert best(replace(made, seconds=np.array([3.0, 2.0])), "fastest") == 1
    assert best(replace(made, seconds=np.array([3.0, np.nan])), "fastest") == 1


def test_adaptive_tries_what_is_little_known() -> None:
    made = table(card("a", 1, tier=0.55), card("b", 2, tier=0.6))
    random = np.random.default_rng(7)
    taken = {best(replace(made, random=random), "adaptive") for _ in range(200)}
    assert taken == {0, 1}


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is gone after it."""
    monkeypatch.setattr(strategies, "_STRATEGIES", dict(strategies._STRATEGIES))


@pytest.mark.usefixtures("registry")
def test_a_strategy_of_ones_own_may_be_named_in_any_way_and_return_a_list() -> None:
    strategy("My-own")(lambda profile, table, weights: [1, 2])  # type: ignore[arg-type, return-value]
    assert canonical("My-own") == "My-own"
    scores = score("My-own", PROFILE, table(card("a"), card("b")), EVEN)
    assert scores.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("name", ["", " ", "a,b", "speed", len])
def test_a_strategy_that_nobody_could_ask_for_is_refused(name: Any) -> None:
    with pytest.raises(InputError, match=r"as in @strategy\('mine'\)"):
        strategy(name)


def test_weights_near_infinity_still_weigh() -> None:
    huge = dict.fromkeys(EVEN, 1.7e308)
    both = table(card("a", 1), card("b", 9))
    expected = score("weighted", PROFILE, both, EVEN)
    assert score("weighted", PROFILE, both, huge).tolist() == pytest.approx(expected.tolist())


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize("scores", [np.ones(1), np.ones((2, 1)), 1.0, None, ["high", "low"]])
def test_a_strategy_that_does_not_score_each_candidate_is_named(scores: Any) -> None:
    strategy("wrong")(lambda profile, table, weights: scores)
    with pytest.raises(InputError, match="strategy wrong must return one score for each of the 2"):
        score("wrong", PROFILE, table(card("a"), card("b")), EVEN)
