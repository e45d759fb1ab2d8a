"""How good a router is, given what it expects and how the models really did.

Two models, after RouteLLM (Ong et al., "RouteLLM: learning to route LLMs with preference data",
2024): a threshold on the score sends a share of the prompts to the strong model. APGR is the
average, over that share, of how much of the way from the weak model's quality to the strong one's
is gone; CPT50 and CPT80 are the shares, in per cent, at which half and four fifths of it are.
A router that draws lots has 0.5, 50 and 80.

Many models, after RouterBench (Hu et al., "RouterBench: a benchmark for multi-LLM routing
systems", 2024): the weight on cost is swept, and the upper hull of the realised (cost, quality)
is compared with the hull of the single models, which is what can be had without looking at the
prompt. AIQ is the mean height of the hull over the range of the models' costs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

_BINS = 10
_STEPS = 400
WEIGHTS = np.append(0.0, np.geomspace(1e-3, 1e4, 41))


def gap_recovered(score: Matrix, weak: Matrix, strong: Matrix) -> dict[str, float]:
    """APGR, CPT50 and CPT80; the higher the score, the sooner a prompt goes to the strong one."""
    edges = np.quantile(score, np.linspace(0, 1, _BINS + 1))
    sent = np.vstack((score >= edges[:-1, None], score > edges[-1]))
    share = sent.mean(axis=1)
    reached = (np.where(sent, strong, weak).mean(axis=1) - weak.mean()) / (
        strong.mean() - weak.mean()
    )
    order = np.argsort(share, kind="stable")
    share, reached = share[order], reached[order]
    return {
        "APGR": float(np.trapezoid(reached, share)) / float(share[-1] - share[0]),
        "CPT50": 100 * float(np.interp(0.5, reached, share)),
        "CPT80": 100 * float(np.interp(0.8, reached, share)),
    }


def swept(expected: Matrix, price: Matrix, quality: Matrix, cost: Matrix) -> tuple[Matrix, Matrix]:
    """Quality and cost of the choice for each prompt, under each weight on the expected `price`.

    All four are prompts × models; both results are weights × prompts.
    """
    rows = np.arange(len(quality))
    chosen = np.array([(expected - weight * price).argmax(axis=1) for weight in WEIGHTS])
    return quality[rows, chosen], cost[rows, chosen]


def against_singles(got: Matrix, paid: Matrix, quality: Matrix, cost: Matrix) -> dict[str, float]:
    """What `swept` gave, against single models that are known to be the best in hindsight.

    dAIQ is the difference in AIQ; PerfGain0 % that in quality with no weight on cost; CostSave95 %
    what is saved at 95 % of the best model's quality.
    """
    means, costs = quality.mean(axis=0), cost.mean(axis=0)
    best = int(means.argmax())
    axis = np.linspace(costs.min(), costs.max(), _STEPS)
    ours = hull(paid.mean(axis=1), got.mean(axis=1))
    singles = hull(costs, means)
    goal = 0.95 * means[best]
    saving = np.interp(goal, ours[1], ours[0]) if ours[1][-1] >= goal else np.nan
    height = np.interp(axis, *ours) - np.interp(axis, *singles)
    return {
        "dAIQ": float(np.trapezoid(height, axis) / (axis[-1] - axis[0])),
        "PerfGain0 %": 100 * float(got[0].mean() / means[best] - 1),
        "CostSave95 %": 100 * float(1 - saving / costs[best]),
    }


def hull(cost: Matrix, quality: Matrix) -> tuple[Matrix, Matrix]:
    """The rising part of the upper convex hull: costs and qualities of its corners."""
    corners: list[tuple[float, float]] = []
    for at in np.lexsort((-quality, cost)):
        x, y = float(cost[at]), float(quality[at])
        if corners and y <= corners[-1][1]:
            continue
        while len(corners) > 1 and _below(corners[-2], corners[-1], (x, y)):
            corners.pop()
        corners.append((x, y))
    costs, qualities = np.array(corners).T
    return costs, qualities


def _below(
    left: tuple[float, float], middle: tuple[float, float], right: tuple[float, float]
) -> bool:
    rise = (right[1] - left[1]) * (middle[0] - left[0])
    return (middle[1] - left[1]) * (right[0] - left[0]) <= rise
