"""The Pareto front: nobody on it is beaten, everybody off it is, and a long one is thinned."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_nb.routing.front import front

# Few values, so that ties are common.
_PLACES = st.lists(
    st.tuples(st.sampled_from([0.0, 1e-6, 0.01, 0.5, 2.0, float("nan")]), st.integers(0, 6)),
    min_size=1,
    max_size=30,
)


def beats(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Whether `one` is at least as cheap and as good as `other`, and not the same."""
    (cost, quality), (dearer, worse) = one, other
    return cost <= dearer and quality >= worse and one != other


@given(_PLACES)
def test_as_defined(places: list[tuple[float, int]]) -> None:
    cost, quality = np.array(places, float).T
    kept = front(cost, quality, limit=30).tolist()
    points = [(np.inf if np.isnan(c) else c, q) for c, q in places]
    unbeaten = [
        i
        for i, point in enumerate(points)
        if not any(beats(other, point) for other in points) and point not in points[:i]
    ]
    assert kept == sorted(unbeaten, key=lambda i: points[i])


def test_thinned_keeps_both_ends_and_the_knee() -> None:
    cost = np.geomspace(0.001, 1.0, 101)
    quality = np.linspace(0.50, 0.51, 101)
    quality[40:] += 0.3
    kept = front(cost, quality, limit=4)
    assert kept[0] == 0
    assert kept[-1] == 100
    assert 40 in kept
    assert len(kept) == 4


def test_unknown_cost_is_the_dearest() -> None:
    assert front(np.array([0.1, np.nan, 5.0]), np.array([0.5, 0.5, 0.4])).tolist() == [0]
    assert front(np.array([0.1, np.nan, 5.0]), np.array([0.5, 0.9, 0.6])).tolist() == [0, 2, 1]
    assert front(np.full(3, np.nan), np.array([0.5, 0.9, 0.6])).tolist() == [1]


def test_a_long_front_that_ends_in_an_unknown_cost() -> None:
    cost = np.append(np.geomspace(0.001, 1.0, 50), np.nan)
    kept = front(cost, np.linspace(0.1, 0.9, 51), limit=3)
    assert kept[0] == 0
    assert kept[-1] == 50
    assert len(kept) == 3


def test_unknown_quality_is_nowhere() -> None:
    assert front(np.array([0.1, 0.2]), np.array([np.nan, 0.3])).tolist() == [1]
    assert front(np.array([0.1, 0.2]), np.array([np.nan, np.nan])).tolist() == []
    assert front(np.array([]), np.array([])).tolist() == []


@pytest.mark.parametrize("limit", [2, 7])
def test_limit(limit: int) -> None:
    cost = np.geomspace(0.001, 1.0, 1000)
    kept = front(cost, np.sqrt(cost), limit)
    assert len(kept) == limit
    assert kept[0] == 0
    assert kept[-1] == 999
