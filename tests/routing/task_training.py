"""``python tests/routing/task_training.py``: make ``task_classifier.json`` anew, and measure it.

Learns from the prompts of ``tests/data/task_prompts.tsv`` that are for training, prints accuracy on
the others by kind, and with ``--tables FOLDER`` also on public benchmarks: every
``*.prompts.csv.gz`` there with the columns dataset and prompt whose dataset has a plain kind.
Numbers only, no text of theirs, come out. The same prompts give the same numbers each time.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orch_nb.routing.task_classifier import NUMBERS, Classifier, classifier, features
from orch_nb.routing.task_rules import sure_kind
from orch_nb.routing.wording import read
from orch_nb.types import TASKS

PROMPTS = Path(__file__).parent.parent / "data" / "task_prompts.tsv"
# Chosen by five-fold cross-validation within the training prompts, where 0.03 to 0.3 are a tie.
_PENALTY = 0.05
_LEAST = 2  # prompts that a feature must be seen in
_STEPS = 600
_VAGUE = {"reasoning", "chat"}  # whose marks are words that others use as well
_SCALE = 20  # weights are kept in twentieths: finer ones change no answer on the test prompts
KIND_OF_DATASET = {
    "gsm8k": "math",
    "math": "math",
    "agentverse-mgsm": "math",
    "mbpp": "code",
    "human_eval": "code",
    "cruxeval_o": "code",
    "agentverse-logicgrid": "reasoning",
    "commonsense_qa": "reasoning",
    "arc_challenge": "reasoning",
    "openbook_qa": "reasoning",
    "natural_qa": "chat",
    "trivia_qa": "chat",
}
Guess = Callable[[Sequence[str]], str]


@dataclass(frozen=True)
class Example:
    """A prompt, and what a person says that it is."""

    kind: str
    language: str
    prompt: str
    test: bool


def examples() -> list[Example]:
    """The labelled prompts, in the order of the file."""
    rows = [line.split("\t") for line in _lines() if not line.startswith("#")]
    return [
        Example(kind, language, _unescaped(prompt), int(name.rpartition("-")[2]) % 4 == 0)
        for name, kind, language, prompt in rows
    ]


def stamp() -> str:
    """What the numbers were made from: changes with the prompts and with what is looked at."""
    seen = [features(read(example.prompt)) for example in examples() if not example.test]
    return hashlib.sha256(json.dumps([_lines(), seen]).encode()).hexdigest()[:16]


def document() -> dict[str, Any]:
    """What ``task_classifier.json`` is to hold."""
    made = train([(features(read(e.prompt)), e.kind) for e in examples() if not e.test])
    return {"made_by": "python tests/routing/task_training.py", "stamp": stamp(), **made}


def train(pairs: Sequence[tuple[Sequence[str], str]]) -> dict[str, Any]:
    """Kinds, scale, bias and vocabulary, learned from pairs of features and kind."""
    counts = Counter(feature for found, _ in pairs for feature in found)
    vocabulary = sorted(feature for feature, count in counts.items() if count >= _LEAST)
    row = {feature: number for number, feature in enumerate(vocabulary)}
    x = np.zeros((len(pairs), len(vocabulary)))
    for number, (found, _) in enumerate(pairs):
        x[number, [row[feature] for feature in found if feature in row]] = 1
    x /= np.sqrt(np.maximum(1, x.sum(axis=1, keepdims=True)))
    kinds = sorted({kind for _, kind in pairs})
    y = np.eye(len(kinds))[[kinds.index(kind) for _, kind in pairs]]
    dual, bias = _descend(x @ x.T, y)
    weights = np.rint(x.T @ dual * _SCALE).astype(int).tolist()
    return {
        "kinds": kinds,
        "scale": _SCALE,
        "bias": np.rint(bias * _SCALE).astype(int).tolist(),
        "vocabulary": {
            name: said for name, said in zip(vocabulary, weights, strict=True) if any(said)
        },
    }


def guessers() -> dict[str, Guess]:
    """The ways to tell the kind from features; the last is the one that is used."""
    plain = Classifier.of(
        train([(_words(features(read(e.prompt))), e.kind) for e in examples() if not e.test])
    )
    return {
        "rules alone": kind_by_rules,
        "words alone": lambda found: plain.classify(_words(found))[0],
        "learned": lambda found: classifier().classify(found)[0],
        "together": lambda found: (sure_kind(found) or classifier().classify(found))[0],
    }


def kind_by_rules(found: Sequence[str]) -> str:
    """The kind that most of the marks `found` speak for, without anything learned; else "chat"."""
    votes = dict.fromkeys(TASKS, 0.0)
    for mark in found:
        kind = mark[1:-1].removeprefix("opens: ").split(":")[0]
        if mark.startswith("<") and kind in votes:
            votes[kind] += (2.0 if ":" in mark else 1.0) * (0.5 if kind in _VAGUE else 1.0)
    return max(votes, key=lambda kind: (votes[kind], kind == "chat"))


def gain(
    held: Sequence[tuple[Sequence[str], str]], way: Guess, other: Guess
) -> tuple[float, float]:
    """How much oftener `way` is right than `other`, and half the width of its 95 % interval."""
    differences = [(way(found) == kind) - (other(found) == kind) for found, kind in held]
    return float(np.mean(differences)), float(1.96 * np.std(differences) / len(held) ** 0.5)


def interval(right: int, count: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share."""
    z, share = 1.96, right / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * (share * (1 - share) / count + z * z / (4 * count**2)) ** 0.5
    return middle - half, middle + half


def main() -> None:
    """Write ``task_classifier.json`` and print how often each way is right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=Path, help="folder with *.prompts.csv.gz to measure on")
    parser.add_argument("--check", action="store_true", help="measure only, write nothing")
    options = parser.parse_args()
    if not options.check:
        NUMBERS.write_text(_one_feature_a_line(document()), encoding="utf-8")
        print(f"{NUMBERS.name}: {NUMBERS.stat().st_size} bytes")
    ways = guessers()
    print("| | " + " | ".join(ways) + " |")
    tested = [(features(read(e.prompt)), e.kind) for e in examples() if e.test]
    for kind in sorted({kind for _, kind in tested}):
        _print(kind, [pair for pair in tested if pair[1] == kind], ways)
    _print("held out, all", tested, ways)
    for name in list(ways)[:-1]:
        more, half = gain(tested, ways["together"], ways[name])
        print(f"together over {name}: {more:+.2f} ± {half:.2f}")
    if options.tables:
        for name, pairs in sorted(_benchmarks(options.tables).items()):
            _print(name, pairs, ways)


def _benchmarks(folder: Path) -> dict[str, list[tuple[list[str], str]]]:
    found: dict[str, list[tuple[list[str], str]]] = {}
    csv.field_size_limit(10**8)
    for path in sorted(folder.glob("*.prompts.csv.gz")):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if kind := KIND_OF_DATASET.get(row["dataset"]):
                    pair = (features(read(row["prompt"])), kind)
                    found.setdefault(f"{row['dataset']} ({kind})", []).append(pair)
    return found


def _print(name: str, pairs: Sequence[tuple[list[str], str]], ways: Mapping[str, Guess]) -> None:
    cells = []
    for way in ways.values():
        right = sum(way(found) == kind for found, kind in pairs)
        low, high = interval(right, len(pairs))
        cells.append(f"{right / len(pairs):.2f} [{low:.2f}, {high:.2f}]")
    print(f"| {name}, {len(pairs)} prompts | {' | '.join(cells)} |")


def _descend(
    gram: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights of the examples, of which the features' are sums, and bias: Nesterov's descent.

    There are fewer examples than features. The step is one over a bound on the curvature.
    """
    dual, bias = np.zeros_like(y), np.zeros(y.shape[1])
    ahead, bias_ahead, pace = dual, bias, 1.0
    bound = 0.5 * np.linalg.eigvalsh(gram)[-1] + _PENALTY + 0.5 * len(y)
    for _ in range(_STEPS):
        odds = gram @ ahead + bias_ahead
        odds = np.exp(odds - odds.max(axis=1, keepdims=True))
        error = odds / odds.sum(axis=1, keepdims=True) - y
        new = ahead - (error + _PENALTY * ahead) / bound
        new_bias = bias_ahead - error.sum(axis=0) / bound
        new_pace = (1 + (1 + 4 * pace * pace) ** 0.5) / 2
        ahead = new + (pace - 1) / new_pace * (new - dual)
        bias_ahead = new_bias + (pace - 1) / new_pace * (new_bias - bias)
        dual, bias, pace = new, new_bias, new_pace
    return dual, bias


def _words(found: Sequence[str]) -> list[str]:
    return [feature for feature in found if not feature.startswith("<")]


def _lines() -> list[str]:
    return PROMPTS.read_text(encoding="utf-8").splitlines()


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], text)


def _one_feature_a_line(document: Mapping[str, Any]) -> str:
    """JSON whose changes can be read."""
    text = json.dumps(document, indent=0, ensure_ascii=False)
    return re.sub(r"(?<=[\[\d,])\n(?=[-\d\]])", "", text) + "\n"


if __name__ == "__main__":
    main()
