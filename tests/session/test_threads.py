"""Conversations by name: what a model sees of them, and what never enters one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from orch_nb import Session
from orch_nb.errors import InputError, OrchError, SelectionError, UnknownNameError
from orch_nb.types import Message
from session.conftest import Open
from stub.client import Stub
from stub.spec import write

LUNA, SOL = "openai:gpt-6-luna", "openai:gpt-6.1-sol"


def last_turns(stub: Stub) -> list[Any]:
    body = [entry.body for entry in stub.log() if entry.wire in ("chat", "responses")][-1]
    assert body is not None
    return [turn["content"] for turn in body["messages"]]


@pytest.fixture
def says(configured: Stub) -> Stub:
    configured.rule("openai", write("ok", text="I am Luna."), model="gpt-6-luna")
    configured.rule("openai", write("ok", text="I am Sol."), model="gpt-6.1-sol")
    return configured


def test_a_follow_up_knows_what_was_said(s: Session, says: Stub) -> None:
    s.ask("Who are you?", model=LUNA, thread="who")
    answer = s.ask("Really?", thread="who")
    assert answer.model == LUNA
    assert last_turns(says) == ["Who are you?", "I am Luna.", "Really?"]
    s.ask("Who?", model=LUNA)
    assert last_turns(says) == ["Who?"]
    assert list(s.threads) == ["who"]
    said = s.threads["who"][LUNA].messages
    assert [message.role for message in said] == ["user", "assistant"] * 2
    assert said[-1] == Message("assistant", "I am Luna.")


def test_no_model_sees_what_another_said(s: Session, says: Stub) -> None:
    s.ask("Who are you?", model=LUNA, thread="who")
    s.ask("Really?", model="gpt-6.1-sol", thread="who")
    assert last_turns(says) == ["Really?"]
    s.ask("And now?", model="gpt-6-luna", thread="who")
    assert last_turns(says) == ["Who are you?", "I am Luna.", "And now?"]
    with pytest.raises(InputError, match=r"is with openai:gpt-6-luna, openai:gpt-6\.1-sol; say"):
        s.ask("Go on", thread="who")


def test_instructions_stay_until_there_are_others(s: Session, says: Stub) -> None:
    s.ask("Who are you?", model=LUNA, thread="who", system="Be brief.")
    s.ask("Really?", thread="who")
    assert last_turns(says) == ["Be brief.", "Who are you?", "I am Luna.", "Really?"]
    s.ask("Really?", thread="who", system="Be long.")
    assert last_turns(says)[0] == "Be long."


def test_what_fails_is_no_part_of_it(s: Session, says: Stub) -> None:
    s.ask("Who are you?", model=LUNA, thread="who")
    says.plan("openai", "500")
    with pytest.raises(OrchError):
        s.ask("Really?", thread="who")
    s.ask("Are you?", thread="who")
    assert last_turns(says) == ["Who are you?", "I am Luna.", "Are you?"]


def test_an_answer_from_the_cache_is_part_of_it(s: Session, says: Stub) -> None:
    for name in ("one", "two"):
        s.ask("Who are you?", model=LUNA, thread=name)
        answer = s.ask("Really?", thread=name)
    assert answer.cached
    assert len(s.threads["two"][LUNA].messages) == 4


def test_what_it_needs_is_counted_whole(s: Session, says: Stub) -> None:
    s.ask("word " * 500, model=LUNA, thread="long")
    assert s.select("Go on", thread="long").profile.input_tokens > 400
    assert s.select("Go on").profile.input_tokens < 20


def test_one_that_outgrew_its_model_says_what_to_do(open_session: Open, says: Stub) -> None:
    s = open_session(models={LUNA: {"context": 2000}})
    s.ask("word " * 1000, model=LUNA, thread="long", max_tokens=10)
    with pytest.raises(SelectionError, match=r"threads\.clear\('long'\) begins it anew"):
        s.ask("word " * 1000, thread="long", max_tokens=10)
    s.threads.clear("long")
    assert s.ask("Go on", model=LUNA, thread="long").text == "I am Luna."
    with pytest.raises(UnknownNameError, match="unknown thread 'lng'; did you mean long"):
        s.threads.clear("lng")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"thread": ""}, "is no name of a thread"),
        ({"thread": "two words"}, "is no name of a thread"),
        ({"thread": ["a", "b"]}, "one thread; name one"),
        ({"thread": "who", "model": [LUNA, SOL]}, "goes on with one model"),
        ({"thread": "who", "check": "assert True"}, "goes on with openai:gpt-6-luna alone"),
    ],
)
def test_what_cannot_go_on(s: Session, says: Stub, options: dict[str, Any], said: str) -> None:
    s.ask("Who are you?", model=LUNA, thread="who")
    asked = len(says.log())
    with pytest.raises(InputError, match=said):
        s.ask("Really?", **options)
    assert len([e for e in says.log()[asked:] if e.wire == "chat"]) == 0


def test_async_code_and_a_recording_have_them_too(
    open_session: Open, says: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def talk(s: Session) -> tuple[str, str]:
        first = asyncio.run(s.aask("Who are you?", model=LUNA, thread="who"))
        return first.text, s.ask("Really?", thread="who").text

    recorded = talk(open_session(mode="record"))
    asked = len(says.log())
    assert talk(open_session(mode="replay")) == recorded
    assert len(says.log()) == asked
