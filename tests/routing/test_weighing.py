"""The smallest change of a weight: it does what it says, whoever else there is further down."""

from __future__ import annotations

import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_nb.routing.weighing import flip
from orch_nb.types import Choice, Estimate
from routing.candidates import card

NAMES = ("cost", "quality", "speed")
Terms = tuple[float, float, float]


def ranked(terms: list[Terms], weights: Terms) -> list[Choice]:
    def score(one: Terms) -> float:
        return sum(w * t for w, t in zip(weights, one, strict=True)) / sum(weights)

    choices = [
        Choice(
            card(f"m{i:03}"),
            score(one),
            dict(zip(NAMES, one, strict=True)),
            Estimate(None, None),
            "",
        )
        for i, one in enumerate(terms)
    ]
    return sorted(choices, key=lambda choice: -choice.score)


def shares(weights: Terms) -> dict[str, float]:
    return {name: weight / sum(weights) for name, weight in zip(NAMES, weights, strict=True)}


EVEN: Terms = (1.0, 1.0, 1.0)


def winner(choices: list[Choice], weights: Terms, said: str) -> str:
    """Who is first among all `choices` with the weight that `said` names."""
    name, value = said.split(maxsplit=1)[0], float(re.findall(r"weighing ([\d.]+)", said)[0])
    own = weights[NAMES.index(name)] / sum(weights)
    others = {n: w / sum(weights) for n, w in zip(NAMES, weights, strict=True) if n != name}
    changed = {n: w * (1 - value) / (1 - own) for n, w in others.items()} | {name: value}
    return max(choices, key=lambda c: sum(changed[n] * c.terms[n] for n in NAMES)).model


@given(st.integers(0, 10**6), st.sampled_from([3, 20, 60, 400]))
def test_the_change_takes_the_model_that_it_names(seed: int, count: int) -> None:
    random = Random(seed)
    spread = random.choice([0.05, 1.0])
    weights = (random.random() + 0.01, random.random() + 0.01, random.random() + 0.01)
    terms: list[Terms] = [
        (random.random(), random.random() * spread, random.random() * spread) for _ in range(count)
    ]
    choices = ranked(terms, weights)
    said = flip("weighted", shares(weights), choices[:50], complete=count <= 50)
    if said:
        assert said.endswith(f"would take {winner(choices, weights, said)}")
        assert winner(choices, weights, said) != choices[0].model


def test_of_many_it_is_said_only_if_nobody_further_down_can_come_first() -> None:
    weights = (1.0, 1.0, 1.0)
    near = [(0.5, 0.9, 0.5), (0.6, 0.7, 0.5)]
    far = [(0.1, 0.1, 0.1 + i / 1000) for i in range(60)]
    choices = ranked([*near, *far], weights)
    said = flip("weighted", shares(weights), choices[:50], complete=False)
    assert said.endswith("would take p:m001")
    close = [(0.5, 0.75, 0.5) for _ in range(60)]
    hidden = (1.0, 0.2, 0.5)  # overtakes all with a smaller change than the second needs
    choices = ranked([*near, *close, hidden], weights)
    assert choices[-1].model not in {choice.model for choice in choices[:50]}
    assert flip("weighted", shares(weights), choices, complete=True).endswith(choices[-1].model)
    assert flip("weighted", shares(weights), choices[:50], complete=False) == ""


@pytest.mark.parametrize("strategy", ["task", "cost", "performance", "adaptive", "finest"])
def test_other_strategies_have_no_weights_to_change(strategy: str) -> None:
    choices = ranked([(0.5, 0.9, 0.5), (0.9, 0.4, 0.6), (0.2, 0.2, 0.9)], (1.0, 1.0, 1.0))
    assert flip(strategy, shares(EVEN), choices, complete=True) == ""
    assert flip("weighted", shares(EVEN), choices, complete=True)
