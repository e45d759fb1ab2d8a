"""The models worth choosing from: those that no other beats in both cost and quality."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Among many noisy estimates the largest is mostly luck: on published outcomes of 27 models, the
# argmax over all of them is worse than the best single model, that over 7 on the front is not.
LIMIT = 7
# A millionth of a dollar apart is hardly a difference; it also gives what is free a logarithm.
_RESOLUTION = 1e-6
# Models of which it is quicker to drop some than to sort all.
_MANY = 64
_NOTHING = np.array([-np.inf])
_LAST = np.array([True])


def front(
    cost: NDArray[np.float64], quality: NDArray[np.float64], limit: int = LIMIT
) -> NDArray[np.intp]:
    """Indices of the Pareto front, at most `limit` (≥ 2) of them, the cheapest first.

    `cost` is in any unit of money, NaN counting as dearer than every known one; a `quality` of
    NaN is never on the front. Of models that are equal in both the first is kept. Where the
    front is longer than `limit`, its ends stay, and between them whatever lies highest above the
    line, over the logarithm of the cost, through those that stay.
    """
    price = np.where(np.isnan(cost), np.inf, cost)
    worth = np.where(np.isnan(quality), -np.inf, quality)
    order = price.argsort(kind="stable") if len(price) < _MANY else _affordable(price, worth)
    # By cost, whatever is better than all before it is on the front.
    best = np.maximum.accumulate(np.concatenate((_NOTHING, worth[order])))
    kept: NDArray[np.intp] = order[best[1:] > best[:-1]]
    # Of equal prices the last is the best.
    prices = price[kept]
    kept = kept[np.concatenate((prices[1:] != prices[:-1], _LAST[: len(kept)]))]
    if len(kept) > limit:
        kept = kept[_telling(price[kept], quality[kept], limit)]
    return kept


def _affordable(price: NDArray[np.float64], worth: NDArray[np.float64]) -> NDArray[np.intp]:
    """Those that do not cost more than the best, which beats all others, by price."""
    (near,) = (price <= price[worth == worth.max()].min()).nonzero()
    ranked: NDArray[np.intp] = near[price[near].argsort(kind="stable")]
    return ranked


def _telling(
    price: NDArray[np.float64], quality: NDArray[np.float64], limit: int
) -> NDArray[np.intp]:
    place = np.log1p(price / _RESOLUTION)
    known = place[np.isfinite(place)]
    # One unknown price may end the front; a decade dearer is as good a place for it as any.
    place = np.where(np.isfinite(place), place, known[-1] + np.log(10.0))
    kept = [0, len(place) - 1]
    while len(kept) < limit:
        above = quality - np.interp(place, place[kept], quality[kept])
        above[kept] = -np.inf
        kept = sorted((*kept, int(above.argmax())))
    return np.array(kept, np.intp)
