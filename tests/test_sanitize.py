"""Text that is shown: nothing hidden, no secret, one line where one is wanted."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_nb.sanitize import mask, one_line, visible

ANY = st.text(st.characters())  # lone surrogates as well


@given(ANY)
def test_nothing_that_steers_a_terminal_or_a_reader_is_left(text: str) -> None:
    shown = visible(text)
    shown.encode("utf-8")
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cs") and c not in "\t\n"]
    assert not [c for c in shown if unicodedata.bidirectional(c) in ("RLO", "LRO", "RLI", "PDF")]


@given(ANY)
def test_what_is_visible_stays_as_it_is(text: str) -> None:
    assert visible(visible(text)) == visible(text)


@pytest.mark.parametrize(
    "text",
    [
        "plain\ttext\n",
        "Öresund, 東京, العربية, हिन्दी",
        "می\u200cخواهم",  # Persian needs its joiner
        "क्\u200dष",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f",
        "e\u0301",
    ],
)
def test_scripts_and_emoji_are_left_alone(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\rb", "a\\rb"),
        ("a\r\nb", "a\nb"),
        ("\x00\x7f\x9b", "\\x00\\x7f\\x9b"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("pay\u200bpal", "pay\\u200bpal"),
        ("pay\u200cpal", "pay\\u200cpal"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        ("\u2028", "\\u2028"),
        ("\U000e0041", "\\ue0041"),
        ("\ud83d", "\\ud83d"),
        ("\ufeff", "\\ufeff"),
    ],
)
def test_what_hides_is_spelled_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(ANY, st.integers(1, 300))
def test_one_line_is_one_line_of_at_most_the_limit(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert len(line) <= limit
    assert line.splitlines() in ([], [line])


def test_one_line_says_that_it_was_cut() -> None:
    assert one_line("a\n\n b\tc") == "a b c"
    assert one_line("x" * 300) == "x" * 199 + "…"


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: sk-proj-abc123DEF.",
        "Authorization: Bearer eyJhbGciOiJI.eyJzdWIi",
        "used xai-0123456789 here",
        "gsk_0123456789abcdef",
    ],
)
def test_what_looks_like_a_key_is_masked(text: str) -> None:
    masked = mask(text)
    assert "•••" in masked
    assert not {"abc123DEF", "eyJhbGciOiJI", "0123456789"} & set(masked.replace(".", " ").split())
    assert "0123456789" not in masked


def test_the_given_secrets_are_masked_wherever_they_stand() -> None:
    assert mask("no:hunter22, yes:hunter22!", ["hunter22"]) == "no:•••, yes:•••!"
    assert mask("a ab abc", ["a", ""]) == "a ab abc"  # too short to be one


@pytest.mark.parametrize("end", ["", "…"])
def test_a_secret_that_was_cut_is_masked_too(end: str) -> None:
    for size in (6, 7):
        assert mask("no: " + "hunter22"[:size] + end, ["hunter22"]) == "no: •••"
    assert mask(f"no: hun{end}", ["hunter22"]) == f"no: hun{end}"
    assert mask("hunt for it", ["hunter22"]) == "hunt for it"


@pytest.mark.parametrize("text", ["a task-oriented desk-bound risk", "the key-value store"])
def test_words_are_no_keys(text: str) -> None:
    assert mask(text) == text
