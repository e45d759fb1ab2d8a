"""Ratios of things measured side by side in one run, with the interval that the rounds give."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

_RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Figure:
    """A median with its 95 % interval (percentile bootstrap over the rounds)."""

    name: str
    value: float
    low: float
    high: float
    unit: str
    goal: str = ""

    def __str__(self) -> str:
        number = f"{self.value:.3g} {self.unit} [{self.low:.3g}, {self.high:.3g}]"
        return f"| {self.name} | {number} | {self.goal} |"


def figure(name: str, values: Sequence[float], unit: str, goal: str = "") -> Figure:
    """The median of `values` and its interval."""
    generator = random.Random(0)
    medians = sorted(median(generator.choices(values, k=len(values))) for _ in range(_RESAMPLES))
    low, high = medians[int(0.025 * _RESAMPLES)], medians[int(0.975 * _RESAMPLES)]
    return Figure(name, median(values), low, high, unit, goal)


def side_by_side(
    subjects: Mapping[str, Callable[[], float]], rounds: int
) -> dict[str, list[float]]:
    """Measure every subject once a round, in an order that changes, after one round to warm up."""
    generator = random.Random(0)
    measured: dict[str, list[float]] = {name: [] for name in subjects}
    for number in range(rounds + 1):
        names = list(subjects)
        generator.shuffle(names)
        for name in names:
            value = subjects[name]()
            if number:
                measured[name].append(value)
    return measured


def ratios(measured: Mapping[str, Sequence[float]], name: str, reference: str) -> list[float]:
    """What `name` took of what `reference` took, round by round."""
    return [a / b for a, b in zip(measured[name], measured[reference], strict=True)]
