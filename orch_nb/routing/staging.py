"""Where a cascade comes from: planned among the candidates, or named by the caller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from orch_nb.errors import InputError
from orch_nb.routing.cascade import check_for, plan, worst_cost
from orch_nb.routing.estimates import Estimates
from orch_nb.routing.fitted_cascade import FittedCascade
from orch_nb.routing.front import front
from orch_nb.routing.pool import Codes
from orch_nb.routing.strategies import Table
from orch_nb.types import Cascade, Check, Decision, Request, TaskProfile


def planned(
    request: Request,
    estimates: Estimates,
    fit: Codes,
    table: Table,
    fitted: FittedCascade | None,
) -> Cascade | None:
    """The cascade over the candidates in the rows `fit`; None where none makes sense.

    Drafts and strong model are on the front of cost and quality, or on the one behind it, from
    where a second draft may come. What all of it may cost keeps to the caller's limit.
    """
    cards = estimates.seen.pool.cards
    rows = _fronts(table)
    if fitted is not None:
        index = {cards[int(row)].id: place for place, row in enumerate(fit)}
        rows = np.union1d(rows, [index[m] for m in fitted.models if m in index]).astype(np.intp)
    models = [cards[int(fit[place])].id for place in rows]
    cost, worth = table.cost[rows], table.worth[rows]
    limit = request.wants.requires.max_cost
    while True:
        cascade = plan(
            models,
            cost,
            worth,
            _check(request, estimates.profile),
            verifier=request.wants.verifier,
            fitted=fitted,
            prompt=request.prompt,
        )
        if cascade is None or limit is None:
            return cascade
        if worst_cost(cascade, dict(zip(models, cost.tolist(), strict=True))) <= float(limit):
            return cascade
        # The strong one is too dear beside its drafts: the next best may do.
        cost = np.where([model == cascade.strong for model in models], np.nan, cost)
        fitted = None


def _fronts(table: Table) -> Codes:
    first = front(table.cost, table.worth)
    (others,) = np.isin(np.arange(len(table.cost)), first, invert=True).nonzero()
    if not len(others):
        return first
    return np.concatenate((first, others[front(table.cost[others], table.worth[others])]))


def named(request: Request, decision: Decision) -> Decision:
    """`decision`, which the caller took, as a cascade: drafts in order, the strong one last.

    Raises `InputError` where that is none.
    """
    models = [choice.model for choice in decision.ranking]
    check, verifier = _check(request, decision.profile), request.wants.verifier
    drafts: Sequence[str] = models[:-1]
    if verifier is not None:
        drafts = [*drafts[:1], verifier]
    least = 2 if check in ("agreement", "verifier") else 1
    if decision.rejected or not least <= len(drafts) <= 2:
        raise InputError(
            "a cascade has two or three models: one draft that `check` judges, or two that must "
            "agree, and the strong one last"
        )
    cascade = Cascade(tuple(drafts), models[-1], check, "named by the caller")
    return replace(decision, strategy="cascade", cascade=cascade)


def _check(request: Request, profile: TaskProfile) -> Check:
    return "verifier" if request.wants.verifier is not None else check_for(request, profile)
