"""Sums and quantiles in which what is older counts for less."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
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


# Half-lives after which weights are counted from a new origin: floats reach a thousand.
_FAR = 500.0


class FadingSample:
    """The newest values that came, at most `most`, of which those seen earlier count for less.

    They are kept sorted, so that a quantile costs one sum over them: the share of a value does not
    depend on the moment that weights are counted from.
    """

    __slots__ = ("_half_life", "_most", "_order", "_origin", "_values", "_weights")

    def __init__(self, half_life: float, most: int) -> None:
        self._half_life, self._most = half_life, most
        self._origin = 0.0
        self._order: deque[tuple[float, float]] = deque()  # (at, value) as they came
        # Apart, because a sum over floats alone is ten times as fast.
        self._values: list[float] = []
        self._weights: list[float] = []

    def add(self, at: float, value: float) -> None:
        """Add `value` as seen at the time `at`, in seconds."""
        if len(self._order) == self._most:
            self._remove(*self._order.popleft())
        self._order.append((at, value))
        if not self._values or at - self._origin > _FAR * self._half_life:
            self._origin = at
            known = sorted((value, self._weight(then)) for then, value in self._order)
            self._values, self._weights = [v for v, _ in known], [w for _, w in known]
        else:
            place = bisect_left(self._values, value)
            self._values.insert(place, value)
            self._weights.insert(place, self._weight(at))

    def _remove(self, at: float, value: float) -> None:
        """Forget one of the values that are equal to `value`: that which was seen at `at`."""
        place = self._weights.index(self._weight(at), bisect_left(self._values, value))
        del self._values[place], self._weights[place]

    def quantiles(self, shares: Sequence[float]) -> list[float | None]:
        """For each of `shares` the smallest value with that share of the weight up to it.

        Of no values they are None. With equal weights the share 1/2 gives the (lower) median.
        """
        if not self._values:
            return [None] * len(shares)
        below = list(accumulate(self._weights))
        # A little less, so that what rounds up does not lead past the value that is meant.
        total = below[-1] * (1 - 1e-9)
        return [self._values[bisect_left(below, share * total)] for share in shares]

    def _weight(self, at: float) -> float:
        return exp2(max(at - self._origin, -2 * _FAR * self._half_life) / self._half_life)
