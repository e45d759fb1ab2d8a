"""analyse → filter → score → decide: pure, deterministic, and with a reason for each model."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan

import numpy as np

from orch_nb.errors import SelectionError
from orch_nb.figures import dollars, seconds
from orch_nb.routing.estimates import Estimates, Seen, estimate
from orch_nb.routing.filters import Purse, split
from orch_nb.routing.fitted_cascade import FittedCascade
from orch_nb.routing.pool import Codes, Column
from orch_nb.routing.staging import planned
from orch_nb.routing.strategies import Table, Weights, chain, score, weights_in
from orch_nb.types import (
    Choice,
    Decision,
    Estimate,
    LazySequence,
    Rejection,
    Request,
    TaskProfile,
)

# What is checked must not be given unchecked because no second model is there.
_NO_CASCADE = (
    "there is no draft to check{limit}: none costs at most a quarter of what a model that is known "
    "to be better costs, or with who judges it no less; name the models yourself, the strong one "
    "last: model=[draft, strong], strategy='cascade'"
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Situation:
    """What a choice depends on besides the request.

    ``seen`` holds the candidates and what was seen of them; ``weights`` and ``fallback`` are the
    session's. ``unreachable`` are providers that could not say what they have. ``memory`` is what
    models on this machine can have now, in bytes, None where that is unknown. ``purse`` is what
    the budget leaves. ``busy`` is how many calls a model answers now, ``turns`` the number of the
    newest call that it got, by model id. ``fitted`` is the quality by model that a router fitted
    to evaluations expects for the prompt, ``cascade`` what was fitted to them for the strategy of
    that name. The model ``first`` stands before all others if it may answer, whatever its score;
    those that are switched ``off`` never may.
    """

    seen: Seen
    weights: Weights
    fallback: str = "best"
    unreachable: Sequence[Rejection] = ()
    memory: int | None = None
    purse: Purse | None = None
    busy: Mapping[str, int] = field(default_factory=dict)
    turns: Mapping[str, int] = field(default_factory=dict)
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    fitted: Mapping[str, float] = field(default_factory=dict)
    cascade: FittedCascade | None = None
    first: str = ""
    off: Collection[str] = ()


def route(request: Request, profile: TaskProfile, strategy: str, situation: Situation) -> Decision:
    """Rank the candidates for `request` by the strategy with the canonical name `strategy`.

    `profile` is what the analyser read from the request. Equal scores are ordered by priority,
    then by name. Raises `SelectionError` when no model may answer, or none qualifies under
    ``fallback: fail``.
    """
    seen = situation.seen
    estimates = estimate(seen, profile, situation.fitted)
    limits, memory, purse = request.wants.requires, situation.memory, situation.purse
    parts = split(
        seen.pool, estimates, profile, limits, memory=memory, purse=purse, off=situation.off
    )
    rejected = _joined(parts.rejected, situation.unreachable)
    if not len(parts.fit):
        raise SelectionError(f"no model may answer; {_way_out(parts.advice)}", tuple(rejected))
    table = tabulate(estimates, parts.fit, situation)
    name, found, notice = _score(strategy, table, profile, situation.weights)
    if found is None:
        if situation.fallback == "fail":
            ids = [seen.pool.cards[int(row)].id for row in parts.fit]
            raise _none_qualifies(name, notice, ids)
        scores = table.cheapness if situation.fallback == "cheapest" else table.worth
        notice = f"{notice}; fallback is {situation.fallback}"
    else:
        scores = found
    cascade = None
    if name == "cascade":
        cascade = planned(request, estimates, parts.fit, table, situation.cascade)
        if cascade is None:
            if request.wants.checked or request.wants.verifier:
                raise SelectionError(_NO_CASCADE.format(limit=_within(request)))
            said = f"no cascade{_within(request)} is known to be cheaper here"
            name, notice = "balanced", f"{said}, so balanced chose"
            scores = score(name, profile, table, situation.weights)
    staged = () if cascade is None else (*cascade.drafts, cascade.strong)
    preferred = () if staged else limits.prefer
    places = _places((situation.first, *staged, *preferred), seen.pool.index, parts.fit)
    order = _first(places, _order(scores, table))
    ranked = _Ranked(
        estimates, parts.fit[order], scores[order], table, order, name, frozenset(preferred)
    )
    ranking = LazySequence(len(order), ranked.choice)
    weights = weights_in(name, situation.weights)
    return Decision(name, "strategy", profile, ranking, rejected, notice, cascade, weights=weights)


def _within(request: Request) -> str:
    limit = request.wants.requires.max_cost
    return "" if limit is None else f" within max_cost ({dollars(limit)})"


def _way_out(advice: str) -> str:
    return advice or "name one with --model or relax a limit"


def _joined(rejected: Sequence[Rejection], unreachable: Sequence[Rejection]) -> Sequence[Rejection]:
    if not unreachable:
        return rejected
    count = len(rejected)
    return LazySequence(
        count + len(unreachable), lambda i: rejected[i] if i < count else unreachable[i - count]
    )


def tabulate(estimates: Estimates, fit: Codes, situation: Situation) -> Table:
    """The table of the models in the rows `fit`."""
    pool = estimates.seen.pool
    return Table(
        cost=estimates.cost[fit],
        quality=estimates.quality[fit],
        seconds=estimates.seconds[fit],
        success=estimates.success[fit],
        known=estimates.known[fit],
        weight=estimates.weight[fit],
        family=pool.family[fit],
        busy=_overlay(situation.busy, estimates, fit),
        turn=_overlay(situation.turns, estimates, fit),
        random=situation.random,
    )


def _overlay(counts: Mapping[str, int], estimates: Estimates, fit: Codes) -> Column:
    pool = estimates.seen.pool
    column = np.zeros(len(pool))
    for model, count in counts.items():
        if (row := pool.index.get(model)) is not None:
            column[row] = count
    return column[fit]


def _score(
    strategy: str, table: Table, profile: TaskProfile, weights: Weights
) -> tuple[str, Column | None, str]:
    """The first strategy of a chain that finds a model, its scores, and what was tried before.

    Where none does it is the last, and there are no scores.
    """
    tried: list[str] = []
    for name in chain(strategy):
        scores = score(name, profile, table, weights)
        if np.count_nonzero(np.isnan(scores)) < len(scores):
            notice = f"{' and '.join(tried)} found no model, so {name} chose" if tried else ""
            return name, scores, notice
        tried.append(name)
    return tried[-1], None, f"{' and '.join(tried)} found no model that qualifies"


def _none_qualifies(strategy: str, notice: str, models: Sequence[str]) -> SelectionError:
    reasons = [Rejection(model, _unqualified(strategy)) for model in models]
    return SelectionError(f"{notice}, and fallback is fail", reasons)


def _unqualified(strategy: str) -> str:
    known = {"cost": "its price is not known", "task": "nothing is known of its quality"}
    return known.get(strategy, f"does not qualify for {strategy}")


def _places(models: Sequence[str], index: Mapping[str, int], fit: Codes) -> list[int]:
    """Where in `fit` those of `models` stand that are there, in their order."""
    rows = [index[model] for model in dict.fromkeys(models) if model in index]
    places = [int(np.searchsorted(fit, row)) for row in rows]
    return [p for p, row in zip(places, rows, strict=True) if p < len(fit) and fit[p] == row]


def _first(places: Sequence[int], order: Codes) -> Codes:
    """`order` with `places` before all others."""
    if not places:
        return order
    return np.concatenate((places, order[np.isin(order, places, invert=True)]))


def _order(scores: Column, table: Table) -> Codes:
    """Best first; those that do not qualify come last, the better before the worse."""
    unqualified = np.isnan(scores)
    if not np.count_nonzero(unqualified):
        return (-scores).argsort(kind="stable")
    (first,), (last,) = np.logical_not(unqualified).nonzero(), unqualified.nonzero()
    by_score = (-scores[first]).argsort(kind="stable")
    by_worth = (-table.worth[last]).argsort(kind="stable")
    return np.concatenate((first[by_score], last[by_worth]))


@dataclass(frozen=True, slots=True, eq=False)
class _Ranked:
    """The columns behind a ranking, from which its choices are made when they are looked at."""

    estimates: Estimates
    rows: Codes
    scores: Column
    table: Table
    order: Codes
    strategy: str
    preferred: frozenset[str]

    def choice(self, place: int) -> Choice:
        row, at = int(self.rows[place]), int(self.order[place])
        card, expected = self.estimates.seen.pool.cards[row], self.estimates.one(row)
        terms = {
            "cost": float(self.table.cheapness[at]),
            "quality": float(self.table.worth[at]),
            "speed": float(self.table.speed[at]),
        }
        worth, sources = float(self.estimates.quality[row]), self.estimates.sources(row)
        return Choice(
            card,
            float(self.scores[place]),
            terms,
            expected,
            ("preferred, " if card.id in self.preferred else "")
            + self._reason(place, expected, f"{worth:.2f} from {sources['quality']}"),
            worth,
            sources,
        )

    def _reason(self, place: int, expected: Estimate, quality: str) -> str:
        rank = "best" if place == 0 else f"place {place + 1}"
        if isnan(self.scores[place]):
            rank = f"{_unqualified(self.strategy)}, place {place + 1}"
        price = "price unknown" if expected.cost is None else f"about {dollars(expected.cost)}"
        time = (
            "speed not seen yet"
            if expected.seconds is None
            else f"about {seconds(expected.seconds)}"
        )
        return f"{rank} of {len(self.rows)}: {price}, {time}, quality {quality}"
