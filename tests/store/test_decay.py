"""Sums that fade, and quantiles of what has weights."""

from __future__ import annotations

import statistics
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_nb.store.decay import DecayedSum, FadingSample, faded

NOW = 1_800_000_000.0
HOUR = 3600.0
amounts = st.floats(0, 1000)
seen = st.lists(st.tuples(st.floats(NOW - 50 * HOUR, NOW), amounts), min_size=1, max_size=20)


def summed(observed: list[tuple[float, float]]) -> DecayedSum:
    made = DecayedSum(HOUR)
    for at, value in observed:
        made.add(at, value)
    return made


def test_half_is_left_after_a_half_life() -> None:
    assert faded(0.0, HOUR) == 1.0
    assert faded(HOUR, HOUR) == 0.5
    assert faded(2 * HOUR, HOUR) == 0.25
    assert faded(-5.0, HOUR) == 1.0
    assert faded(1e300, HOUR) == 0.0


def test_nothing_is_worth_nothing() -> None:
    assert DecayedSum(HOUR).as_of(NOW) == (0.0, 0.0)


@given(seen, st.floats(0, 50 * HOUR))
def test_the_sum_is_what_its_definition_says(
    observed: list[tuple[float, float]], later: float
) -> None:
    now = NOW + later
    weight = sum(faded(now - at, HOUR) for at, _ in observed)
    total = sum(value * faded(now - at, HOUR) for at, value in observed)
    assert summed(observed).as_of(now) == pytest.approx((weight, total), rel=1e-6, abs=1e-12)


@given(seen, st.randoms())
def test_the_order_makes_no_difference(observed: list[tuple[float, float]], random: object) -> None:
    shuffled = observed.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    expected = summed(observed).as_of(NOW)
    assert summed(shuffled).as_of(NOW) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@given(seen)
def test_looking_changes_nothing(observed: list[tuple[float, float]]) -> None:
    made = summed(observed)
    before = replace(made)
    made.as_of(NOW + HOUR)
    assert made == before


def sampled(observed: list[tuple[float, float]], most: int = 100) -> FadingSample:
    made = FadingSample(HOUR, most)
    for at, value in observed:
        made.add(at, value)
    return made


def share_up_to(observed: list[tuple[float, float]], value: float) -> float:
    newest = max(at for at, _ in observed)
    weights = [(known, faded(newest - at, HOUR)) for at, known in observed]
    return sum(w for known, w in weights if known <= value) / sum(w for _, w in weights)


@given(st.lists(amounts, min_size=1, max_size=100))
def test_with_equal_weights_they_are_the_usual_ones(values: list[float]) -> None:
    low, median, high = sampled([(NOW, value) for value in values]).quantiles([0.0, 0.5, 1.0])
    assert (low, high) == (min(values), max(values))
    assert median == statistics.median_low(values)


@given(seen, st.floats(0.01, 0.99))
def test_a_quantile_is_what_its_definition_says(
    observed: list[tuple[float, float]], share: float
) -> None:
    (found,) = sampled(observed).quantiles([share])
    assert found is not None
    assert share_up_to(observed, found) >= share - 1e-6
    smaller = [value for _, value in observed if value < found]
    assert not smaller or share_up_to(observed, max(smaller)) <= share + 1e-6


@given(seen, st.integers(1, 5))
def test_only_the_newest_to_come_count(observed: list[tuple[float, float]], most: int) -> None:
    shares = [0.1, 0.5, 0.95]
    assert sampled(observed, most).quantiles(shares) == sampled(observed[-most:]).quantiles(shares)


def test_weights_count_also_after_years() -> None:
    years = 5 * 365 * 24 * HOUR
    old = [(NOW, 3.0)] * 5
    assert sampled([*old, (NOW + years, 1.0)]).quantiles([0.5]) == [1.0]
    assert sampled([(NOW + years, 1.0), *old]).quantiles([0.5]) == [1.0]
    assert sampled([(NOW - HOUR, 3.0), (NOW - HOUR, 3.0), (NOW, 1.0)]).quantiles([0.5]) == [1.0]
    assert sampled([*old, (NOW, 1.0)]).quantiles([0.5]) == [3.0]


def test_of_nothing_there_are_no_quantiles() -> None:
    assert sampled([]).quantiles([0.5, 0.95]) == [None, None]
