"""What observations add up to, and what another session knows of them."""

from __future__ import annotations

import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_nb.errors import InputError
from orch_nb.store.experience import Experience
from orch_nb.store.history import QUALITY_HALF_LIFE, STATE_HALF_LIFE
from orch_nb.types import Observation, Score, Track
from store.observations import MODEL, NOW, Clock, opened, seen


def filled(*observations: Observation, clock: Clock | None = None) -> Experience:
    experience = opened(clock=clock)
    for one in observations:
        experience.add(one)
    return experience


@pytest.mark.parametrize(
    "wrong",
    [
        {"quality": 1.1},
        {"quality": float("nan")},
        {"seconds": -1.0},
        {"seconds": float("inf")},
        {"at": float("nan")},
        {"input_tokens": 10**400},
        {"source": "rumour"},
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        seen(**wrong)


def test_a_call_is_counted() -> None:
    answered = seen(ok=True, seconds=3.0, ttft=1.0, output_tokens=100)
    (track,) = filled(answered).tracks().values()
    assert track == Track(1.0, 1.0, ttft=1.0, tokens_per_second=50.0, p50=3.0, p95=3.0)


def test_a_failure_counts_and_says_nothing_about_speed() -> None:
    track = filled(seen(ok=True), seen(ok=False, seconds=30.0)).tracks()[MODEL]
    assert track == Track(calls=2.0, successes=1.0)


def test_quantiles_are_of_the_newest_hundred() -> None:
    durations = [float(i) for i in range(1, 301)]
    track = filled(*(seen(ok=True, seconds=s) for s in durations)).tracks()[MODEL]
    assert track.p50 == statistics.median_low(durations[-100:])
    assert track.p95 == 295.0


def test_what_came_all_at_once_has_no_rate() -> None:
    track = filled(seen(ok=True, seconds=2.0, ttft=2.0, output_tokens=100)).tracks()[MODEL]
    assert track.tokens_per_second is None
    assert track.p50 == 2.0


def test_yesterdays_durations_count_for_less() -> None:
    old = [seen(at=NOW - 6 * STATE_HALF_LIFE, ok=True, seconds=1.0) for _ in range(30)]
    track = filled(*old, seen(ok=True, seconds=9.0)).tracks()[MODEL]
    assert track.p50 == 9.0
    assert filled(*old).tracks()[MODEL].p50 == 1.0


def test_failures_fade_within_hours_and_quality_within_weeks() -> None:
    clock = Clock()
    experience = filled(seen(ok=False), seen(source="rating", quality=1.0), clock=clock)
    clock.now += STATE_HALF_LIFE
    track = experience.tracks()[MODEL]
    assert track.calls == pytest.approx(0.5)
    assert track.quality["chat"].weight == pytest.approx(1.0, abs=0.01)
    clock.now = NOW + QUALITY_HALF_LIFE
    assert experience.tracks()[MODEL].quality["chat"] == Score(0.5, 1.0, {"rating": 1})
    clock.now = NOW + 100 * QUALITY_HALF_LIFE
    assert experience.tracks()[MODEL].quality == {}


def test_quality_is_a_mean_by_kind_with_counts_by_source() -> None:
    quality = (
        filled(
            seen(source="evaluation", quality=1.0),
            seen(source="evaluation", quality=0.5),
            seen(source="rating", quality=0.0),
            seen(source="vote", quality=1.0, kind="code"),
            seen(ok=True),
        )
        .tracks()[MODEL]
        .quality
    )
    assert quality == {
        "chat": Score(3.0, 0.5, {"evaluation": 2, "rating": 1}),
        "code": Score(1.0, 1.0, {"vote": 1}),
    }


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.floats(0, 1e8))
def test_a_mean_stays_in_its_range(values: list[float], later: float) -> None:
    clock = Clock()
    experience = filled(*(seen(source="rating", quality=q, ok=q > 0.5) for q in values))
    experience._clock = clock
    clock.now += later
    track = experience.tracks()[MODEL]
    assert 0.0 <= track.successes <= track.calls
    for score in track.quality.values():
        assert 0.0 <= score.mean <= 1.0


def test_a_snapshot_is_the_same_one_until_something_is_added() -> None:
    clock = Clock()
    experience = filled(seen(ok=True), seen(model="b:m", ok=True), clock=clock)
    first = experience.tracks()
    clock.now += 60
    assert experience.tracks() is first
    assert experience.token_factor() is experience.token_factor()
    experience.add(seen(ok=False))
    second = experience.tracks()
    assert second is not first
    assert first[MODEL].calls == 1.0
    assert second[MODEL].calls == pytest.approx(2.0, rel=0.01)
    assert second["b:m"] is first["b:m"]
    with pytest.raises(TypeError):
        second["c:m"] = Track()  # type: ignore[index]
    clock.now += 3600
    third = experience.tracks()
    assert third is not second
    assert third["b:m"].calls < second["b:m"].calls


def test_an_observation_from_the_future_ages_like_the_others() -> None:
    clock = Clock()
    experience = filled(seen(at=NOW + 1e9, ok=False), seen(ok=True), clock=clock)
    assert experience.tracks()[MODEL].calls == pytest.approx(2.0)
    clock.now += 100 * STATE_HALF_LIFE
    assert experience.tracks()[MODEL].calls == pytest.approx(0.0)


def test_tokens_are_calibrated_per_provider() -> None:
    def counted(model: str, known: int, estimated: int) -> Observation:
        return seen(model=model, input_tokens=known, estimated_tokens=estimated)

    factor = filled(
        counted("a:m", 1500, 1000),
        counted("a:n", 2500, 1000),
        counted("b:m", 0, 1000),
        counted("c:m", 90_000_000, 1000),
    ).token_factor()
    assert factor["a"] == (4000 + 2000) / (2000 + 2000)
    assert factor["b"] == 1.0
    assert factor["c"] == 4.0


def test_more_evidence_leads_closer_to_what_was_counted() -> None:
    factors = []
    experience = opened()
    for _ in range(100):
        experience.add(seen(input_tokens=300, estimated_tokens=200))
        factors.append(experience.token_factor()["a"])
    assert factors == sorted(factors)
    assert 1.0 < factors[0] < 1.1
    assert 1.4 < factors[-1] < 1.5
