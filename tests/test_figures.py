"""Figures as people read them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from orch_nb.figures import columns, count, dollars, gigabytes, seconds, size


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1500, "1.5 kB"),
        (2 * 10**6, "2.0 MB"),
        (10**9, "1.0 GB"),
    ],
)
def test_sizes(number: int, text: str) -> None:
    assert size(number) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, "—"),
        ("0", "$0"),
        ("0.000012345", "$0.000012"),
        ("0.5", "$0.50"),
        ("0.996", "$1.00"),
        ("1234.5", "$1234.50"),
    ],
)
def test_dollars(amount: str | None, text: str) -> None:
    assert dollars(None if amount is None else Decimal(amount)) == text


@pytest.mark.parametrize(("time", "text"), [(None, "—"), (9.94, "9.9 s"), (9.96, "10 s")])
def test_seconds(time: float | None, text: str) -> None:
    assert seconds(time) == text


def test_counts_and_memory() -> None:
    assert [count(number, "row") for number in (0, 1, 2)] == ["0 rows", "1 row", "2 rows"]
    assert gigabytes(5_460_000_000) == "5.5 GB"


def test_columns_stand_below_one_another() -> None:
    assert columns([["a", "b"], ["long", ""]]) == ["a     b", "long"]
