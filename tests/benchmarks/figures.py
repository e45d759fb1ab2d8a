"""Ratios of things measured side by side in one run, with the interval that the rounds give."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

_RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Figure:
    """A median with its 95 % interval (percentile bootstrap over the rounds).

    Those of the same `chart` are drawn together, and are a table with this `row` and `column`.
    """

    name: str
    value: float
    low: float
    high: float
    unit: str
    goal: str = ""
    chart: str = ""
    row: str = ""
    column: str | int = ""

    @property
    def measured(self) -> str:
        """The number as a table has it: an interval where there were rounds to take it from."""
        return f"{short(self.value)} {self.unit}{self._interval}"

    @property
    def number(self) -> str:
        """The same without its unit."""
        return short(self.value) + self._interval

    @property
    def _interval(self) -> str:
        return f" [{short(self.low)}, {short(self.high)}]" if self.low < self.high else ""


@dataclass(frozen=True, slots=True)
class Grid:
    """What became of each row in each column, in words."""

    name: str
    columns: list[str]
    rows: dict[str, list[str]]


def figure(
    name: str, values: Sequence[float], unit: str, goal: str = "", **place: str | int
) -> Figure:
    """The median of `values` and its interval; `place` is chart, row and column."""
    generator = random.Random(0)
    medians = sorted(median(generator.choices(values, k=len(values))) for _ in range(_RESAMPLES))
    low, high = medians[int(0.025 * _RESAMPLES)], medians[int(0.975 * _RESAMPLES)]
    return Figure(name, median(values), low, high, unit, goal, **place)  # type: ignore[arg-type]


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


def part(full: int, share: float, least: int = 2) -> int:
    """How many of `full` rounds, calls or entries a run of this share of the effort does."""
    return max(min(full, least), round(full * share))


def short(number: float) -> str:
    """Three digits that say something, thousands apart."""
    if number == 0 or not 0.001 <= abs(number) < 1e9:
        return f"{number:.3g}"
    if abs(number) >= 100:
        digits = len(str(int(abs(number)))) - 3
        return f"{round(number, -digits):,.0f}"
    return f"{number:.3g}"
