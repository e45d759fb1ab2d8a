"""How candidates are scored. A strategy turns a table of candidates into scores.

A strategy is a function decorated with `strategy`, or one that another package names under the
entry point ``orch_nb.strategies``; the table is numpy columns, one row a model. The highest score
wins; NaN means that the model does not qualify, so that it can only stand in for others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import cast

import numpy as np

from orch_nb.errors import InputError, UnknownNameError
from orch_nb.routing.front import front
from orch_nb.routing.pool import Codes, Column, Mask
from orch_nb.routing.quality import draw
from orch_nb.types import TaskProfile

__all__ = [
    "CHAIN",
    "OVER_INSTANCES",
    "Column",
    "Score",
    "Table",
    "Weights",
    "canonical",
    "chain",
    "score",
    "strategy",
    "strategy_names",
    "weights_in",
]

# The resolution of the cost scale: a millionth of a dollar apart is hardly a difference.
_RESOLUTION = 1e-6
# A cent is never cheap: the scale reaches at least from there to nothing.
_SCALE = float(np.log1p(0.01 / _RESOLUTION))
# Seconds at which an answer counts as half as good for its speed.
_PATIENCE = 4.0
# What decides between models that are equally good for a task: too little to outweigh quality.
_HAIR = 1e-6


@dataclass(frozen=True, eq=False)
class Table:
    """Candidates as columns. ``cost`` (dollars) and ``seconds`` are NaN where unknown.

    ``quality`` is the expected quality in 0..1 of an answer that comes, ``known`` whether anything
    is known of it, ``weight`` how many observations are behind it; ``success`` is the expected
    fraction of calls without an error. ``family`` is equal for instances of one model, ``busy``
    is how many calls of ours the model answers now, and ``turn`` rises with each call: the model
    with the lowest was asked the longest ago. ``random`` is where a strategy that explores draws.
    """

    cost: Column
    quality: Column
    seconds: Column
    success: Column
    known: Mask
    weight: Column
    family: Codes
    busy: Column
    turn: Column
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    @cached_property
    def cheapness(self) -> Column:
        """1 for free, falling with the logarithm of the cost to 0 for the dearest or unknown."""
        scaled = np.log1p(self.cost / _RESOLUTION)
        dearest = np.fmax.reduce(scaled, initial=_SCALE)  # which passes over NaN
        return np.where(np.isnan(scaled), 0.0, 1.0 - scaled / dearest)

    @cached_property
    def worth(self) -> Column:
        """The expected quality, with an answer that does not come counting as 0."""
        return self.quality * self.success

    @cached_property
    def speed(self) -> Column:
        """1 for instant, 1/2 for four seconds; where unknown, smaller models count as quicker."""
        known = 1.0 / (1.0 + self.seconds / _PATIENCE)
        return np.where(np.isnan(known), 1.0 - 0.75 * self.quality, known)


Weights = Mapping[str, float]
Score = Callable[[TaskProfile, Table, Weights], Column]
_STRATEGIES: dict[str, Score] = {}
#: What ``fallback`` stands for; any list of names with commas is such a chain.
CHAIN = ("task", "cost", "balanced")
#: The strategies that share one model's calls among its instances.
OVER_INSTANCES = frozenset({"round_robin", "least_busy", "fastest"})
_ALIASES = {
    "accuracy": "task",
    "accuracy_optimized": "task",
    "best": "task",
    "quality": "task",
    "quality_optimized": "task",
    "task_based": "task",
    "cheapest": "cost",
    "cost_based": "cost",
    "cost_optimized": "cost",
    "latency": "performance",
    "latency_based": "performance",
    "performance_optimized": "performance",
    "speed": "performance",
    "speed_optimized": "performance",
    "balance": "balanced",
    "custom": "weighted",
    "fallback_chain": "fallback",
    "learned": "adaptive",
    "thompson": "adaptive",
    "roundrobin": "round_robin",
    "least_loaded": "least_busy",
}


def strategy(name: str) -> Callable[[Score], Score]:
    """Register the decorated function as the strategy `name`, in place of one that has it.

    Raises `InputError` for a name that nobody could ask for.
    """
    given: object = name  # a function, where the decorator stands without a name
    if not isinstance(given, str) or not name.strip() or "," in name or name in _ALIASES:
        raise InputError(
            "a strategy needs a name without commas that is no alias, as in @strategy('mine'), "
            f"not {name!r}"
        )

    def register(score: Score) -> Score:
        _STRATEGIES[name] = score
        return score

    return register


def strategy_names() -> tuple[str, ...]:
    """The names of all strategies, those of other packages too, without their aliases."""
    return tuple(sorted({*_STRATEGIES, *_installed(), "fallback"}))


@cache
def _installed() -> dict[str, EntryPoint]:
    return {found.name: found for found in entry_points(group="orch_nb.strategies")}


def canonical(name: str) -> str:
    """The name that `name` is an alias of, or itself; of a chain, those of its parts.

    Raises `UnknownNameError`.
    """
    return ",".join(_canonical(part) for part in name.split(","))


def _canonical(name: str) -> str:
    given = name.strip()
    if _exists(given):  # other packages' names may be written in any way
        return given
    plain = given.lower().replace("-", "_")
    plain = _ALIASES.get(plain, plain)
    if not _exists(plain):
        raise UnknownNameError("strategy", name, strategy_names())
    return plain


def _exists(name: str) -> bool:
    return name in _STRATEGIES or name == "fallback" or name in _installed()


def chain(name: str) -> tuple[str, ...]:
    """The strategies to try in turn for the canonical name `name`."""
    parts = [CHAIN if part == "fallback" else (part,) for part in name.split(",")]
    return tuple(dict.fromkeys(one for part in parts for one in part))


def score(name: str, profile: TaskProfile, table: Table, weights: Weights) -> Column:
    """The scores of the one strategy with the canonical name `name`.

    Raises `InputError` for what is not one number for each candidate.
    """
    found = _STRATEGIES.get(name) or cast("Score", _installed()[name].load())
    scores, wanted = found(profile, table, weights), len(table.cost)
    try:
        column = np.asarray(scores, dtype=float)
    except (TypeError, ValueError):
        column = np.empty(())
    if column.shape != (wanted,):
        raise InputError(
            f"the strategy {name} must return one score for each of the {wanted} candidates; "
            "NaN where a model does not qualify"
        )
    return column


def weights_in(name: str, weights: Weights) -> dict[str, float]:
    """The weights that the scores of the strategy `name` have, with a sum of 1; {} for none."""
    if name == "balanced":
        return dict.fromkeys(weights, 1.0 / len(weights))
    if name not in ("weighted", "adaptive"):
        return {}
    total = sum(weights.values())
    return {term: weight / total for term, weight in weights.items()}


@strategy("task")
def task(profile: TaskProfile, table: Table, weights: Weights) -> Column:
    """The best for this kind of task, among equals the cheaper; nothing without evidence."""
    return np.where(table.known, table.worth + _HAIR * table.cheapness, np.nan)


@strategy("cost")
def cost(profile: TaskProfile, table: Table, weights: Weights) -> Column:
    """The cheapest; a model whose price is unknown does not qualify."""
    return np.where(np.isnan(table.cost), np.nan, table.cheapness)


@strategy("performance")
def performance(profile: TaskProfile, table: Table, weights: Weights) -> Column:
    """The quickest to answer."""
    return table.speed


@strategy("balanced")
def balanced(profile: TaskProfile, table: Table, weights: Weights) -> Column:
    """Cost, quality and speed with equal weights."""
    return (table.cheapness + table.worth + table.speed) / 3.0


@strategy("weighted")
def weighted(profile: TaskProfile, table: Table, weights: Weights) -> Column:
    """Cost, quality and speed with the session's weights, normalised to a sum of 1."""
    return _weigh(table, table.worth, weights)


@strategy("adaptive")
def adaptive(profile: TaskProfile, table: Table, weights: Weights) -> Column:
    """The session's weights on a quality that is drawn: what is little known is tried at times.

    Thompson sampling (Russo et al., 2018, https://arxiv.org/abs/1707.02038) over the models on the
    front of cost and quality, at most seven.
    """
    rows = front(table.cost, table.worth)
    drawn = np.full(len(table.cost), np.nan)
    drawn[rows] = draw(table.quality[rows], table.weight[rows], table.random)
    return _weigh(table, drawn * table.success, weights)


@strategy("cascade")
def cascade(profile: TaskProfile, table: Table, weights: Weights) -> Column:
    """The order of the models that may be asked when cheaper drafts do not hold: the best."""
    return task(profile, table, weights)


@strategy("round_robin")
def round_robin(profile: TaskProfile, table: Table, weights: Weights) -> Column:
    """Of the instances of the model that balanced takes, the one asked the longest ago."""
    return _among_instances(balanced(profile, table, weights), table, -table.turn)


@strategy("least_busy")
def least_busy(profile: TaskProfile, table: Table, weights: Weights) -> Column:
    """Of the instances of the model that balanced takes, the one with the fewest calls now."""
    preference = -table.busy - _HAIR * _place(table.turn)
    return _among_instances(balanced(profile, table, weights), table, preference)


@strategy("fastest")
def fastest(profile: TaskProfile, table: Table, weights: Weights) -> Column:
    """Of the instances of the model that balanced takes, the quickest; each is tried once."""
    preference = -np.nan_to_num(table.seconds, nan=0.0)
    return _among_instances(balanced(profile, table, weights), table, preference)


def _weigh(table: Table, quality: Column, weights: Weights) -> Column:
    # By the largest first: a sum of what is nearly infinite would be so.
    most = max(weights["cost"], weights["quality"], weights["speed"])
    cost, good, quick = (weights[name] / most for name in ("cost", "quality", "speed"))
    terms = cost * table.cheapness + good * quality + quick * table.speed
    return terms / (cost + good + quick)


def _among_instances(base: Column, table: Table, preference: Column) -> Column:
    """`base`, with the instances of its winner before all others, in the order of `preference`."""
    instances = table.family == table.family[int(base.argmax())]
    ranked = 2.0 + _place(preference) / len(base)
    return np.where(instances, ranked, base)


def _place(values: Column) -> Column:
    """How many of `values` each is greater than."""
    return np.searchsorted(np.sort(values), values, side="left").astype(float)
