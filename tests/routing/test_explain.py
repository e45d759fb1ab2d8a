"""What would change a choice: whatever is said comes true when it is done."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_nb.routing.analyse import analyse
from orch_nb.routing.explain import explain
from orch_nb.routing.named import name_models
from orch_nb.routing.route import route
from orch_nb.types import (
    Cascade,
    Choice,
    Decision,
    LazySequence,
    ModelCard,
    Requirements,
    Track,
    Wants,
)
from routing.candidates import ASK, card, seen, situation, took

Tracks = dict[str, Track]


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[ModelCard], Tracks]:
    """Cards and what was seen of them; each fact may be unknown, and some fail often."""
    names = draw(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=8, unique=True))
    models, tracks = [], {}
    for name in names:
        tier = draw(st.none() | st.sampled_from([0.2, 0.25, 0.5, 0.57, 0.7, 1.0]))
        price = draw(st.none() | st.sampled_from(["0", "0.1", "2", "2.1", "15", "1000"]))
        source = "unknown" if tier is None else "a snapshot"
        models.append(
            card(name, price, tier=tier, tier_source=source, priority=draw(st.sampled_from([1, 2])))
        )
        if draw(st.booleans()):
            track = took(draw(st.sampled_from([0.3, 1.0, 1.04, 4.0, 20.0])))
            tracks[name] = replace(track, calls=draw(st.sampled_from([3.0, 30.0])))
    return models, tracks


WEIGHTS = st.fixed_dictionaries(
    {name: st.sampled_from([0.0, 1.0, 2.0, 7.5]) for name in ("cost", "quality", "speed")}
).filter(lambda weights: sum(weights.values()) > 0)


def decide(
    world: tuple[list[ModelCard], Tracks],
    strategy: str,
    weights: dict[str, float] | None = None,
    least: float | None = None,
) -> Decision:
    asked = replace(ASK, wants=Wants(requires=Requirements(min_quality=least)))
    facts = {} if weights is None else {"weights": weights}
    return route(asked, analyse(asked), strategy, situation(world[0], world[1], **facts))


def found(pattern: str, sentence: str) -> str | None:
    match = re.search(pattern, sentence)
    return None if match is None else match[1]


STRATEGIES = st.sampled_from(["task", "cost", "performance", "balanced", "weighted", "adaptive"])


@given(worlds(), STRATEGIES, WEIGHTS)
def test_what_is_said_comes_true(
    world: tuple[list[ModelCard], Tracks], strategy: str, weights: dict[str, float]
) -> None:
    made = decide(world, strategy, weights)
    sentences = explain(made)
    assert len(sentences) <= 3
    assert len(set(sentences)) == len(sentences)
    by_model = {choice.model: choice for choice in made.ranking}
    for sentence in sentences:
        model = found(r"(p:[a-h])", sentence)
        assert model is not None
        assert model != made.best.model
        if "weighing" in sentence:
            assert_weight_flips(world, strategy, weights, sentence, model)
        else:
            assert_gain(world, sentence, made.best, by_model[model])


def assert_weight_flips(
    world: tuple[list[ModelCard], Tracks],
    strategy: str,
    weights: dict[str, float],
    sentence: str,
    model: str,
) -> None:
    if strategy == "balanced":
        weights = dict.fromkeys(weights, 1.0)
    total = sum(weights.values())
    name = sentence.split(maxsplit=1)[0]
    value = float(found(r"weighing ([\d.]+) of 1", sentence) or "nan")
    before = weights[name] / total
    now = found(r"now ([\d.]+), ", sentence)
    assert now in (f"{before:.2f}", f"{before:.3f}")
    assert now != f"{value:.2f}"
    share = (1 - value) / (1 - before)
    changed = {n: value if n == name else w / total * share for n, w in weights.items()}
    assert decide(world, "weighted", changed).best.model == model
    nearly = value + (0.02 if value < before else -0.02)
    if (nearly < before) == (value < before):
        share = (1 - nearly) / (1 - before)
        changed = {n: nearly if n == name else w / total * share for n, w in weights.items()}
        kept = decide(world, "weighted", weights).best.model
        assert decide(world, "weighted", changed).best.model == kept


def assert_gain(
    world: tuple[list[ModelCard], Tracks], sentence: str, picked: Choice, choice: Choice
) -> None:
    cost, paid = choice.estimate.cost, picked.estimate.cost
    takes, took_ = choice.estimate.seconds, picked.estimate.seconds
    known = choice.sources["quality"] != "unknown"
    enough = int(choice.quality * 100 + 1e-6) / 100
    said = found(r"quality ≥ ([\d.]+) is enough", sentence)
    assert said is None or (known and float(said) == enough)
    assert ("nothing is known" in sentence) == (not known)
    gains = 0
    if share := found(r"^(\d+) % cheaper", sentence):
        assert cost is not None
        assert paid is not None
        assert 10 <= int(share) < 100
        assert cost <= paid * (100 - int(share)) / 100
        gains += 1
    if sentence.startswith("free"):
        assert cost == 0
        assert paid
        gains += 1
    if faster := found(r"([\d.]+) s faster", sentence):
        assert takes is not None
        assert took_ is not None
        assert float(faster) == pytest.approx(took_ - takes, abs=0.51 if took_ > 9 else 0.051)
        gains += 1
    if better := found(r"better by ([\d.]+)", sentence):
        assert known
        assert picked.sources["quality"] != "unknown"
        assert said is None
        assert float(better) == pytest.approx(choice.quality - picked.quality, abs=0.0051)
        gains += 1
    assert gains
    cheapest = decide(world, "cost", least=enough).best
    quickest = decide(world, "performance", least=enough).best
    unseen = "faster" in sentence and quickest.estimate.seconds is None
    assert unseen or choice.model in (cheapest.model, quickest.model)
    if "cheaper" in sentence and "faster" not in sentence:
        assert cheapest.model == choice.model
    if said is None and known and picked.sources["quality"] != "unknown":
        assert choice.quality >= picked.quality
    if cost is not None and paid is not None:
        dearer = found(r"for \$([\d.]+) more a call", sentence)
        assert dearer is None or float(dearer) == pytest.approx(float(cost - paid), rel=0.06)
        assert (dearer is None) or cost > paid
    assert ("unknown price" in sentence) == (cost is None and paid is not None)
    assert ("unknown speed" in sentence) == (takes is None and took_ is not None)
    if slower := found(r"([\d.]+) s slower", sentence):
        assert takes is not None
        assert took_ is not None
        assert takes > took_
        assert float(slower) == pytest.approx(takes - took_, abs=0.51)


def test_the_sentences() -> None:
    models = [
        card("small", 1, tier=0.2, tier_source="a snapshot"),
        card("middle", 6, tier=0.7, tier_source="a snapshot"),
        card("large", 10, tier=0.82, tier_source="a snapshot"),
    ]
    world = models, {"small": took(0.5), "middle": took(2.0), "large": took(4.1)}
    assert explain(decide(world, "task")) == (
        "40 % cheaper and 2.1 s faster with p:middle if an expected quality ≥ 0.70 is enough",
    )
    assert explain(decide(world, "weighted", dict.fromkeys(("cost", "quality", "speed"), 1.0))) == (
        "quality weighing 0.29 of 1 (now 0.33, the others in proportion) would take p:small",
        "83 % cheaper and 1.5 s faster with p:small if an expected quality ≥ 0.20 is enough",
        "better by 0.12 (0.82 expected) with p:large, for $0.0010 more a call, 2.1 s slower",
    )


def test_what_is_within_rounding_or_dominated_is_not_worth_a_word() -> None:
    models = [
        card("best", 1, tier=0.8, tier_source="a snapshot"),
        card("alike", 0.95, tier=0.79, tier_source="a snapshot"),
        card("worse", 2, tier=0.5, tier_source="a snapshot"),
    ]
    tracks = {"best": took(2.0), "alike": took(1.95), "worse": took(3.0)}
    assert explain(decide((models, tracks), "task")) == ()


def test_who_fails_often_is_no_advice() -> None:
    models = [
        card("best", 10, tier=0.8, tier_source="a snapshot"),
        card("cheap", 1, tier=0.7, tier_source="a snapshot"),
    ]
    failing = {"cheap": Track(calls=20, successes=2)}
    assert len(explain(decide((models, {}), "task"))) == 1
    assert explain(decide((models, failing), "task")) == ()


def test_what_somebody_else_decided_is_not_explained() -> None:
    models = [card("a", 10, tier=1.0, tier_source="x"), card("b", 1, tier=0.5, tier_source="x")]
    made = decide((models, {}), "task")
    assert explain(made)
    assert explain(replace(made, source="expert of sql")) == ()
    assert explain(replace(made, cascade=Cascade(("p:b",), "p:a", "arithmetic"))) == ()
    named = name_models(ASK, analyse(ASK), models, seen())
    assert explain(named) == ()


@pytest.mark.parametrize("strategy", ["balanced", "weighted", "task"])
def test_of_thousands_only_the_first_are_looked_at(strategy: str) -> None:
    models = [
        card(f"m{i:04}", (i * 7919) % 1000 + 1, tier=(i % 97) / 97, tier_source="a snapshot")
        for i in range(3000)
    ]
    world: tuple[list[ModelCard], Tracks] = (models, {})
    made = decide(world, strategy, {"cost": 1.0, "quality": 2.0, "speed": 1.0})
    looked: list[int] = []

    def look(place: int) -> Choice:
        looked.append(place)
        return made.ranking[place]

    sentences = explain(replace(made, ranking=LazySequence(len(made.ranking), look)))
    assert sentences == explain(made)
    assert max(looked) == 49
    for sentence in sentences:
        if enough := found(r"quality ≥ ([\d.]+) is enough", sentence):
            model = found(r"(p:m\d+)", sentence)
            (choice,) = [c for c in made.ranking[:50] if c.model == model]
            best = decide(world, "cost", least=float(enough)).best
            assert best.estimate.cost is not None
            assert choice.estimate.cost is not None
            assert best.estimate.cost <= choice.estimate.cost < (made.best.estimate.cost or 0)


def test_a_free_model_is_said_to_be_free() -> None:
    models = [card("a", 10, tier=0.9, tier_source="x"), card("b", 0, tier=0.5, tier_source="x")]
    (said,) = explain(decide((models, {}), "task"))
    assert said == "free with p:b if an expected quality ≥ 0.50 is enough"
    assert Decimal(0) == decide((models, {}), "cost").best.estimate.cost


def test_the_same_each_time() -> None:
    models = [card(n, p, tier=t, tier_source="x") for n, p, t in [("a", 9, 0.9), ("b", 1, 0.4)]]
    first, second = (explain(decide((order, {}), "balanced")) for order in (models, models[::-1]))
    assert first == second != ()
