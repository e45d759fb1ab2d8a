"""Quality shrunk towards its prior: what evidence may do to it, and what not."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_nb.routing.pool import Column
from orch_nb.routing.quality import PRIOR, draw, evidence, posterior, success
from orch_nb.store.experience import Experience
from orch_nb.store.history import QUALITY_HALF_LIFE, STATE_HALF_LIFE
from orch_nb.types import TASKS, Observation, ObservationSource, Score, Track

NOW = 1_800_000_000.0
MODELS = ("p:a", "p:b", "p:c", "p:d")
INDEX = {model: row for row, model in enumerate(MODELS)}
EQUAL = np.full(len(MODELS), 0.5)

shares = st.floats(0, 1)
scores = st.builds(Score, st.floats(0.01, 2000), shares, st.just({"evaluation": 1}))
tracks_of = st.dictionaries(
    st.sampled_from(MODELS),
    st.builds(Track, quality=st.dictionaries(st.sampled_from(("chat", "code", "math")), scores)),
)
priors = st.lists(shares, min_size=len(MODELS), max_size=len(MODELS)).map(np.array)


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


def track(weight: float, mean: float, kind: str = "chat") -> Track:
    return Track(quality={kind: Score(weight, mean, {"rating": 1})})


def mean_of(tracks: Mapping[str, Track], kind: str = "chat", prior: Column = EQUAL) -> list[float]:
    mean, _ = posterior(prior, tracks, INDEX, kind)
    return [float(one) for one in mean]


def seen(model: str, count: int, quality: float, kind: str = "chat") -> list[Observation]:
    return [Observation(NOW, model, kind, "rating", quality=quality) for _ in range(count)]


@given(priors, st.sampled_from(TASKS))
def test_without_evidence_it_is_the_prior_to_the_bit(prior: Column, kind: str) -> None:
    calls = {MODELS[0]: Track(calls=5.0), "gone:m": track(100, 0.0)}
    for tracks in ({}, calls):
        mean, weight = posterior(prior, tracks, INDEX, kind)
        assert np.array_equal(mean, prior)
        assert mean is not prior
        assert not weight.any()


@given(priors, tracks_of, st.sampled_from(("chat", "math", "vision")))
def test_it_never_leaves_its_range(prior: Column, tracks: dict[str, Track], kind: str) -> None:
    before = prior.copy()
    mean, weight = posterior(prior, tracks, INDEX, kind)
    assert ((mean >= 0) & (mean <= 1)).all()
    assert (weight >= 0).all()
    assert np.array_equal(prior, before)
    untouched = [row for model, row in INDEX.items() if model not in tracks]
    assert np.array_equal(mean[untouched], prior[untouched])


@given(priors, tracks_of, st.sampled_from(("chat", "code")), scores, shares)
def test_better_observations_never_make_a_model_worse(
    prior: Column, tracks: dict[str, Track], kind: str, score: Score, better: float
) -> None:
    low, high = sorted((score.mean, better))
    means = [
        mean_of({**tracks, "p:a": track(score.weight, value)}, kind, prior)[0]
        for value in (low, high)
    ]
    assert means[0] <= means[1] + 1e-9


@given(priors, tracks_of, st.randoms())
def test_the_order_of_the_evidence_makes_no_difference(
    prior: Column, tracks: dict[str, Track], random: object
) -> None:
    items = list(tracks.items())
    random.shuffle(items)  # type: ignore[attr-defined]
    assert mean_of(dict(items), "chat", prior) == pytest.approx(mean_of(tracks, "chat", prior))


@given(st.floats(0.5, 500))
def test_what_was_seen_of_one_model_alone_moves_it_as_the_formula_says(weight: float) -> None:
    trust = weight / (weight + PRIOR)
    off = trust * -0.5 / (trust + 1)
    expected = (PRIOR * 0.5 + weight * (0.0 - off)) / (PRIOR + weight)
    assert mean_of({"p:a": track(weight, 0.0)})[0] == pytest.approx(expected)


def test_twenty_bad_ratings_cost_the_rank_and_good_ones_bring_it_back() -> None:
    clock = Clock()
    experience = Experience(None, clock=clock)
    for one in seen("p:a", 20, 0.0):
        experience.add(one)
    a, b, *_ = mean_of(experience.tracks())
    assert a < b == 0.5
    for one in seen("p:a", 40, 1.0):
        experience.add(one)
    assert mean_of(experience.tracks())[0] > b


def test_bad_ratings_are_forgotten_in_time() -> None:
    clock = Clock()
    experience = Experience(None, clock=clock)
    for one in seen("p:a", 20, 0.0):
        experience.add(one)
    means = []
    for _ in range(5):
        means.append(mean_of(experience.tracks())[0])
        clock.now += 3 * QUALITY_HALF_LIFE
    assert means == sorted(means)
    assert means[0] < 0.45
    assert means[-1] == 0.5


def test_twenty_failures_cost_the_rank_until_it_answers_or_some_hours_have_passed() -> None:
    clock = Clock()
    experience = Experience(None, clock=clock)
    for _ in range(20):
        experience.add(Observation(NOW, "p:a", "chat", "call", ok=False))
        experience.add(Observation(NOW, "p:b", "chat", "call", ok=True))
    failing = success(experience.tracks()["p:a"])
    assert failing == pytest.approx(1 / 3)
    assert success(experience.tracks()["p:b"]) == success(Track()) == 1.0
    clock.now += 6 * STATE_HALF_LIFE
    later = success(experience.tracks()["p:a"])
    assert later > 0.95
    clock.now = NOW
    for _ in range(200):
        experience.add(Observation(NOW, "p:a", "chat", "call", ok=True))
    assert failing < 0.9 < success(experience.tracks()["p:a"]) < 1.0


@given(st.floats(0, 1000), st.floats(0, 1000), st.floats(0, 1000))
def test_success_rises_with_answers_and_falls_with_failures(
    answered: float, failed: float, more: float
) -> None:
    base = success(Track(calls=answered + failed, successes=answered))
    assert 0.0 < base <= 1.0
    better = Track(calls=answered + failed + more, successes=answered + more)
    worse = Track(calls=answered + failed + more, successes=answered)
    assert success(worse) <= base <= success(better) + 1e-12


def test_good_at_everything_else_starts_higher_but_lower_than_good_at_this() -> None:
    kinds = ("code", "math", "summary")
    everywhere = Track(quality={k: Score(50, 0.9, {"evaluation": 50}) for k in kinds})
    here = Track(quality={"chat": Score(150, 0.9, {"evaluation": 150})})
    a, b, c, _ = mean_of({"p:a": everywhere, "p:b": here})
    assert 0.5 == c < a < b


def test_ever_so_much_of_other_kinds_never_outweighs_the_prior() -> None:
    mean, weight = posterior(EQUAL, {"p:a": track(1e9, 1.0, "code")}, INDEX, "chat")
    assert weight[0] == pytest.approx(PRIOR)
    assert mean[0] <= 0.75


def test_hard_questions_do_not_make_those_worse_who_were_asked() -> None:
    tier = np.array([0.9, 0.9, 0.9, 0.7])
    hard = {
        "p:a": track(100, 0.45, "math"),
        "p:b": track(100, 0.40, "math"),
        "p:d": track(100, 0.25, "math"),
    }
    for kind in ("math", "chat"):
        a, b, never_asked, d = mean_of(hard, kind, tier)
        assert a > b > d
        assert d < never_asked
    a, _, never_asked, _ = mean_of(hard, "chat", tier)
    assert abs(a - never_asked) < 0.1


def test_drawing_follows_mean_and_evidence() -> None:
    random = np.random.default_rng(1)
    mean = np.full(4000, 0.7)
    little = draw(mean, np.zeros(4000), random)
    much = draw(mean, np.full(4000, 600.0), random)
    for drawn, observations in ((little, 60), (much, 660)):
        assert drawn.mean() == pytest.approx(0.7, abs=0.01)
        assert drawn.std() == pytest.approx(np.sqrt(0.7 * 0.3 / (observations + 1)), rel=0.1)
    same = draw(mean, np.zeros(4000), np.random.default_rng(1))
    assert np.array_equal(little, same)


def test_what_is_certain_can_be_drawn() -> None:
    drawn = draw(np.array([0.0, 1.0]), np.zeros(2), np.random.default_rng(1))
    assert ((drawn >= 0) & (drawn <= 1)).all()


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({}, ""),
        ({"chat": {"evaluation": 12, "rating": 3}}, "12 evaluations, 3 ratings"),
        (
            {"chat": {"vote": 1}, "code": {"rating": 2}, "math": {"rating": 5}},
            "1 vote, 7 of other kinds",
        ),
        ({"code": {"rating": 1}}, "1 of other kinds"),
    ],
)
def test_evidence_is_counted(counts: dict[str, dict[ObservationSource, int]], said: str) -> None:
    quality = {kind: Score(1.0, 0.5, number) for kind, number in counts.items()}
    assert evidence(Track(quality=quality), "chat") == said
