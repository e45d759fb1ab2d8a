"""Scores: in 0..1, the cheapest first for cost, and weights that only count against each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_nb.errors import UnknownNameError
from orch_nb.routing.analyse import analyse
from orch_nb.routing.route import estimate
from orch_nb.routing.strategies import Table, canonical, score, strategy_names, tabulate
from orch_nb.types import Message, ModelCard, Request
from routing.candidates import card, cards

EVEN = {"cost": 1.0, "quality": 1.0, "speed": 1.0}
PROFILE = analyse(Request((Message("user", "Hello"),)))


def table(*candidates: ModelCard, kind: str = "chat") -> Table:
    return tabulate(candidates, [estimate(c, PROFILE, {}) for c in candidates], kind)


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("cost", "cost"),
        ("cheapest", "cost"),
        ("cost_optimized", "cost"),
        (" Cost-Optimized ", "cost"),
        ("performance-optimized", "performance"),
        ("FASTEST", "performance"),
        ("balanced", "balanced"),
    ],
)
def test_aliases(alias: str, name: str) -> None:
    assert canonical(alias) == name


def test_an_unknown_strategy_names_the_nearest_or_all() -> None:
    with pytest.raises(UnknownNameError, match=r"did you mean performance\?"):
        canonical("performence")
    with pytest.raises(UnknownNameError, match="choose from balanced, cost, performance, weighted"):
        canonical("zzz")


@given(cards())
def test_scores_are_finite_and_terms_are_in_their_range(candidates: list[ModelCard]) -> None:
    made = table(*candidates)
    for column in (made.cheapness, made.quality, made.speed):
        assert ((column >= 0) & (column <= 1)).all()
    for name in strategy_names():
        scores = score(name, made, EVEN)
        assert scores.shape == (len(candidates),)
        assert np.isfinite(scores).all()


@given(cards(), st.floats(0.01, 1000.0))
def test_weights_count_only_against_each_other(candidates: list[ModelCard], factor: float) -> None:
    weights = {"cost": 6.0, "quality": 3.0, "speed": 1.0}
    scaled = {name: weight * factor for name, weight in weights.items()}
    made = table(*candidates)
    np.testing.assert_allclose(
        score("weighted", made, weights), score("weighted", made, scaled), atol=1e-12
    )
    np.testing.assert_allclose(
        score("weighted", made, EVEN), score("balanced", made, weights), atol=1e-12
    )


@pytest.mark.parametrize(
    ("weight", "term"), [("cost", "cheapness"), ("quality", "quality"), ("speed", "speed")]
)
def test_one_weight_alone_is_that_term(weight: str, term: str) -> None:
    made = table(card("a", 1, tier=0.2), card("b", 5, tier=0.9, speed=50.0), card("c"))
    alone = {"cost": 0.0, "quality": 0.0, "speed": 0.0, weight: 2.0}
    np.testing.assert_allclose(score("weighted", made, alone), getattr(made, term))


def test_cheaper_is_better_and_unknown_is_worst() -> None:
    made = table(card("free", 0), card("cheap", 0.1), card("dear", 50), card("unknown"))
    free, cheap, dear, unknown = made.cheapness
    assert free == 1.0 > cheap > dear
    assert unknown == 0.0
    assert score("cost", made, EVEN).argmin() == 3


def test_stated_quality_counts_for_its_kind_of_task_only() -> None:
    stated = card("a", tier=0.25, quality={"code": 0.9})
    assert table(stated, kind="code").quality.tolist() == [0.9]
    assert table(stated, kind="chat").quality.tolist() == [0.25]
    assert table(card("b"), kind="chat").quality.tolist() == [0.5]


def test_what_was_seen_outweighs_the_stated_speed() -> None:
    model = card("a", speed=100.0)
    assert estimate(model, PROFILE, {}).seconds == PROFILE.output_tokens / 100.0
    assert estimate(model, PROFILE, {"p:a": 9.0}).seconds == 9.0
    assert estimate(card("b"), PROFILE, {"p:a": 9.0}).seconds is None
    assert math.isnan(table(card("b")).seconds[0])
