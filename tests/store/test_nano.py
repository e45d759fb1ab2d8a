"""Dollars and nano-dollars: exact where they can be, and never too little."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_nb.store.nano import limit_to_nano, to_dollars, to_nano


@given(st.integers(0, 10**15))
def test_nano_dollars_come_back_as_they_were(nano: int) -> None:
    assert to_nano(to_dollars(nano)) == limit_to_nano(to_dollars(nano)) == nano


@given(st.decimals(min_value=0, max_value=1000, places=14))
def test_costs_are_rounded_up_and_limits_down(amount: Decimal) -> None:
    cost, limit = to_dollars(to_nano(amount)), to_dollars(limit_to_nano(amount))
    assert limit <= amount <= cost
    assert cost - limit <= Decimal("1e-9")


def test_a_price_beyond_sense_fits_into_the_file() -> None:
    assert to_nano(Decimal("1e300")) == to_nano(Decimal("2e6")) == 10**15


@pytest.mark.parametrize("limit", ["1e9", "1e14"])
def test_a_limit_beyond_sense_stays_what_it_is(limit: str) -> None:
    assert limit_to_nano(Decimal(limit)) == int(Decimal(limit)) * 10**9
