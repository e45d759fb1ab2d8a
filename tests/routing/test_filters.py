"""Which models may answer at all."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_nb.providers._memory import memory_for_models
from orch_nb.routing.analyse import analyse
from orch_nb.routing.estimates import estimate
from orch_nb.routing.filters import Split, split
from orch_nb.routing.named import name_models
from orch_nb.types import ModelCard, Requirements, Track
from routing.candidates import ASK, card, cards, seen, situation, took

GB = 10**9


NO_LIMITS = Requirements()


def divide(
    *candidates: ModelCard,
    requires: Requirements = NO_LIMITS,
    memory: int | None = None,
    tracks: dict[str, Track] | None = None,
) -> Split:
    seen, profile = situation(candidates, tracks).seen, analyse(ASK)
    return split(seen.pool, estimate(seen, profile, {}), profile, requires, memory=memory)


@pytest.mark.parametrize(
    ("facts", "memory", "fits"),
    [
        ({"size": 5 * GB, "local": True}, 6 * GB, True),
        ({"size": 5 * GB, "local": True}, 4 * GB, False),
        ({"size": 5 * GB, "local": True, "loaded": True}, 1 * GB, True),
        ({"size": 5 * GB, "local": False}, 4 * GB, True),
        ({"size": None, "local": True}, 4 * GB, True),
        ({"size": 5 * GB, "local": True}, None, True),
    ],
)
def test_a_model_must_fit_into_memory(
    facts: dict[str, object], memory: int | None, fits: bool
) -> None:
    parts = divide(card("big", **facts), memory=memory)
    assert bool(len(parts.fit)) is fits
    reasons = [row.reason for row in parts.rejected]
    assert reasons == ([] if fits else ["needs 5.0 GB of memory, 4.0 GB can be had"])


def beside(other: ModelCard) -> list[str]:
    big = card("big", size=5 * GB, local=True)
    return [row.model for row in divide(big, other, memory=1 * GB).rejected]


def test_what_is_loaded_can_make_room() -> None:
    assert beside(card("idle", size=4 * GB, local=True, loaded=True)) == []
    assert beside(card("idle", size=3 * GB, local=True, loaded=True)) == ["p:big"]


def test_what_has_answered_fits() -> None:
    big = card("big", size=5 * GB, local=True)
    assert not divide(big, memory=1 * GB, tracks={"big": took(2.0)}).rejected


def test_what_is_named_is_tried() -> None:
    big = card("big", size=10**18, local=True)
    assert name_models(ASK, analyse(ASK), [big], seen()).best.card is big


def test_memory_is_measured_or_unknown() -> None:
    memory = memory_for_models()
    assert memory is None or 0 < memory < 2**50


MODELS = (
    card("free", 0, tier=0.2, local=True),
    card("cheap", 1, tier=0.5),
    card("dear", 100, tier=0.9),
    card("unknown"),
)


@pytest.mark.parametrize(
    ("requires", "kept"),
    [
        (Requirements(), ["cheap", "dear", "free", "unknown"]),
        (Requirements(max_cost=Decimal(0)), ["free"]),
        (Requirements(max_cost=Decimal("0.01")), ["cheap", "free"]),
        (Requirements(min_quality=0.5), ["cheap", "dear", "unknown"]),
        (Requirements(min_quality=0.6), ["dear"]),
        (Requirements(local=True), ["free"]),
        (Requirements(providers=("p",)), ["cheap", "dear", "free", "unknown"]),
        (Requirements(providers=("other",)), []),
        (Requirements(exclude=("p",)), []),
        (Requirements(exclude=("dear", "p:cheap")), ["free", "unknown"]),
    ],
)
def test_limits_exclude(requires: Requirements, kept: list[str]) -> None:
    parts = divide(*MODELS, requires=requires)
    pool = situation(MODELS).seen.pool
    assert [pool.cards[row].name for row in parts.fit] == kept
    assert len(parts.rejected) == len(MODELS) - len(kept)


def reasons(requires: Requirements, **facts: Any) -> dict[str, str]:
    rejected = divide(*MODELS, requires=requires, **facts).rejected
    return {row.model.removeprefix("p:"): row.reason for row in rejected}


def test_each_limit_says_what_it_was_compared_with() -> None:
    dear = reasons(Requirements(max_cost=Decimal("0.001")))
    assert dear["dear"] == "would cost about $0.025, max_cost is $0.0010"
    assert dear["unknown"] == "its price is not known, max_cost is $0.0010"
    slow = reasons(Requirements(max_latency=4.0), tracks={"dear": took(9.0)})
    assert slow == {"dear": "would take about 9.0 s, max_latency is 4 s"}
    poor = reasons(Requirements(min_quality=0.4))
    assert poor == {"free": "quality 0.20 from unknown, min_quality is 0.4"}


def test_a_limit_that_no_model_meets_excludes_those_of_unknown_speed_too() -> None:
    slow = reasons(Requirements(max_latency=0.01))
    assert len(slow) == len(MODELS)
    assert "its speed is assumed" in slow["cheap"]


@pytest.mark.parametrize(
    ("requires", "advice"),
    [
        (
            Requirements(max_cost=Decimal("0.0001"), min_quality=0.4),
            "max_cost=0.000255 would admit p:cheap",
        ),
        (
            Requirements(max_cost=Decimal("0.0000001"), min_quality=0.2, exclude=("free", "dear")),
            "max_cost=0.000255 would admit p:cheap",
        ),
        (Requirements(min_quality=0.95), "min_quality=0.9 would admit p:dear"),
        (Requirements(max_latency=0.01), "max_latency=3 would admit p:cheap"),
        (Requirements(local=True, exclude=("free",)), ""),
    ],
)
def test_the_nearest_limit_to_relax_is_named(requires: Requirements, advice: str) -> None:
    assert divide(*MODELS, requires=requires).advice == advice


@given(cards(), st.floats(0, 0.01), st.floats(0, 1))
def test_what_the_advice_says_is_true(
    candidates: list[ModelCard], cost: float, quality: float
) -> None:
    requires = Requirements(max_cost=Decimal(str(cost)), min_quality=quality)
    parts = divide(*candidates, requires=requires)
    if not parts.advice:
        return
    said, _, model = parts.advice.partition(" would admit ")
    limit, _, value = said.partition("=")
    relaxed = replace(requires, **{limit: float(value) if limit != "max_cost" else Decimal(value)})
    again = divide(*candidates, requires=relaxed)
    pool = situation(candidates).seen.pool
    assert model in [pool.cards[row].id for row in again.fit]
