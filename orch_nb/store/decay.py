"""Sums and quantiles in which what is older counts for less."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import exp2, inf


def faded(age: float, half_life: float) -> float:
    """What an observation is worth after `age` seconds: 1 when new, 1/2 after a half-life."""
    return exp2(-max(age, 0.0) / half_life)


@dataclass(slots=True)
class DecayedSum:
    """A weighted sum with exponential decay, both as of the newest observation.

    Adding takes constant time and memory, and the order of adding makes no difference.
    """

    half_life: float
    at: float = -inf
    weight: float = 0.0
    total: float = 0.0

    def add(self, at: float, value: float, weight: float = 1.0) -> None:
        """Add `value` and `weight` as seen at the time `at`, in seconds."""
        if at > self.at:
            fade = faded(at - self.at, self.half_life)
            self.weight, self.total, self.at = self.weight * fade, self.total * fade, at
            fade = 1.0
        else:
            fade = faded(self.at - at, self.half_life)
        self.weight += weight * fade
        self.total += value * fade

    def as_of(self, now: float) -> tuple[float, float]:
        """The weight and the total that are left at the time `now`."""
        fade = faded(now - self.at, self.half_life)
        return self.weight * fade, self.total * fade


def quantiles(
    values: Iterable[float | None], weights: Iterable[float], shares: Sequence[float]
) -> list[float | None]:
    """For each of `shares` the smallest value with that share of the weight up to it.

    None among the values is left out; of no values the quantiles are None. With equal weights the
    share 1/2 gives the (lower) median.
    """
    pairs = [(v, w) for v, w in zip(values, weights, strict=True) if v is not None]
    if not pairs:
        return [None] * len(shares)
    pairs.sort()
    below = list(accumulate(weight for _, weight in pairs))
    # A little less, so that what rounds up does not lead past the value that is meant.
    total = below[-1] * (1 - 1e-9)
    return [pairs[bisect_left(below, share * total)][0] for share in shares]
