"""What a prompt asks for and is expected to take."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_nb.registry.tokens import count_tokens
from orch_nb.routing.analyse import analyse
from orch_nb.types import (
    TASKS,
    Image,
    Message,
    Parameters,
    Request,
    Schema,
    TaskProfile,
    Tool,
    Wants,
)


def request(prompt: str, max_tokens: int | None = None, system: str | None = None) -> Request:
    return Request((Message("user", prompt),), system, Parameters(max_tokens=max_tokens))


def profile(prompt: str) -> TaskProfile:
    return analyse(request(prompt))


@pytest.mark.parametrize(
    ("prompt", "kind"),
    [
        ("Hello, how are you?", "chat"),
        ("", "chat"),
        ("?!", "chat"),
        ("Fix this bug in my function", "code"),
        ("What does this do?\n```\nx = 1\n```", "code"),
        ("Write a SQL query for all users", "code"),
        ("ValueError: could not convert string to float: 'a'", "code"),
        ("Translate to German: good morning", "translation"),
        ("SUMMARISE this report", "summary"),
        ("Explain the data in two sentences.", "summary"),
        ("Extract the dates as JSON", "extraction"),
        ("Solve the equation for x", "math"),
        ("What is 17 * 23", "math"),
        ("Compare these two plans", "analysis"),
        ("A haiku about rain", "creative"),
        ("Plan a trip to Rome", "planning"),
        ("Schreibe ein Gedicht über den Winter", "creative"),
        ("Übersetze diesen Brief ins Englische", "translation"),
        ("Traduis cette lettre en anglais", "translation"),
        ("Fasse diesen Artikel zusammen", "summary"),
        ("Résume ce chapitre", "summary"),
        ("Resume este capítulo en dos frases", "summary"),
        ("Écris une fonction Python qui inverse une liste", "code"),
        ("Programmiere eine Funktion in Python", "code"),
        ("Resuelve la ecuación 2x = 6", "math"),
    ],
)
def test_the_kind_is_read_from_the_words_and_says_from_which(prompt: str, kind: str) -> None:
    found = profile(prompt)
    assert found.kind == kind
    assert found.evidence[0].startswith(f"{kind}: ")


@pytest.mark.parametrize(
    ("prompt", "wrong"),
    [
        ("What chart should I use?", "creative"),
        ("let me know when it is done", "code"),
        ("Tell me about the class of 2020", "code"),
        ("import duties on steel", "code"),
        ("what function does the liver have", "code"),
        ("The class action lawsuit, what's next?", "code"),
        ("What return can I expect on bonds?", "code"),
        ("I'd like to string pearls, how?", "code"),
        ("Is rust dangerous on a car?", "code"),
        ("What is the population of Java?", "code"),
        ("Translate this into Python: for i = 1 to 10 print i", "translation"),
        ("Who is in charge of translation at the UN?", "code"),
        ("Summarise this log:\n```\n12:00 started\n```", "code"),
    ],
)
def test_words_that_only_sound_like_a_kind(prompt: str, wrong: str) -> None:
    assert profile(prompt).kind != wrong


TABLE = "\n\n| | age |\n|:--|--:|\n| mean | 41.2 |\n| std | 3.1 |\n\n"
ARTICLE = (
    "The council met to discuss the plan for the tram, and why the function of steel rose. " * 40
)
LONG_LINES = "\n".join([ARTICLE[:600]] * 4)


@pytest.mark.parametrize(
    ("prompt", "kind"),
    [
        (f"Explain {TABLE} in two sentences.", "summary"),
        (f"What stands out here? {TABLE}", "analysis"),
        (f"Here is my data: {TABLE} Plot it with matplotlib", "code"),
        (f"Summarise the article below.\n\n{ARTICLE}", "summary"),
        (f"{ARTICLE}\n\nSummarise this.", "summary"),
        (f"{LONG_LINES}\nList all names as JSON.", "extraction"),
        (f"Translate into German:\n{LONG_LINES}", "translation"),
        (f"{ARTICLE}\nTranslate this into German.", "translation"),
    ],
)
def test_what_is_wanted_stands_before_or_after_the_material(prompt: str, kind: str) -> None:
    assert profile(prompt).kind == kind


def test_what_is_sure_outweighs_what_was_learned() -> None:
    code = "def tell(story):\n    return translate(story)"
    assert profile(code).evidence[0] == "code: a definition"
    assert profile(f"Make this a poem:\n```\n{code}\n```").evidence[0] == "code: a fence"
    picture = Message("user", "Translate this", (Image("image/png", ""),))
    assert analyse(Request((picture,))).kind == "vision"
    assert analyse(Request((picture,), wants=Wants(task="math"))).kind == "math"


def test_evidence_names_the_words_that_spoke() -> None:
    (kind, *_) = profile("Why does pandas raise a traceback here?").evidence
    assert "'pandas', 'traceback'" in kind


def test_needs_come_from_what_is_given_and_not_from_words() -> None:
    assert not profile("Call a tool, look at the image, answer in JSON").needs
    tool = Tool("f", "", {})
    picture = Message("user", "x", (Image("image/png", ""),))
    asked = Request((picture,), schema=Schema("a", {}), tools=(tool,))
    assert analyse(asked).needs == {"vision", "json", "tools"}


def test_system_and_earlier_turns_are_input() -> None:
    turns = tuple(Message("user", letter * 40) for letter in "abc")
    assert analyse(Request(turns, "d" * 40)).input_tokens == 4 * count_tokens("a" * 40)
    assert profile("c" * 40).input_tokens == count_tokens("c" * 40)


def test_max_tokens_bounds_the_expected_output() -> None:
    usual = profile("Hello").output_tokens
    assert analyse(request("Hello", max_tokens=7)).output_tokens == 7
    assert analyse(request("Hello", max_tokens=10**6)).output_tokens == usual


def test_harder_prompts_are_called_harder() -> None:
    riddle = (
        "There are 5 houses, each with another colour. The owner of the red one never drinks tea "
        "unless it rains, and lives left of the house with 2 dogs. Prove who owns the fish."
    )
    levels = [profile(text).difficulty for text in ("Hello", "Who owns the fish?", riddle)]
    assert levels == sorted(levels)
    assert 0 <= levels[0] < 0.2
    assert 0.6 < levels[2] <= 1
    assert "conditions" in profile(riddle).evidence[1]
    assert "a proof" in profile(riddle).evidence[1]


@given(st.text())
def test_any_text_has_a_profile_and_the_same_each_time(prompt: str) -> None:
    found = profile(prompt)
    assert found == profile(prompt)
    assert found.kind in TASKS
    assert found.input_tokens == count_tokens(prompt)
    assert found.output_tokens > 0
    assert 0 <= found.difficulty <= 1
    assert len(found.language) in (0, 2)


HOSTILE = [
    "a",
    "1 ",
    "(",
    "a.b(",
    "select ",
    "$",
    "\n",
    "import a.",
    "x = [ ",
    "```",
    "漢",
    "def a",
    "1,000 words ",
    "\ud800",
    "1",
    "list of ",
    "ﬃ",
    "\\frac{",
    "def ",
    " ",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_only_both_ends_of_a_long_prompt_are_read(piece: str) -> None:
    """What lies between is counted and never searched, so that no pattern can be slow on it."""
    ends = "Translate this. ", " Give me the translation."
    short, long = (
        profile(piece.join(ends) if n == 0 else ends[0] + piece * n + ends[1])
        for n in (2000, 100_000)
    )
    assert (long.kind, long.evidence[0], long.language) == (
        short.kind,
        short.evidence[0],
        short.language,
    )
    assert long.input_tokens > short.input_tokens
