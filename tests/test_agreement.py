"""What a text answers in short, and when two texts answer the same."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_nb.agreement import agree, short_answer

NUMBERS = {
    "42": "42",
    "$1,234.50": "1234.5",
    "40 cups": "40",
    "15%": "15",
    "-$5": "-5",
    "−3": "-3",
    "3/4": "0.75",
    "1e3": "1000",
    "0": "0",
    "The answer is 42.": "42",
    "The answer is:\n\n42": "42",
    "The answer is 42 because six times seven is that.": "42",
    "Long reasoning with 7 and 8.\n#### 60 minutes\n\n": "60",
    "so \\(x = \\boxed{\\frac{3}{4}}\\).": "0.75",
    "The answer is 3. Wait, it is \\boxed{4}": "4",
    '{"reasoning": "it is 3, no", "answer": "42"}': "42",
    "7 * 6 = 40 + 2 = 42": "42",
    "First 60 - 40.\n\nSo, Wendi needs to give her chickens 20 cups in the final meal.": "20",
    "Therefore, she has **20** cups.": "20",
    "Then 3 * 60.\nHe is still 180 - 135 = 45 miles.": "45",
}
WORDS = {
    "(B)": "B",
    "Answer: B": "B",
    "The correct answer is (c) Paris, because it is.": "C",
    "B) Paris": "B",
    "Yes.": "yes",
    "TRUE": "true",
    "The answer is **Paris**.": "paris",
    "'abc'": "abc",
    "aBc": "aBc",
    "''": "''",
    "[1,2]": "[1, 2]",
    '{"a": true}': "{'a': True}",
    "('[2]', 'a')": "('[2]', 'a')",
    "2021-03-04": "2021-03-04",
}
NOTHING = (
    "",
    "  \n ",
    "None",
    "null",
    "I do not know.",
    "Let me think about this for a while. " * 20,
    "So it is 3 or 4, depending on what is meant by all of these words in here.\nWho knows? " * 3,
    "9" * 500,
)


@pytest.mark.parametrize(("text", "number"), NUMBERS.items())
def test_numbers(text: str, number: str) -> None:
    assert short_answer(text) == Decimal(number)


@pytest.mark.parametrize(("text", "answer"), WORDS.items())
def test_choices_words_and_literals(text: str, answer: str) -> None:
    assert short_answer(text) == answer


@pytest.mark.parametrize("text", NOTHING)
def test_what_is_no_short_answer_agrees_with_nothing(text: str) -> None:
    assert short_answer(text) is None
    assert not agree(text, text)


def test_the_same_answer_in_other_words() -> None:
    assert agree("#### 0", "It comes to 3 - 3 = 0.")
    assert agree("The answer is 1,000 dollars.", "\\boxed{1000}")
    assert agree("{2, 1}", "{1, 2}")
    assert agree("3.33", "3.3333")
    assert not agree("3.3", "3.33")
    assert not agree("[1, 2]", "{1, 2}")
    assert agree("Nancy", "nancy.")
    assert not agree("42", "43")
    assert not agree("aBc", "abc")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "[" + "-" * 1900 + "1]",
        "[" + "1+" * 900 + "1]",
        "[10**10**10]",
        "answer is " * 10_000,
        "answer of " + "a " * 50_000,
        "\\boxed{" * 15_000,
        "\\text{" * 15_000,
        "#" * 100_000,
        " " * 100_000,
        '"answer":"' * 10_000,
        "1e999",
        "1/" + "9" * 30,
        "__import__('os').abort()",
        "\ud800",
    ],
)
def test_hostile_text_is_only_text(text: str) -> None:
    short_answer(text)


@given(st.text(max_size=300))
def test_every_text_agrees_with_itself_or_has_no_answer(text: str) -> None:
    assert agree(text, text) == (short_answer(text) is not None)


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=3
    )
)
def test_every_number_is_found_behind_its_mark(number: Decimal) -> None:
    assert short_answer(f"so\n#### ${number:,}") == number
    assert short_answer(f"The answer is {number}.") == number
