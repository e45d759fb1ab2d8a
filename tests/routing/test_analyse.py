"""The kind of a prompt, and what it is expected to take."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_nb.registry.tokens import count_tokens
from orch_nb.routing.analyse import analyse
from orch_nb.types import Message, Parameters, Request


def request(prompt: str, max_tokens: int | None = None, system: str | None = None) -> Request:
    return Request((Message("user", prompt),), system, Parameters(max_tokens=max_tokens))


@pytest.mark.parametrize(
    ("prompt", "kind"),
    [
        ("Hello, how are you?", "chat"),
        ("", "chat"),
        ("Fix this bug in my function", "code"),
        ("What does this do?\n```\nx = 1\n```", "code"),
        ("Write a SQL query for all users", "code"),
        ("Translate to German: good morning", "translation"),
        ("SUMMARISE this report", "summary"),
        ("Explain the data in two sentences.", "summary"),
        ("Extract the dates as JSON", "extraction"),
        ("Solve the equation for x", "math"),
        ("What is 17 * 23", "math"),
        ("Compare these two plans", "analysis"),
        ("A haiku about rain", "creative"),
    ],
)
def test_the_kind_is_read_from_the_words_and_says_from_which(prompt: str, kind: str) -> None:
    profile = analyse(request(prompt))
    assert profile.kind == kind
    (evidence,) = profile.evidence
    assert evidence.startswith(f"{kind}: ")


def test_system_and_earlier_turns_are_input() -> None:
    turns = (Message("user", "a" * 40), Message("assistant", "b" * 40), Message("user", "c" * 40))
    assert analyse(Request(turns, "d" * 40)).input_tokens == 40
    assert analyse(request("c" * 40)).input_tokens == 10


def test_max_tokens_bounds_the_expected_output() -> None:
    usual = analyse(request("Hello")).output_tokens
    assert analyse(request("Hello", max_tokens=7)).output_tokens == 7
    assert analyse(request("Hello", max_tokens=10**6)).output_tokens == usual


@given(st.text())
def test_any_text_has_a_profile_and_the_same_each_time(prompt: str) -> None:
    profile = analyse(request(prompt))
    assert profile == analyse(request(prompt))
    assert profile.input_tokens == count_tokens(prompt)
    assert profile.output_tokens > 0


@given(st.text(), st.text())
def test_more_text_is_never_fewer_tokens(one: str, other: str) -> None:
    assert count_tokens(one + other) >= max(count_tokens(one), count_tokens(other))
    assert count_tokens(one) <= len(one)
