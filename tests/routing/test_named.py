"""What is said of named models is what is said of a table's rows."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_nb.errors import SelectionError
from orch_nb.routing.estimates import estimate, seen_of
from orch_nb.routing.filters import split
from orch_nb.routing.named import name_models
from orch_nb.routing.pool import pool_of
from orch_nb.store.experience import Known
from orch_nb.types import ModelCard, Prices, Score, TaskProfile, Track
from routing.candidates import ASK

some = st.one_of(st.none(), st.floats(0.1, 9))
sizes = st.one_of(st.none(), st.integers(1, 3000))
abilities = st.frozensets(st.sampled_from(("vision", "json", "tools")))
dear = Prices(Decimal(3), Decimal(9))
prices = st.sampled_from(
    (None, Prices(Decimal(1), Decimal(2), source="a list", long_context=((500, dear),)), dear)
)
judged = st.dictionaries(
    st.sampled_from(("chat", "code")),
    st.builds(Score, st.floats(1, 50), st.floats(0, 1), st.just({"evaluation": 3})),
)
cards = st.lists(
    st.builds(
        ModelCard,
        st.sampled_from("pq"),
        st.sampled_from("abc"),
        context=sizes,
        max_output=sizes,
        prices=prices,
        capabilities=st.none() | abilities,
        quality=st.dictionaries(st.sampled_from(("chat", "code")), st.floats(0, 1)),
        tier=st.none() | st.floats(0, 1),
        speed=st.none() | st.floats(0, 200),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda card: card.id,
)
seen = st.builds(
    Known,
    st.dictionaries(
        st.sampled_from(("p:a", "p:b", "q:a", "q:c", "elsewhere:x")),
        st.builds(Track, st.just(9.0), st.floats(0, 9), some, some, some, some, judged),
    ),
    st.dictionaries(st.sampled_from("pq"), st.floats(0.25, 4)),
)
profiles = st.builds(
    TaskProfile, st.just("chat"), st.integers(0, 2000), st.integers(1, 900), sizes, abilities
)


@given(cards, seen, profiles)
def test_a_named_model_is_judged_as_a_row_is(
    models: list[ModelCard], known: Known, profile: TaskProfile
) -> None:
    pool = pool_of(models)
    rows = estimate(seen_of(pool, known.tracks, known.token_factor), profile, {})
    parts = split(pool, rows, profile, ASK.wants.requires, named=True)
    fit = {pool.cards[row].id: row for row in parts.fit}
    if not fit:
        with pytest.raises(SelectionError) as caught:
            name_models(ASK, profile, models, known)
        assert caught.value.rejected == tuple(parts.rejected)
        return
    made = name_models(ASK, profile, models, known)
    assert [choice.model for choice in made.ranking] == [m.id for m in models if m.id in fit]
    assert tuple(made.rejected) == tuple(parts.rejected)
    for choice in made.ranking:
        row = fit[choice.model]
        assert choice.estimate == rows.one(row)
        assert choice.quality == rows.quality[row]
        assert choice.sources == rows.sources(row)


def test_who_is_named_twice_is_listed_once() -> None:
    small = ModelCard("p", "small", context=10, capabilities=frozenset())
    large = ModelCard("p", "large", context=10_000, capabilities=frozenset())
    profile = TaskProfile("chat", 100, 100)
    made = name_models(ASK, profile, [small, large, small, large], Known({}, {}))
    assert [choice.card for choice in made.ranking] == [large]
    assert [rejection.model for rejection in made.rejected] == ["p:small"]
