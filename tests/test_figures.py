"""Figures as people read them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from orch_nb.figures import columns, count, dollars, gigabytes, seconds, size, whole


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (1500, "1.5 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (2 * 10**6, "2.0 MB"),
        (999_949_999, "999.9 MB"),
        (999_999_999, "1.0 GB"),
        (10**9, "1.0 GB"),
    ],
)
def test_sizes(number: int, text: str) -> None:
    assert size(number) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, "—"), ("0", "$0"), ("0.00", "$0"), ("1E-9", "$0.0000000010"),
        ("0.000012345", "$0.000012"), ("0.0099995", "$0.010"), ("0.012", "$0.012"),
        ("0.0996", "$0.10"), ("0.5", "$0.50"), ("0.994", "$0.99"), ("0.995", "$1.00"),
        ("0.999999", "$1.00"), ("1", "$1.00"), ("9.995", "$10.00"), ("12345", "$12345.00"),
        ("1E+1", "$10.00"),
    ],
)  # fmt: skip
def test_dollars(amount: str | None, text: str) -> None:
    assert dollars(None if amount is None else Decimal(amount)) == text


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (None, "—"), (0.0, "0 s"), (0.0003, "<0.1 s"), (0.0499, "<0.1 s"), (0.05, "0.1 s"),
        (9.94, "9.9 s"), (9.95, "10 s"), (10.4, "10 s"), (3600.0, "3600 s"),
    ],
)  # fmt: skip
def test_seconds(time: float | None, text: str) -> None:
    assert seconds(time) == text


def test_counts_and_memory() -> None:
    assert [count(number, "row") for number in (0, 1, 2)] == ["0 rows", "1 row", "2 rows"]
    assert count(12_345, "row") == "12 345 rows"
    assert [whole(number) for number in (0, 999, 1000, 1_234_567)] == [
        "0",
        "999",
        "1 000",
        "1 234 567",
    ]
    assert gigabytes(5_460_000_000) == "5.5 GB"


def test_columns_stand_below_one_another() -> None:
    assert columns([["a", "b"], ["long", ""]]) == ["a     b", "long"]
