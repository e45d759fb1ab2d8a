"""How much each model is worth for a prompt, fitted to evaluations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from orch_nb.routing.features import WIDTH, Vector
from orch_nb.routing.fitted import FittedRouter, Scale, read
from orch_nb.routing.front import LIMIT, front
from orch_nb.routing.outcomes import Outcomes
from orch_nb.routing.quality import PRIOR
from orch_nb.routing.ridge import Correction, fit_correction, sample, solve

Matrix = NDArray[np.float64]

# To which task a prompt belongs is easy to tell, with little penalty and from these many prompts.
_PENALTY, _ROWS = 0.3, 2000
# Of more prompts than this only the means are taken; their features would fill the memory.
_READ = 10_000


def fit(outcomes: Outcomes) -> FittedRouter:
    """Fit the expected quality of each model, for each prompt, to `outcomes`.

    It is the mean of the model in the task, shrunk towards its mean in all, plus a correction by
    what the prompt looks like, fitted within each task between the models that are worth choosing
    from. How strong that is, prompts that are left out decide: see `fit_correction`.
    """
    with np.errstate(invalid="ignore"):
        cost = np.nansum(outcomes.cost, axis=0) / (~np.isnan(outcomes.cost)).sum(axis=0)
    counts, quality = _means(outcomes)
    shares = np.bincount(outcomes.labels, minlength=len(outcomes.tasks)) / len(outcomes.prompts)
    candidates = _worth_choosing(cost, quality, shares)
    part = outcomes.take(sample(len(outcomes.prompts), _READ))
    hashed, measures = read(part.prompts)
    scale = Scale.of(measures)
    features = scale.embed(hashed, measures)
    corrections = _correct(part, features, quality, candidates)
    return FittedRouter(
        models=outcomes.models,
        tasks=outcomes.tasks,
        counts=counts,
        quality=quality,
        cost=cost,
        candidates=candidates,
        strength=np.array([correction.strength for correction in corrections]),
        shares=shares,
        scale=scale,
        membership=_tell_tasks(part, features, shares),
        weights=np.array([correction.weights for correction in corrections]),
    )


def _means(outcomes: Outcomes) -> tuple[NDArray[np.int64], Matrix]:
    """How many qualities there are, and their shrunk means, tasks × models."""
    seen = ~np.isnan(outcomes.quality)
    total = np.nan_to_num(outcomes.quality)
    prior = total.sum() / seen.sum()
    prior = (total.sum(axis=0) + PRIOR * prior) / (seen.sum(axis=0) + PRIOR)
    if len(outcomes.tasks) == 1:
        return seen.sum(axis=0)[None], prior[None]
    member = outcomes.labels == np.arange(len(outcomes.tasks))[:, None]
    counts = member.astype(np.int64) @ seen
    return counts, (member @ total + PRIOR * prior) / (counts + PRIOR)


def _worth_choosing(cost: Matrix, quality: Matrix, shares: Matrix) -> NDArray[np.intp]:
    """Indices of at most 7 models: those on the front in all or, failing that, in some tasks."""
    if len(cost) <= LIMIT:
        return np.arange(len(cost))
    votes = np.zeros(len(cost))
    votes[front(cost, shares @ quality)] += 1.0
    for task, share in zip(quality, shares, strict=True):
        votes[front(cost, task)] += share
    # Without costs only the best is on a front, but who comes near it in a task may be better at
    # times.
    nearness = (quality - quality.max(axis=1, keepdims=True)).max(axis=0)
    order = np.lexsort((-nearness, -votes))[:LIMIT]
    chosen = order if np.isnan(cost).all() else order[votes[order] > 0]
    return np.sort(chosen)


def _correct(
    outcomes: Outcomes, features: Vector, quality: Matrix, candidates: NDArray[np.intp]
) -> list[Correction]:
    residuals = (outcomes.quality - quality[outcomes.labels])[:, candidates]
    complete = ~np.isnan(residuals).any(axis=1)
    tasks = [complete & (outcomes.labels == task) for task in range(len(outcomes.tasks))]
    return [fit_correction(features[rows], residuals[rows]) for rows in tasks]


def _tell_tasks(outcomes: Outcomes, features: Vector, shares: Matrix) -> Vector:
    """Weights (features × tasks) of a regression to 1 for the task of a prompt, 0 for others."""
    if len(shares) == 1:
        return np.zeros((WIDTH, 1), np.float32)
    rows = sample(len(features), _ROWS)
    member = (outcomes.labels[rows, None] == np.arange(len(shares))).astype(np.float64)
    return solve(features[rows], member - shares, _PENALTY)
