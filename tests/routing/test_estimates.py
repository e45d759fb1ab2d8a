"""Columns of what was seen: kept, and renewed where something has changed."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from orch_nb.routing.estimates import Seen, seen_of
from orch_nb.routing.pool import pool_of
from orch_nb.types import ModelCard, Score, Track

NAMES = ("p:a", "p:b", "q:a", "elsewhere:x")
POOL = pool_of([ModelCard("p", "a", tier=0.5), ModelCard("p", "b"), ModelCard("q", "a")])
some = st.one_of(st.none(), st.floats(0.1, 9))
judged = st.dictionaries(
    st.sampled_from(("chat", "code")),
    st.builds(Score, st.floats(1, 50), st.floats(0, 1), st.just({"evaluation": 3})),
)
tracks = st.dictionaries(
    st.sampled_from(NAMES),
    st.builds(Track, st.just(9.0), st.floats(0, 9), some, some, some, some, judged),
)


def columns(seen: Seen) -> list[np.ndarray[tuple[int], np.dtype[np.float64]]]:
    return [
        seen.token_factor,
        seen.ttft,
        seen.tokens_per_second,
        seen.typical,
        seen.success,
        seen.answered.astype(float),
        *seen.quality("chat"),
    ]


@given(st.lists(st.tuples(tracks, st.floats(0.5, 2)), min_size=2, max_size=5))
def test_renewed_columns_are_those_made_anew(looks: list[tuple[dict[str, Track], float]]) -> None:
    known: dict[str, Track] = {}
    seen = seen_of(POOL, known, {})
    for news, factor in looks:
        columns(seen)  # what is kept of the quality must not outlive what it was made of
        before = [column.copy() for column in columns(seen)]
        known = {**known, **news}
        renewed = seen.renewed(known, {"p": factor})
        assert renewed.tracks is known
        anew = seen_of(POOL, known, {"p": factor})
        for made, expected in zip(columns(renewed), columns(anew), strict=True):
            np.testing.assert_array_equal(made, expected)
        for column, kept in zip(columns(seen), before, strict=True):
            np.testing.assert_array_equal(column, kept)
        seen = renewed


def test_what_was_forgotten_is_in_no_column() -> None:
    track = Track(9.0, 3.0, 0.5, 20.0, 1.0, 2.0, {"chat": Score(9, 0.9, {"rating": 9})})
    seen = seen_of(POOL, {"p:a": track, "p:b": track}, {})
    left = seen.renewed({"p:b": track}, {})
    anew = seen_of(POOL, {"p:b": track}, {})
    for made, expected in zip(columns(left), columns(anew), strict=True):
        np.testing.assert_array_equal(made, expected)
