"""How long an answer is expected to be."""

from __future__ import annotations

import pytest

from orch_nb.routing.analyse import analyse
from orch_nb.types import Message, Request


def expected(prompt: str) -> tuple[int, str]:
    """Expected tokens, and the words of the prompt that asked for them."""
    found = analyse(Request((Message("user", prompt),)))
    said = [line for line in found.evidence if line.startswith("answer of about")]
    return found.output_tokens, said[0].partition(": ")[2].strip("'") if said else ""


@pytest.mark.parametrize(
    ("prompt", "tokens"),
    [
        ("Write 100 tokens about tea", 100),
        ("exactly 100 tokens", 100),
        ("Describe tea in 100 words", 133),
        ("Explain tea in two sentences.", 40),
        ("a list of 5 fruits", 125),
        ("Give me five good ideas for dinner", 125),
        ("a 200-word story about a cat", 267),
        ("1,000 words on bees", 1333),
        ("Write a paragraph on ants", 100),
        ("Write 5 new sentences", 100),
        ("An essay on ants, 2 pages", 1333),
        ("Explain it in 3-5 bullet points", 125),
        ("Schreibe 100 Wörter über Tee", 133),
        ("Erkläre das in drei Sätzen", 60),
        ("Résume ce texte en deux phrases", 40),
        ("Explica esto en 100 palabras", 133),
    ],
)
def test_a_length_that_is_asked_for(prompt: str, tokens: int) -> None:
    found, said = expected(prompt)
    assert found == tokens
    assert said


@pytest.mark.parametrize(
    "prompt",
    [
        "I have a question",
        "My text has 300 words that are wrong",
        "These 300 sentences are labelled, what now?",
        "Lena reads 20 pages on each weekday. How many in a week?",
        "At one point he left",
        "I have three questions.",
        "What do these 12 words mean? Are the 12 words English words",
        "Write 99999999 words",
        "How many tokens are there?",
    ],
)
def test_a_number_that_is_only_told_of(prompt: str) -> None:
    assert expected(prompt)[1] == ""


def test_a_translation_is_as_long_as_its_text_and_a_summary_never_longer() -> None:
    text = "The meeting has been moved to Thursday because two colleagues are ill. " * 40
    assert expected(f"Translate: {text}")[0] > 500
    assert expected("Translate: hello")[0] < 10
    assert expected(f"Summarise: {text}")[0] == 200
    assert expected("Summarise: it rained.")[0] == 30
