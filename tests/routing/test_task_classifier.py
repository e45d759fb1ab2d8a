"""The learned kinds of tasks: where the numbers come from, and what they are worth."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np

from orch_nb.routing.task_classifier import NUMBERS, classifier, features
from orch_nb.routing.wording import read
from orch_nb.types import TASKS
from routing.task_training import document, examples, gain, guessers, interval

SHIPPED = json.loads(NUMBERS.read_text(encoding="utf-8"))


def test_the_numbers_are_those_that_the_script_makes() -> None:
    """The same stamp; weights may differ in the last place, where processors round otherwise."""
    made = document()
    assert made["stamp"] == SHIPPED["stamp"], f"run {SHIPPED['made_by']}"
    assert made["kinds"] == SHIPPED["kinds"]
    both = made["vocabulary"].keys() & SHIPPED["vocabulary"].keys()
    assert len(both) > 0.99 * len(SHIPPED["vocabulary"])
    pairs = [(made["vocabulary"][name], SHIPPED["vocabulary"][name]) for name in both]
    assert max(np.abs(np.subtract(one, other)).max() for one, other in pairs) <= 1


def test_they_are_few_and_can_be_read() -> None:
    assert NUMBERS.stat().st_size <= 60_000
    assert set(SHIPPED["kinds"]) == set(TASKS) - {"vision"}
    assert classifier() is classifier()


def test_the_prompts_are_many_distinct_and_in_several_languages() -> None:
    prompts = examples()
    assert len({example.prompt for example in prompts}) == len(prompts)
    assert min(Counter(example.kind for example in prompts).values()) >= 60
    assert sum(example.language != "en" for example in prompts) > 0.15 * len(prompts)


def test_together_they_beat_the_rules_on_prompts_that_were_held_out() -> None:
    """Also within what chance allows: the lower end of the 95 % interval of the difference."""
    ways = guessers()
    held = [
        (features(read(example.prompt)), example.kind) for example in examples() if example.test
    ]
    for other in ("rules alone", "words alone"):
        more, half = gain(held, ways["together"], ways[other])
        assert more - half > 0.05
    right = sum(ways["together"](found) == kind for found, kind in held)
    assert interval(right, len(held))[0] > 0.72


def test_features_that_were_never_seen_are_silent() -> None:
    known = features(read("Translate this into French"))
    assert classifier().classify([*known, "zzz", "<zzz>"]) == classifier().classify(known)
    kind, spoke = classifier().classify(["zzz"])
    assert kind in TASKS
    assert not spoke
