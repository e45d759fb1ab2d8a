"""Which statements of a text are computed again, and which are wrong."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_nb.arithmetic import wrong_statements

RIGHT = (
    "12 * 3 = 36",
    "$5 x 3 = $15",
    "48/2 = 24",
    "1,200 + 300 = 1,500",
    "10/3 = 3.33",
    "3.33 * 3 = 10",
    "50 / 13 = <<50/13=3.846153846153846>>3.85",
    "20% of 50 = 10",
    "1/4 = 25%",
    "2 * 3 = 6 = 12 / 2",
    "300 / 4 = 75 * 2 = 150",
    "80 / 120 = 2/3 of an hour",
    "2^10 = 1024",
    "10 / 3 is about 10 / 3 = 3",
    "- 3 + 4 = 7",
)
WRONG = {
    "12 * 3 = 38": "12 * 3 = 38",
    "So 40 + 20 = 70 minutes.": "40 + 20 = 70",
    "$5 × 3 = $16": "$5 * 3 = $16",
    "1,200 + 300 = 1,600": "1,200 + 300 = 1,600",
    "120 \\* 2 = <<120*2=250>>250": "120*2 = 250",
    "(1 + 2) * 3 = 10": "(1 + 2) * 3 = 10",
    "80/120=3/4": "80/120 = 3/4",
    "20% of 50 = 12": "20% of 50 = 12",
    "10/4 = 2.55": "10/4 = 2.55",
}
UNREADABLE = (
    "x = 5",
    "y + 3 * 2 = 10",
    "f(2) + 3 = 9",
    "7 / 2 = 3 1/2",
    "17 / 5 = 3 remainder 2",
    "17 / 5 = 3 R2",
    "1,5 + 2 = 3,5",
    "12 + 1 = 3x",
    "2 + 2 = 5 * x",
    "5 + 3 != 9",
    "5 - 3 <= 1",
    "5 / 0 = 1",
    "100 + 10% = 110",
    "-2^2 = 4",
    "9^9^9^9 = 1",
    "2^99999999 = 1",
    "= = =",
)


@pytest.mark.parametrize("text", [*RIGHT, *UNREADABLE])
def test_what_holds_or_cannot_be_read_is_not_wrong(text: str) -> None:
    assert wrong_statements(text) == []


@pytest.mark.parametrize(("text", "statement"), WRONG.items())
def test_what_does_not_hold_is_told(text: str, statement: str) -> None:
    assert statement in wrong_statements(text)


def test_statements_come_in_order() -> None:
    assert wrong_statements("1 + 1 = 3\n2 + 2 = 4\n2 * 2 = 5 = 6") == ["1 + 1 = 3", "2 * 2 = 5"]


@pytest.mark.parametrize(
    "text",
    [
        "1+" * 50_000 + "1=3",
        "(" * 100_000 + "=1",
        "= " * 50_000,
        "1=1" * 30_000,
        "9" * 100_000 + "*9=1",
    ],
)
def test_hostile_text_is_only_text(text: str) -> None:
    assert wrong_statements(text) == []


amounts = st.integers(0, 10**6)


@given(amounts, amounts, st.sampled_from("+-*/×x"), st.integers(0, 6))
def test_true_statements_are_never_flagged(left: int, right: int, sign: str, places: int) -> None:
    if sign == "/" and right == 0:
        return
    values = {"+": left + right, "-": left - right, "/": Fraction(left, right or 1)}
    value = Fraction(values.get(sign, left * right))
    shown = f"{float(value):,.{places}f}" if value.denominator > 1 and places else f"{value}"
    for text in (
        f"{left} {sign} {right} = {shown}",
        f"So ${left:,} {sign} ${right:,} = ${shown}.",
        f"- it is ({left} {sign} {right}) = {shown} apples, and so on",
        f"<<{left} {sign} {right}={shown}>>{shown}",
    ):
        assert wrong_statements(text) == []


@given(amounts, amounts, st.integers(1, 10**6))
def test_false_sums_are_flagged(left: int, right: int, off: int) -> None:
    assert wrong_statements(f"Then {left} + {right} = {left + right + off}.")


@given(st.text(alphabet="0123456789+-*/^()=%x .,$", max_size=200))
def test_any_text_is_read(text: str) -> None:
    wrong_statements(text)
