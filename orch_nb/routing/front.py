"""The models worth choosing from: those that no other beats in both cost and quality."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Among many noisy estimates the largest is mostly luck: on published outcomes of 27 models, the
# argmax over all of them is worse than the best single model, that over 7 on the front is not.
LIMIT = 7
# A millionth of a dollar apart is hardly a difference; it also gives what is free a logarithm.
_RESOLUTION = 1e-6


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
    highest = worth.max(initial=-np.inf)
    if highest == -np.inf:
        return np.empty(0, np.intp)
    # What costs more than the best is beaten; dropping it first leaves less to sort.
    (near,) = ((price <= price[worth == highest].min()) & (worth > -np.inf)).nonzero()
    order = near[price[near].argsort(kind="stable")]
    rising = np.maximum.accumulate(worth[order])
    better = np.ones(len(order), bool)
    np.greater(rising[1:], rising[:-1], out=better[1:])
    kept: NDArray[np.intp] = order[better]
    # Of equal prices the last is the best.
    prices = price[kept]
    dearest = np.ones(len(kept), bool)
    np.not_equal(prices[1:], prices[:-1], out=dearest[:-1])
    kept = kept[dearest]
    if len(kept) > limit:
        kept = kept[_telling(price[kept], quality[kept], limit)]
    return kept


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
