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

import numpy as np
from numpy.typing import NDArray

from orch_nb.routing.task_rules import marks
from orch_nb.routing.wording import Wording

NUMBERS = Path(__file__).with_name("task_classifier.json")
_STEM = 5  # characters; chosen: about the stem of "translate", "résumer", "Übersetzung"
_SHOWN = 3


@dataclass(frozen=True, slots=True, eq=False)
class Classifier:
    """``weights`` has a row for each feature and a column for each kind; both in one unit."""

    kinds: tuple[str, ...]
    names: tuple[str, ...]
    rows: dict[str, int]
    weights: NDArray[np.int32]
    bias: NDArray[np.int32]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Classifier:
        """The classifier whose numbers are in `document`, as ``task_classifier.json`` has them."""
        vocabulary = document["vocabulary"]
        return cls(
            kinds=tuple(document["kinds"]),
            names=tuple(vocabulary),
            rows={feature: row for row, feature in enumerate(vocabulary)},
            weights=np.array(list(vocabulary.values()), dtype=np.int32),
            bias=np.array(document["bias"]),
        )

    def classify(self, found: Sequence[str]) -> tuple[str, list[str]]:
        """The likeliest kind of what has the features `found`, and those that spoke most for it.

        Features that were never seen are silent.
        """
        rows = [self.rows[feature] for feature in found if feature in self.rows]
        if not rows:
            return self.kinds[int(self.bias.argmax())], []
        said = self.weights.take(rows, axis=0)
        best = int((np.add.reduce(said) + self.bias * len(rows) ** 0.5).argmax())
        spoke = said[:, best]
        loudest = (-spoke).argsort(kind="stable")[:_SHOWN].tolist()
        return self.kinds[best], [self.names[rows[place]] for place in loudest if spoke[place] > 0]


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
