"""The kind of a task from all of a prompt's words, weighed by what was learned from examples.

Multinomial logistic regression on what is present: words, first words, beginnings of words (for
inflection, in every language), and the marks of `orch_nb.routing.task_rules`, each counted once
and all divided by the root of their number. The vocabulary is explicit, not hashed: small, without
collisions, and it says which words spoke. Pairs of words and character n-grams were tried and
gained nothing. ``tests/routing/task_training.py`` makes ``task_classifier.json``, and measures.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import filterfalse
from pathlib import Path
from typing import Any

from orch_nb.routing.task_rules import marks
from orch_nb.routing.wording import Wording

NUMBERS = Path(__file__).with_name("task_classifier.json")
_STEM = 5  # characters; chosen: about the stem of "translate", "résumer", "Übersetzung"
_SHOWN = 3


@dataclass(frozen=True, slots=True, eq=False)
class Classifier:
    """``weights`` are by feature, one for each kind, and in one unit with ``bias``."""

    kinds: tuple[str, ...]
    weights: Mapping[str, Sequence[int]]
    bias: Sequence[int]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Classifier:
        """The classifier whose numbers are in `document`, as ``task_classifier.json`` has them."""
        weights = {feature: tuple(said) for feature, said in document["vocabulary"].items()}
        return cls(tuple(document["kinds"]), weights, document["bias"])

    def classify(self, found: Sequence[str]) -> tuple[str, list[str]]:
        """The likeliest kind of what has the features `found`, and those that spoke most for it.

        Features that were never seen are silent.
        """
        # A prompt has few features: sums of Python's numbers are as quick as numpy's.
        weights, bias = self.weights, self.bias
        known = list(filter(weights.__contains__, found))
        if not known:
            return self.kinds[bias.index(max(bias))], []
        said = list(map(weights.__getitem__, known))
        root = len(said) ** 0.5
        columns = zip(bias, zip(*said, strict=True), strict=True)
        scores = [sum(column) + start * root for start, column in columns]
        best = scores.index(max(scores))
        spoke = [(-row[best], place) for place, row in enumerate(said) if row[best] > 0]
        return self.kinds[best], [known[place] for _, place in sorted(spoke)[:_SHOWN]]


def features(wording: Wording) -> list[str]:
    """What the classifier looks at, each once, the marks first."""
    return [*marks(wording), *vocabulary(wording)]


def vocabulary(wording: Wording) -> list[str]:
    """The words, their beginnings and the first word, each once."""
    words = [*filterfalse(str.isdecimal, wording.nearest)]
    first = [f"^{word}" for word in words[:1]]
    stems = [f"{word[:_STEM]}…" for word in words if len(word) > _STEM]
    return list(dict.fromkeys([*words, *stems, *first]))


@cache
def classifier() -> Classifier:
    """The numbers of ``task_classifier.json``, read when they are first needed."""
    return Classifier.of(json.loads(NUMBERS.read_text(encoding="utf-8")))
