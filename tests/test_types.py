"""The values: frozen, and what they add up to."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_nb import Decision, Response, types
from orch_nb.types import (
    Attempt,
    Choice,
    Estimate,
    LazySequence,
    Message,
    ModelCard,
    Prices,
    Rejection,
    Request,
    TaskProfile,
    Usage,
    UsageSource,
)

CARD = ModelCard("ollama", "llama3.1:8b")
DECISION = Decision(
    "cost",
    "strategy",
    TaskProfile("chat", 5, 250),
    (
        Choice(CARD, 1.0, {}, Estimate(None, None), "best of 2"),
        Choice(ModelCard("b", "m"), 0.25, {}, Estimate(None, None), "place 2 of 2"),
    ),
    (Rejection("c:m", "too\u202elong"),),
)


def response(**fields: Any) -> Response:
    values: dict[str, Any] = {
        "text": "Hi",
        "model": CARD.id,
        "usage": Usage(1, 1),
        "cost": Decimal("0.01"),
        "finish": "stop",
        "seconds": 1.0,
        "ttft": 0.1,
        "cached": False,
        "decision": DECISION,
        "attempts": (Attempt(CARD.id, 1.0),),
    }
    return Response(**{**values, **fields})


def usages() -> st.SearchStrategy[Usage]:
    counts = st.integers(0, 10**6)
    sources: st.SearchStrategy[UsageSource] = st.sampled_from(("known", "estimated", "unknown"))
    return st.builds(Usage, counts, counts, st.just(0), sources)


def test_all_are_frozen() -> None:
    made = [value for value in vars(types).values() if dataclasses.is_dataclass(value)]
    assert len(made) > 10
    for value in made:
        assert value.__dataclass_params__.frozen  # type: ignore[union-attr]


@given(usages(), usages(), usages())
def test_usage_adds_up_and_is_as_sure_as_its_least_sure_part(a: Usage, b: Usage, c: Usage) -> None:
    assert (a + b) + c == a + (b + c)
    assert a + b == b + a
    assert a + Usage() == a
    assert (a + b).input_tokens == a.input_tokens + b.input_tokens
    if "unknown" in (a.source, b.source):
        assert (a + b).source == "unknown"


@given(usages(), st.decimals(0, 100, places=4), st.decimals(0, 100, places=4))
def test_a_charge_is_exact(usage: Usage, given_price: Decimal, produced_price: Decimal) -> None:
    charge = Prices(given_price, produced_price).charge(usage)
    micro = usage.input_tokens * given_price + usage.output_tokens * produced_price
    assert charge * 1_000_000 == micro


def test_cached_tokens_have_their_own_price_where_there_is_one() -> None:
    usage = Usage(1_000_000, 0, 400_000)
    assert Prices(Decimal(10), Decimal(0)).charge(usage) == 10
    assert Prices(Decimal(10), Decimal(0), Decimal(1)).charge(usage) == Decimal("6.4")
    assert Prices(Decimal(10), Decimal(0), Decimal(0)).charge(usage) == 6


def test_a_long_context_is_billed_as_a_whole() -> None:
    high, higher = Prices(Decimal(2), Decimal(2)), Prices(Decimal(4), Decimal(4))
    prices = Prices(Decimal(1), Decimal(1), long_context=((100, high), (200, higher)))
    millionths = [prices.charge(Usage(tokens)) * 10**6 for tokens in (100, 101, 200, 201)]
    assert millionths == [100, 202, 400, 804]


def test_an_id_is_provider_and_model() -> None:
    assert CARD.id == "ollama:llama3.1:8b"


def test_the_prompt_is_the_last_turn() -> None:
    turns = (Message("user", "a"), Message("assistant", "b"), Message("user", "c"))
    assert Request(turns).prompt == "c"


def test_a_decision_reads_as_a_ranking_and_hides_nothing() -> None:
    assert str(DECISION).splitlines() == [
        "cost (strategy): ollama:llama3.1:8b. best of 2",
        "  b:m  0.25  place 2 of 2",
        "  not c:m: too\\u202elong",
    ]
    assert DECISION.reason == "best of 2"


def test_of_a_decision_that_is_kept_the_best_stay_and_who_was_asked() -> None:
    choices = [
        Choice(ModelCard("a", f"m{i}"), 1.0, {}, Estimate(None, None), "") for i in range(80)
    ]
    rejected = LazySequence(70, lambda i: Rejection(f"r:m{i}", "too small"))
    made = dataclasses.replace(
        DECISION, ranking=LazySequence(80, choices.__getitem__), rejected=rejected
    )
    kept = made.kept({"a:m3", "a:m70"})
    assert kept.ranking == (*choices[:50], choices[70])
    assert (kept.omitted, kept.omitted_rejected) == (29, 20)
    assert kept.rejected == rejected[:50]
    assert kept.kept({"a:m3", "a:m70"}) == kept
    assert str(kept).splitlines()[-1] == str(made).splitlines()[-1] == "  and 50 more"
    assert DECISION.kept() == DECISION
    many = dataclasses.replace(made, ranking=LazySequence(200, lambda i: choices[i % 80]))
    assert len(many.kept({choice.model for choice in choices}).ranking) == 100


def test_a_response_shows_its_text_and_nothing_invisible() -> None:
    hostile = response(text="a\u202eb\x1b[31m")
    assert str(hostile) == "a\\u202eb\\x1b[31m"
    assert repr(hostile).startswith("Response('ollama:llama3.1:8b', ")
    assert repr(hostile).isprintable()
    assert len(repr(response(text="x" * 10_000))) < 120


@pytest.mark.parametrize(
    ("cached", "cost", "billed"),
    [
        (False, Decimal("0.01"), Decimal("0.01")),
        (True, Decimal("0.01"), Decimal(0)),
        (False, None, None),
        (True, None, Decimal(0)),
    ],
)
def test_a_cached_answer_bills_nothing(
    cached: bool, cost: Decimal | None, billed: Decimal | None
) -> None:
    assert response(cached=cached, cost=cost).billed == billed


def test_the_trail_is_empty_unless_there_was_a_detour() -> None:
    down = Attempt("a:m", 0.1, "a:m: down", "429")
    assert response().trail == ""
    assert response(attempts=()).trail == ""
    assert response(attempts=(down, Attempt("b:m", 1.0))).trail == "a:m (429) → b:m"


def test_a_charge_by_hand() -> None:
    prices = Prices(Decimal(10), Decimal(30))  # a cent and three cents a thousand
    assert prices.charge(Usage(500, 500)) == Decimal("0.02")
