"""How little one of the three weights must change for another model to be chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import ceil, floor, isfinite

from orch_nb.types import Choice

_NAMES = ("cost", "quality", "speed")
# Scores that are nearer to each other than this are equal but for rounding.
_MARGIN = 1e-6
_ROUNDING = 1e-9
# Who has to stop caring for something altogether learns nothing from it. Chosen.
_LEAST = 0.05

_Terms = tuple[float, float, float]


def flip(
    strategy: str, given: Mapping[str, float], choices: Sequence[Choice], *, complete: bool
) -> str:
    """The smallest change of one weight, the others in proportion, that changes the first choice.

    `given` are the weights in the scores, with a sum of 1. Of all `choices` best first, or of the
    best ones where they are not `complete`; "" where there is no such change, or `strategy`
    weighs nothing. Weights are rounded to where the change is certain.

    The scores are linear in a weight v: with t the term of that weight, and r the mean of the
    other two under their own weights, a model has v·t + (1 - v)·r. So one overtakes another at
    v = Δr / (Δr - Δt).
    """
    if strategy not in ("balanced", "weighted") or not all(isfinite(c.score) for c in choices):
        return ""
    weights: _Terms = (given["cost"], given["quality"], given["speed"])
    terms = [_terms(choice) for choice in choices]
    # How much, which weight, its new value, who is first then.
    found: list[tuple[float, int, float, Choice]] = []
    for at, weight in enumerate(weights):
        if weight >= 1 - _ROUNDING:
            continue  # the others have no proportion
        rests = [_rest(term, weights, at) for term in terms]
        for value in _crossings(terms, rests, at, weight):
            if not _LEAST <= value <= 1 - _LEAST:
                continue
            scores = [
                value * term[at] + (1 - value) * rest
                for term, rest in zip(terms, rests, strict=True)
            ]
            first = _first(choices, terms, scores)
            beyond = 0.0 if complete else _bound(choices[-1].score, weight, value)
            if first is not None and first is not choices[0] and max(scores) > beyond:
                found.append((abs(value - weight), at, value, first))
    if not found:
        return ""
    _, at, value, first = min(found, key=lambda one: one[:3])
    now = f"{weights[at]:.2f}"
    if now == f"{value:.2f}":
        now = f"{weights[at]:.3f}"
    said = f"{_NAMES[at]} weighing {value:.2f} of 1 (now {now}, the others in proportion)"
    how = " with the strategy weighted" if strategy == "balanced" else ""
    return f"{said}{how} would take {first.model}"


def _terms(choice: Choice) -> _Terms:
    return (choice.terms["cost"], choice.terms["quality"], choice.terms["speed"])


def _rest(terms: _Terms, weights: _Terms, at: int) -> float:
    others = (i for i in range(3) if i != at)
    return sum(weights[i] * terms[i] for i in others) / (1 - weights[at])


def _crossings(
    terms: Sequence[_Terms], rests: Sequence[float], at: int, weight: float
) -> Iterator[float]:
    """The nearest values on both sides of `weight`, in hundredths, that overtake the first."""
    above: list[float] = []
    below: list[float] = []
    for term, rest in zip(terms[1:], rests[1:], strict=True):
        rises, falls = term[at] - terms[0][at], rest - rests[0]
        if rises > 0 > falls or rises > 0 == falls:
            above.append(falls / (falls - rises))
        elif rises < 0 < falls or rises < 0 == falls:
            below.append(falls / (falls - rises))
    if above:
        value = round(floor(100 * min(above) + _MARGIN) / 100 + 0.01, 2)
        if weight < value <= 1:
            yield value
    if below:
        value = round(ceil(100 * max(below) - _MARGIN) / 100 - 0.01, 2)
        if 0 <= value < weight:
            yield value


def _first(
    choices: Sequence[Choice], terms: Sequence[_Terms], scores: Sequence[float]
) -> Choice | None:
    """Who is first by `scores`; None where that hangs on the last digits."""
    best = max(scores)
    near = [i for i, score in enumerate(scores) if score > best - _MARGIN]
    if len({terms[i] for i in near}) > 1:
        return None
    return min((choices[i] for i in near), key=lambda c: (c.card.priority, c.model))


def _bound(last: float, weight: float, value: float) -> float:
    """What a model that scored `last` at most can score with `value` instead of `weight`."""
    return ((1 - value) * last + max(0.0, value - weight)) / (1 - weight)
