"""Bounds are bounds: no count of a provider is above them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_nb.invoke.worst_case import (
    affordable,
    input_bound,
    is_free,
    output_bound,
    room,
    worst_case,
)
from orch_nb.registry.tokens import count_tokens
from orch_nb.types import (
    Image,
    Message,
    ModelCard,
    Parameters,
    Prices,
    Request,
    Schema,
    Tool,
    Usage,
)

D = Decimal
PRICES = Prices(D(2), D(10))
LONG = Prices(D(2), D(10), D("0.2"), "", ((1000, Prices(D(4), D(15), D("0.4"))),))
FREE = Prices(D(0), D(0))
CARD = ModelCard("a", "m", prices=PRICES)


def asking(text: str = "hello", **fields: object) -> Request:
    return replace(Request((Message("user", text),)), **fields)  # type: ignore[arg-type]


@given(st.text(), st.text())
def test_bytes_bound_the_tokens(prompt: str, system: str) -> None:
    bound = input_bound(asking(prompt, system=system))
    assert bound >= len(prompt.encode("utf-8", "surrogatepass")) + count_tokens(system)


def test_all_that_is_sent_counts() -> None:
    plain = input_bound(asking())
    tool = Tool("look_up", "Looks a word up.", {"type": "object"})
    schema = Schema("Answer", {"type": "object", "description": "x" * 1000})
    image = Message("user", "hello", (Image("image/png", "AAAA"),))
    assert input_bound(asking(tools=(tool,))) > plain + len("look_up") + len("Looks a word up.")
    assert input_bound(asking(schema=schema)) > plain + 1000
    assert input_bound(Request((image,))) == plain + 16_384
    assert input_bound(Request((*asking().messages, *asking().messages))) > plain + len("hello")


@pytest.mark.parametrize(
    ("asked", "writes", "context", "bound"),
    [
        (None, None, None, None),
        (100, None, None, 100),
        (None, 500, 8000, 500),
        (None, None, 8000, 8000),
        (900, 500, 8000, 500),
    ],
)
def test_the_least_limit_bounds_the_answer(
    asked: int | None, writes: int | None, context: int | None, bound: int | None
) -> None:
    card = replace(CARD, max_output=writes, context=context)
    assert output_bound(asking(parameters=Parameters(max_tokens=asked)), card) == bound


@pytest.mark.parametrize("prices", [PRICES, LONG])
@given(given=st.integers(0, 3000), share=st.floats(0, 1), written=st.integers(0, 500))
def test_no_bill_is_above_the_worst_case(
    prices: Prices, given: int, share: float, written: int
) -> None:
    request = asking("x" * given)
    usage = Usage(given, written, int(given * share))
    worst = worst_case(request, replace(CARD, prices=prices), 500)
    assert worst is not None
    assert prices.charge(usage) <= worst


@given(left=st.decimals(0, 1, places=6))
def test_what_is_affordable_fits_and_one_token_more_does_not(left: Decimal) -> None:
    request, none = asking(), worst_case(asking(), CARD, 0)
    tokens = affordable(request, CARD, left)
    fits, above = (worst_case(request, CARD, size) for size in (tokens, tokens + 1))
    assert fits is not None
    assert above is not None
    assert none is not None
    assert above > left
    assert fits <= max(left, none)


def test_unknown_prices_and_free_models() -> None:
    unpriced, free = replace(CARD, prices=None), replace(CARD, prices=FREE)
    assert worst_case(asking(), unpriced, 100) is None
    assert affordable(asking(), unpriced, D(9)) == 0
    assert worst_case(asking(), free, 10**9) == 0
    assert is_free(FREE)
    assert not is_free(replace(FREE, long_context=((10, PRICES),)))


def test_the_context_has_room_for_what_the_prompt_leaves() -> None:
    assert room(asking(), CARD) is None
    prompt = "word " * 800
    left = room(asking(prompt), replace(CARD, context=2000))
    assert left is not None
    assert 0 < left <= 2000 - count_tokens(prompt)
    assert room(asking("word " * 8000), replace(CARD, context=2000)) == 0
