"""What choosing by prompt gains over always taking the best model, on prompts not fitted to."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from orch_nb.routing.fitting import fit
from orch_nb.routing.outcomes import Outcomes

_FOLDS = 5
# The 97.5th percentile of the normal distribution: two sides of 95 %.
_NORMAL = 1.96


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean of `count` numbers with its 95 % interval."""

    mean: float
    low: float
    high: float
    count: int

    @property
    def is_tie(self) -> bool:
        """Whether nothing is as likely as this, as far as is known."""
        return self.low <= 0.0 <= self.high


def share_interval(values: NDArray[np.float64]) -> Interval:
    """Of the mean of at least one value in 0..1."""
    mean = float(values.mean())
    return Interval(mean, *share_bounds(mean, len(values)), len(values))


def share_bounds(mean: float, count: float) -> tuple[float, float]:
    """The ends of the 95 % interval of a `mean` of `count` > 0 values in 0..1.

    Wilson's score interval (1927) for a share; numbers between 0 and 1 vary less than those that
    are 0 or 1, so it is not too narrow for them.
    """
    size = 1.0 + _NORMAL**2 / count
    centre = (mean + _NORMAL**2 / (2 * count)) / size
    half = _NORMAL / size * sqrt(mean * (1 - mean) / count + _NORMAL**2 / (4 * count**2))
    return max(centre - half, 0.0), min(centre + half, 1.0)


def difference_interval(values: NDArray[np.float64]) -> Interval:
    """Of the mean of paired differences, by its standard error; at least two of them."""
    mean, error = float(values.mean()), float(values.std(ddof=1)) / sqrt(len(values))
    return Interval(mean, mean - _NORMAL * error, mean + _NORMAL * error, len(values))


def cross_validate(outcomes: Outcomes, seed: int) -> Interval | None:
    """Quality of the model chosen for each prompt, less that of the best single model.

    Both are found without the fifth of the prompts on which they are compared, which the random
    `seed` draws; prompts on which one of the two was not tried are left out. None where fewer than
    two prompts are left.
    """
    part = np.random.default_rng(seed).permutation(len(outcomes.prompts)) % _FOLDS
    differences = []
    for fold in range(_FOLDS):
        router = fit(outcomes.take(np.flatnonzero(part != fold)))
        held = outcomes.take(np.flatnonzero(part == fold))
        expected = router.expect(held.prompts)[:, router.candidates]
        chosen = router.candidates[expected.argmax(axis=1)]
        single = int(np.argmax(router.shares @ router.quality))
        rows = np.arange(len(held.prompts))
        differences.append(held.quality[rows, chosen] - held.quality[rows, single])
    compared = np.concatenate(differences)
    compared = compared[~np.isnan(compared)]
    return difference_interval(compared) if len(compared) > 1 else None
