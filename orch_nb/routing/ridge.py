"""Ridge regression on what a prompt looks like, as strong as leaving each prompt out says.

With few evaluations nearly all that can be fitted to prompts is noise. So the penalty is the one
with the least error on prompts that are left out, which ridge regression has in closed form
(Allen's PRESS: residual / (1 - leverage)), and what is predicted is shrunk once more by how sure
that gain is (the positive part of James and Stein's factor, 1 - 1/t²). Where the prompts say
nothing about which model is better, almost nothing is left of the correction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orch_nb.routing.features import Vector

Matrix = NDArray[np.float64]

# From nearly interpolating to nearly nothing, for rows of length 1.
_PENALTIES = np.geomspace(0.3, 1000.0, 16)
# The penalty is the ratio of two variances, which does not depend on the number of rows, and an
# eigendecomposition of more takes minutes; solving takes what is given up to the second number.
_ROWS_TO_CHOOSE, _ROWS = 1500, 5000
_FEWEST = 30
# Never less than this much of the correction: it is too small to move a choice between models
# whose means differ, and between those that do not, it decides.
_LEAST = 0.05


@dataclass(frozen=True, slots=True)
class Correction:
    """What to add to the means: features (WIDTH) times `weights` (WIDTH × models).

    `strength` is what was left of it, in 0..1; `evidence` is the gain in squared error on left
    out prompts, in its standard errors.
    """

    weights: Vector
    strength: float
    evidence: float


def fit_correction(features: Vector, residuals: Matrix) -> Correction:
    """Fit `residuals` (prompts × models), the qualities less their means, to `features`.

    Only differences between models count for the strength: that a prompt is hard for all of them
    is no reason to choose another. Fewer than 30 prompts give no correction at all.
    """
    width, models = features.shape[1], residuals.shape[1]
    if len(features) < _FEWEST or models < 2:
        return Correction(np.zeros((width, models), np.float32), 0.0, 0.0)
    rows = sample(len(features), _ROWS_TO_CHOOSE)
    penalty, strength, evidence = _choose(features[rows], _contrasts(residuals[rows]))
    rows = sample(len(features), _ROWS)
    weights = solve(features[rows], residuals[rows] - residuals[rows].mean(axis=0), penalty)
    return Correction(np.float32(strength) * weights, strength, evidence)


def solve(features: Vector, targets: Matrix, penalty: float) -> Vector:
    """Weights (WIDTH × targets) of the ridge regression without an intercept, in its dual form."""
    gram = _gram(features)
    gram[np.diag_indices(len(gram))] += penalty
    weights: Vector = (features.T @ np.linalg.solve(gram, targets)).astype(np.float32)
    return weights


def sample(count: int, limit: int) -> NDArray[np.intp]:
    """At most `limit` of `count` rows, in order; the same ones each time."""
    rows: NDArray[np.intp] = np.arange(count)
    if count > limit:
        rows = np.sort(np.random.default_rng(0).permutation(count)[:limit])
    return rows


def _choose(features: Vector, targets: Matrix) -> tuple[float, float, float]:
    values, vectors = np.linalg.eigh(_gram(features))
    values = np.maximum(values, 0.0)
    rotated, squares = vectors.T @ targets, vectors**2

    def left_out(penalty: float) -> Matrix:
        inverse = 1.0 / (values + penalty)
        dual = vectors @ (inverse[:, None] * rotated)
        predicted: Matrix = targets - dual / (squares @ inverse)[:, None]
        return predicted

    def error(penalty: float) -> float:
        return float(((targets - left_out(penalty)) ** 2).sum())

    penalty = min((float(penalty) for penalty in _PENALTIES), key=error)
    predicted = left_out(penalty)
    size = float((predicted**2).sum())
    scale = min(max(float((predicted * targets).sum()) / size, 0.0), 1.0) if size else 0.0
    gains = (targets**2 - (targets - scale * predicted) ** 2).sum(axis=1)
    noise = float(gains.std()) / np.sqrt(len(gains))
    evidence = float(gains.mean()) / noise if noise else 0.0
    sure = 1.0 - 1.0 / evidence**2 if evidence > 1.0 else 0.0
    return penalty, max(scale * sure, _LEAST), evidence


def _contrasts(residuals: Matrix) -> Matrix:
    contrasts = residuals - residuals.mean(axis=1, keepdims=True)
    centred: Matrix = contrasts - contrasts.mean(axis=0)
    return centred


def _gram(features: Vector) -> NDArray[Any]:
    return (features @ features.T).astype(np.float64)
