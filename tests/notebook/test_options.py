"""One line becomes options and a prompt, or one error."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_nb.errors import InputError, OrchError, UnknownNameError
from orch_nb.notebook.magics import ORCH, SELECT
from orch_nb.notebook.options import Option, Options

PIECES = st.sampled_from(
    [*ORCH.flags, *SELECT.flags, "--", "-", "=", " ", "'", '"', "\\", "\n", "\t", "\x1c", "\u2003",
     "0", "-1", "x", "{{ y }}", "#", "cost=1", "?", ",", "é"]
)  # fmt: skip


def given_in(line: str) -> dict[str, Any]:
    """The options of `line` that are not at their defaults."""
    return {name: value for name, value in vars(ORCH.parse(line)[0]).items() if value}


@pytest.mark.parametrize(
    ("line", "options", "prompt"),
    [
        ("", {}, ""),
        ("Name three rivers.", {}, "Name three rivers."),
        ("-s cost Why?", {"strategy": "cost"}, "Why?"),
        ("--strategy=cost Why?", {"strategy": "cost"}, "Why?"),
        ("-s=cost Why?", {"strategy": "cost"}, "Why?"),
        ("-m a:llama3.1:8b hi", {"model": "a:llama3.1:8b"}, "hi"),
        ("--system 'Be brief, don''t' hi", {"system": "Be brief, dont"}, "hi"),
        ('--system "it\'s \\"so\\"" hi', {"system": 'it\'s "so"'}, "hi"),
        ('--system="two words" hi', {"system": "two words"}, "hi"),
        ("--system '' hi", {}, "hi"),
        ("--dry-run --quiet hi", {"dry_run": True, "quiet": True}, "hi"),
        ("--max-tokens 7 -o answer hi", {"max_tokens": 7, "out": "answer"}, "hi"),
        ("--temperature -1 hi", {"temperature": -1.0}, "hi"),
        ("--temperature=1e-1 hi", {"temperature": 0.1}, "hi"),
        ("--image a.png --image 'b c.png' hi", {"image": ["a.png", "b c.png"]}, "hi"),
        ("--seed 0 --schema Place hi", {"schema": "Place"}, "hi"),
        ("--seed=7 --effort low hi", {"seed": 7, "effort": "low"}, "hi"),
        ("  --quiet   hi  there ", {"quiet": True}, "hi  there"),
        # nothing in a prompt is an option or a quotation
        ('What\'s "this"?', {}, 'What\'s "this"?'),
        ("it's", {}, "it's"),
        ("list --quiet -m x", {}, "list --quiet -m x"),
        ("--quiet it's --loud", {"quiet": True}, "it's --loud"),
        ("# heading", {}, "# heading"),
        ("-- -5 + 3?", {}, "-5 + 3?"),
        ("--quiet -- --quiet", {"quiet": True}, "--quiet"),
        ("--", {}, ""),
        ('{"a": [1, {}]} \\n', {}, '{"a": [1, {}]} \\n'),
    ],
)
def test_options_come_first_and_the_prompt_stays(
    line: str, options: dict[str, Any], prompt: str
) -> None:
    assert given_in(line) == options
    assert ORCH.parse(line)[1] == prompt


def test_zero_and_nothing_differ() -> None:
    assert ORCH.parse("--temperature 0 hi")[0].temperature == 0.0
    assert ORCH.parse("hi")[0].temperature is None
    assert ORCH.parse("--seed 0 hi")[0].seed == 0
    assert ORCH.parse("--system '' hi")[0].system == ""


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--modle x hi", "unknown option '--modle'; did you mean --model or --tool?"),
        ("-5 + 3", "unknown option '-5'"),
        ("-5 + 3", "a prompt that begins with - stands after --"),
        ("-m", "-m needs a value"),
        ("--system", "--system needs a value"),
        ("--system 'open", "a quotation mark is not closed"),
        ("--seed x hi", "--seed: 'x' is no whole number"),
        ("--max-cost cheap hi", "--max-cost: 'cheap' is no number"),
        ("--image", "--image needs a value"),
        ("--image -- hi", "--image needs a value, and -- is none"),
        ("--max-tokens many hi", "'many' is no whole number"),
        ("--max-tokens 1.5 hi", "'1.5' is no whole number"),
        ("--temperature warm hi", "'warm' is no number"),
        ("--temperature nan hi", "'nan' is no number"),
        ("-o 1x hi", "'1x' is no name for a variable"),
        ("-o a.b hi", "'a.b' is no name for a variable"),
        ("-o class hi", "'class' is no name for a variable"),
        ("--out= hi", "'' is no name for a variable"),
        ("--quiet=yes hi", "%orch? shows how it is used"),
    ],
)
def test_what_is_wrong_is_said(line: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        ORCH.parse(line)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("options", [ORCH, SELECT])
@pytest.mark.parametrize("line", ["{} -- hi", "{}=-- hi", "{} '--' hi"])
def test_two_dashes_are_no_value(options: Any, line: str) -> None:
    for flag in options.flags:
        if options.find(flag).metavar is not None:
            with pytest.raises(InputError, match=f"{flag} needs a value, and -- is none"):
                options.parse(line.format(flag))


def test_weights() -> None:
    assert SELECT.parse("--weights cost=6,quality=3")[0].weights == {"cost": 6.0, "quality": 3.0}
    assert SELECT.parse("--weights='cost = .5'")[0].weights == {"cost": 0.5}
    with pytest.raises(UnknownNameError, match=r"unknown weight 'price'.*cost, quality, speed"):
        SELECT.parse("--weights price=1")
    with pytest.raises(InputError, match="'cost' has no number; write cost=6,quality=3"):
        SELECT.parse("--weights cost")
    with pytest.raises(InputError, match="'inf' is no number"):
        SELECT.parse("--weights cost=inf")


@pytest.mark.parametrize("options", [ORCH, SELECT])
def test_help_names_every_flag(options: Any) -> None:
    assert [flag for flag in options.flags if flag not in options.help] == []


@given(st.text() | st.lists(PIECES).map("".join) | st.lists(PIECES).map(" ".join))
def test_any_line_is_read_or_refused(line: str) -> None:
    for options in (ORCH, SELECT):
        try:
            read = options.parse(line)
        except OrchError:
            continue
        assert isinstance(read[0], Namespace)
        assert read[1] == read[1].strip()
        assert line.rstrip().endswith(read[1])


def test_percent_signs_in_a_help_text_are_shown() -> None:
    said = Options(
        "%orch", (Option(("--share",), "P", "50% (of %s)"), Option(("--all",), None, "%"))
    )
    assert "50% (of %s)" in said.help
    assert said.parse("--share=1 hi")[1] == "hi"
