"""How candidates are scored. A strategy turns a table of candidates into scores in 0..1.

A strategy is a function decorated with `strategy`, or one that another package names under the
entry point ``orch_nb.strategies``; the table is numpy columns, one row a model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import cast

import numpy as np
from numpy.typing import NDArray

from orch_nb.errors import UnknownNameError
from orch_nb.types import Estimate, ModelCard

Column = NDArray[np.float64]

# The resolution of the cost scale: a millionth of a dollar apart is hardly a difference.
_RESOLUTION = 1e-6
# Seconds at which an answer counts as half as good for its speed.
_PATIENCE = 4.0
# What is assumed of a model about which nothing is known: the middle of the range.
_UNKNOWN_QUALITY = 0.5


@dataclass(frozen=True, slots=True)
class Table:
    """Candidates as columns. ``cost`` (dollars) and ``seconds`` are NaN where unknown.

    ``quality`` is in 0..1: what the user stated for this kind of task, else the place in the
    vendor's line-up, else the middle.
    """

    cost: Column
    quality: Column
    seconds: Column

    @property
    def cheapness(self) -> Column:
        """1 for free, falling with the logarithm of the cost to 0 for the dearest or unknown."""
        known = np.nan_to_num(self.cost, nan=0.0)
        scaled = np.log1p(known / _RESOLUTION)
        dearest = max(float(scaled.max(initial=0.0)), float(np.log1p(0.01 / _RESOLUTION)))
        return np.where(np.isnan(self.cost), 0.0, 1.0 - scaled / dearest)

    @property
    def speed(self) -> Column:
        """1 for instant, 1/2 for four seconds; where unknown, smaller models count as quicker."""
        known = 1.0 / (1.0 + np.nan_to_num(self.seconds, nan=0.0) / _PATIENCE)
        prior = 1.0 - 0.75 * self.quality
        return np.where(np.isnan(self.seconds), prior, known)


Weights = Mapping[str, float]
Score = Callable[[Table, Weights], Column]
_STRATEGIES: dict[str, Score] = {}
_ALIASES = {
    "cost_optimized": "cost",
    "cheapest": "cost",
    "performance_optimized": "performance",
    "fastest": "performance",
}


def strategy(name: str) -> Callable[[Score], Score]:
    """Register the decorated function as the strategy `name`."""

    def register(score: Score) -> Score:
        _STRATEGIES[name] = score
        return score

    return register


def strategy_names() -> tuple[str, ...]:
    """The names of all strategies, those of other packages too, without their aliases."""
    return tuple(sorted({*_STRATEGIES, *_installed()}))


@cache
def _installed() -> dict[str, EntryPoint]:
    return {found.name: found for found in entry_points(group="orch_nb.strategies")}


def canonical(name: str) -> str:
    """The name that `name` is an alias of, or itself. Raises `UnknownNameError`."""
    plain = name.strip().lower().replace("-", "_")
    plain = _ALIASES.get(plain, plain)
    if plain not in strategy_names():
        raise UnknownNameError("strategy", name, strategy_names())
    return plain


def score(name: str, table: Table, weights: Weights) -> Column:
    """The scores of the strategy with the canonical name `name`."""
    found = _STRATEGIES.get(name) or cast("Score", _installed()[name].load())
    return found(table, weights)


@strategy("cost")
def cost(table: Table, weights: Weights) -> Column:
    """The cheapest; a model whose price is unknown comes after all others."""
    return np.where(np.isnan(table.cost), -1.0, table.cheapness)


@strategy("performance")
def performance(table: Table, weights: Weights) -> Column:
    """The quickest to answer."""
    return table.speed


@strategy("balanced")
def balanced(table: Table, weights: Weights) -> Column:
    """Cost, quality and speed with equal weights."""
    return (table.cheapness + table.quality + table.speed) / 3.0


@strategy("weighted")
def weighted(table: Table, weights: Weights) -> Column:
    """Cost, quality and speed with the session's weights, normalised to a sum of 1."""
    total = weights["cost"] + weights["quality"] + weights["speed"]
    terms = (
        weights["cost"] * table.cheapness
        + weights["quality"] * table.quality
        + weights["speed"] * table.speed
    )
    return terms / total


def tabulate(cards: Sequence[ModelCard], estimates: Sequence[Estimate], kind: str) -> Table:
    """The table of `cards` for a task of `kind`."""
    return Table(
        cost=np.array([_number(estimate.cost) for estimate in estimates]),
        quality=np.array([_quality(card, kind) for card in cards]),
        seconds=np.array([_number(estimate.seconds) for estimate in estimates]),
    )


def _number(value: object) -> float:
    return float("nan") if value is None else float(value)  # type: ignore[arg-type]


def _quality(card: ModelCard, kind: str) -> float:
    if kind in card.quality:
        return card.quality[kind]
    return _UNKNOWN_QUALITY if card.tier is None else card.tier
