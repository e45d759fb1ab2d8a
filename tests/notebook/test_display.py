"""What is shown of answers and decisions: complete, in two forms, and inert."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pytest

from orch_nb.errors import AllFailed, InputError, SelectionError, Unreachable
from orch_nb.notebook import display
from orch_nb.notebook.growing import PrintedAnswer
from orch_nb.types import (
    Attempt,
    Cascade,
    Choice,
    Decision,
    Estimate,
    ModelCard,
    Rejection,
    Response,
    TaskProfile,
    ToolCall,
    Usage,
)
from shells.here import Shell
from stub.client import Stub

HOSTILE = "x<img src=x onerror=alert(1)>\x1b[31m\u202e\n**b** $y$ \ud800"
CARD = ModelCard("a", "one", tier=0.5, tier_source="snapshot")


def decided(name: str = "one", reason: str = "cheapest", **changes: Any) -> Decision:
    choice = Choice(
        replace(CARD, name=name),
        0.5,
        {"cost": 0.25, "quality": 0.5, "speed": 1.0},
        Estimate(Decimal("0.0012"), 1.25),
        reason,
    )
    made = Decision("cost", "strategy", TaskProfile("chat", 10, 20), (choice,))
    return replace(made, **changes)


def answered(text: str = "An **answer**.", **changes: Any) -> Response:
    response = Response(
        text=text,
        model="a:one",
        usage=Usage(10, 20, 4),
        cost=Decimal("0.0012"),
        finish="stop",
        seconds=1.25,
        ttft=0.5,
        cached=False,
        decision=decided(),
        attempts=(Attempt("a:one", 1.25),),
    )
    return replace(response, **changes)


class Tags(HTMLParser):
    def __init__(self, body: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.text = ""
        self.feed(body.rpartition("</style>")[2])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert {name for name, _ in attrs} <= {"style", "class"}
        self.found.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def assert_inert(bundle: display.Bundle) -> None:
    """Both forms show the hostile words, and neither obeys them."""
    assert set(bundle) == {"text/html", "text/plain"}
    tags = Tags(bundle["text/html"])
    assert not tags.found & {"img", "script", "b"}
    for shown in (tags.text, bundle["text/plain"]):
        assert "<img src=x onerror=alert(1)>" in shown
        assert "\\x1b[31m" in shown
        assert not set("\x1b\u202e\ud800") & set(shown)
    json.dumps(bundle).encode("utf-8")


# -- answers


def test_both_forms_say_the_same() -> None:
    bundle, _ = display.answer(answered())
    line = "a:one · $0.0012 · 1.2 s · 10→20 tokens"
    assert bundle["text/plain"] == f"An **answer**.\n\n{line}"
    assert Tags(bundle["text/html"]).text == f"An answer.\n{line}"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "a:one · $0.0012 · 1.2 s · 10→20 tokens"),
        ({"cached": True}, "a:one · $0.0012 · 1.2 s · 10→20 tokens · cached"),
        ({"cost": None}, "a:one · — · 1.2 s · 10→20 tokens"),
        ({"cost": Decimal(0)}, "a:one · $0 · 1.2 s · 10→20 tokens"),
        (
            {"usage": Usage(10, 20, source="estimated")},
            "a:one · ~$0.0012 · 1.2 s · ~10→20 tokens",
        ),
        (
            {"usage": Usage(10, 20, source="estimated"), "cost": None},
            "a:one · — · 1.2 s · ~10→20 tokens",
        ),
        (
            {"finish": "length"},
            "a:one · $0.0012 · 1.2 s · 10→20 tokens · cut short, raise --max-tokens",
        ),
        ({"finish": "interrupted"}, "a:one · $0.0012 · 1.2 s · 10→20 tokens · interrupted"),
        ({"simulated": True}, "a:one · $0.0012 · 1.2 s · 10→20 tokens · simulated"),
        (
            {"attempts": (Attempt("b:two", 1.0, "…", "429"), Attempt("a:one", 1.25))},
            "a:one · $0.0012 · 1.2 s · 10→20 tokens · b:two (429) → a:one",
        ),
    ],
)
def test_the_quiet_line(changes: dict[str, Any], line: str) -> None:
    assert display.summary(answered(**changes)) == line


def test_a_simulated_answer_says_how_to_get_a_real_one() -> None:
    chosen, named = decided(), decided(source="explicit model")
    for decision, told in ((chosen, True), (named, False)):
        bundle, _ = display.answer(answered(simulated=True, decision=decision))
        for form in bundle.values():
            assert ("set OPENAI_API_KEY or ANTHROPIC_API_KEY" in form) is told


def test_provenance_is_complete_and_plain_json() -> None:
    _, metadata = display.answer(answered(cached=True, cost=Decimal("0.1000000000000000000001")))
    assert json.loads(json.dumps(metadata)) == {
        "orch_nb": {
            "model": "a:one",
            "strategy": "cost",
            "source": "strategy",
            "reason": "cheapest",
            "notice": "",
            "cascade": None,
            "cost": "0.1000000000000000000001",
            "billed": "0",
            "seconds": 1.25,
            "ttft": 0.5,
            "input_tokens": 10,
            "output_tokens": 20,
            "cached_tokens": 4,
            "usage_source": "known",
            "cached": True,
            "simulated": False,
            "finish": "stop",
            "attempts": [{"model": "a:one", "cause": None}],
        }
    }


def test_what_the_user_must_be_told_stands_under_the_answer() -> None:
    notice = f"the expert of sql, {HOSTILE}, cannot answer; cost chose instead"
    bundle, metadata = display.answer(answered("hi", decision=decided(notice=notice)))
    assert_inert(bundle)
    assert bundle["text/plain"].splitlines()[-1].startswith("the expert of sql, x<img")
    told = metadata["orch_nb"]["notice"]
    assert "\\x1b[31m" in told
    assert "\x1b" not in told


def test_the_plan_of_a_cascade_goes_along() -> None:
    plan = Cascade((f"a:{HOSTILE}", "b:two"), f"c:{HOSTILE}", "agreement", "tiers")
    _, metadata = display.answer(answered(decision=decided(cascade=plan)))
    kept = json.loads(json.dumps(metadata))["orch_nb"]["cascade"]
    assert (kept["check"], kept["source"], kept["drafts"][1]) == ("agreement", "tiers", "b:two")
    assert not set("\x1b\u202e\ud800") & set(kept["strong"] + kept["drafts"][0])


def test_an_answer_with_an_object_is_code() -> None:
    said = '{"city": "R\\u00f3ma", "code": "```", "tags": [1]}'
    bundle, _ = display.answer(answered(said, parsed=object()))
    laid_out = '{\n  "city": "Róma",\n  "code": "```",\n  "tags": [\n    1\n  ]\n}'
    assert bundle["text/plain"].startswith(f"{laid_out}\n\na:one")
    assert {"pre", "code"} <= Tags(bundle["text/html"]).found
    assert laid_out in Tags(bundle["text/html"]).text
    fenced, _ = display.answer(answered('```json\n{"a": 1}\n```', parsed=object()))
    assert Tags(fenced["text/html"]).text.startswith('{"a": 1}\n')


def test_tools_that_are_asked_for_are_named_and_said_not_to_run() -> None:
    calls = (ToolCall("look_up", {"city": "Róma"}), ToolCall("end", {}))
    bundle, _ = display.answer(answered("", finish="tool", calls=calls))
    lines = ["not run:", 'look_up({"city": "Róma"})', "end({})", ""]
    assert bundle["text/plain"].splitlines()[:4] == lines
    assert Tags(bundle["text/html"]).text.splitlines()[:2] == lines[:2]
    spoken, _ = display.answer(answered("Let me see.", finish="tool", calls=calls))
    assert spoken["text/plain"].startswith("Let me see.\n\nnot run:\n")


# -- hostile names and words


def test_hostile_answers_are_inert() -> None:
    assert_inert(display.answer(answered(HOSTILE))[0])
    calls = (ToolCall(HOSTILE, {HOSTILE: [HOSTILE]}),)
    assert_inert(display.answer(answered("", calls=calls))[0])
    bundle, _ = display.answer(answered(json.dumps({"a": HOSTILE}), parsed=object()))
    assert not Tags(bundle["text/html"]).found & {"img", "script", "b"}
    assert not set("\x1b\u202e\ud800") & set("".join(bundle.values()))


def test_hostile_names_are_inert() -> None:
    trail = (Attempt(f"a:{HOSTILE}", 1.0, HOSTILE, "429"), Attempt("b:x", 1.0))
    named = answered("hi", model=f"a:{HOSTILE}", attempts=trail, decision=decided(HOSTILE, HOSTILE))
    bundle, metadata = display.answer(named)
    assert_inert(bundle)
    assert bundle["text/plain"].count("\n") == 2
    json.dumps(metadata, ensure_ascii=False).encode("utf-8")


@pytest.mark.parametrize(
    "error",
    [
        Unreachable(f"a:{HOSTILE}", "is it up?"),
        SelectionError("no model", [Rejection(f"a:{HOSTILE}", HOSTILE)]),
        AllFailed([Attempt("a:x", 1.0, HOSTILE, "429")]),
        InputError(HOSTILE),
    ],
    ids=lambda error: type(error).__name__,
)
def test_hostile_errors_are_one_line(error: Exception) -> None:
    shown = [str(error), *error._render_traceback_()]  # type: ignore[attr-defined]
    for line in shown:
        assert "\\x1b[31m" in line
        assert not set("\n\x1b\u202e\ud800") & set(line)


def test_a_hostile_listing_is_inert_everywhere(shell: Shell, alpha: Stub) -> None:
    name = HOSTILE.replace("\ud800", "")
    alpha.models("alpha", [name, "plain"])
    cell = shell.run("%orch_select hi")
    assert not set("\x1b\u202e") & set(cell.printed)
    assert "\\x1b[31m" in cell.printed
    wrong = shell.run("%orch -m plian hi")
    assert not set("\x1b\u202e") & set(wrong.printed)
    assert wrong.printed.count("\n") == 1
    assert not set("\x1b\u202e") & set(shell.run("%reload_ext orch_nb").printed)


def test_what_is_printed_waits_for_what_a_joiner_joins(capsys: pytest.CaptureFixture[str]) -> None:
    printed = PrintedAnswer()
    for piece in ("a\r", "\nb", "می\u200c", "خواهم", "c\u200d"):
        printed.add(piece)
    printed.clear()
    assert capsys.readouterr().out == "a\nbمی\u200cخواهمc\\u200d\n"


def test_a_hundred_thousand_joiners_are_printed_in_one_pass(
    capsys: pytest.CaptureFixture[str],
) -> None:
    printed = PrintedAnswer()
    printed.add("\u200d" * 100_000 + "a")  # with a search from each of them: half a minute
    printed.clear()
    assert capsys.readouterr().out == "\\u200d" * 100_000 + "a\n"
