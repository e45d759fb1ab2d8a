"""Images, and tools that are named to a model, from a session to the wire and back."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from orch_nb import Session
from orch_nb.errors import InputError, SelectionError
from orch_nb.types import Tool, ToolCall
from session.conftest import Open
from session.places import Place
from session.test_asking import LUNA, OPUS, asked
from stub.client import Stub
from stub.spec import write

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
LOOK_UP = Tool("look_up", "Looks it up.", {"type": "object", "properties": {}})


# -- images


@pytest.mark.parametrize("model", [LUNA, OPUS])
def test_an_image_arrives_byte_for_byte(s: Session, stub: Stub, model: str) -> None:
    s.ask("What is this?", model=model, images=[PNG])
    assert base64.b64encode(PNG).decode("ascii") in str(stub.log()[-1].body)
    assert stub.log()[-1].prompt == "What is this?"


def test_another_image_is_another_answer(s: Session) -> None:
    assert not s.ask("What?", model=LUNA, images=[PNG]).cached
    assert not s.ask("What?", model=LUNA, images=[PNG + b"x"]).cached
    assert not s.ask("What?", model=LUNA).cached
    assert s.ask("What?", model=LUNA, images=[PNG]).cached


def open_team(stub: Stub, open_session: Open, **known: list[str]) -> Session:
    """A session with the provider ``team``, whose models can do what is `known` of them."""
    stub.models("team", ["mute", "seeing", "unknown"])
    models = {f"team:{name}": {"capabilities": list_} for name, list_ in known.items()}
    team = {"type": "compatible", "base_url": stub.url("team", "/v1"), "max_retries": 0}
    off = {name: {"enabled": False} for name in ("openai", "anthropic")}
    return open_session(providers={"team": team, **off}, models=models)


def test_an_image_never_reaches_a_model_that_reads_text_only(
    configured: Stub, open_session: Open
) -> None:
    s = open_team(configured, open_session, mute=["json", "tools"], seeing=["vision"])
    with pytest.raises(SelectionError, match=r"team:mute: cannot do vision"):
        s.ask("What?", model="team:mute", images=[PNG])
    assert asked(configured) == []
    response = s.ask("What?", model=["team:mute", "team:seeing"], images=[PNG])
    assert response.model == "team:seeing"
    assert asked(configured) == ["team:seeing"]


def test_by_strategy_an_image_goes_to_a_model_known_to_read_it(
    configured: Stub, open_session: Open
) -> None:
    s = open_team(configured, open_session, mute=[])
    with pytest.raises(SelectionError) as caught:
        s.ask("What?", images=[PNG], strategy="cost")
    reasons = {rejection.model: rejection.reason for rejection in caught.value.rejected}
    assert reasons["team:unknown"] == "not known to read images"
    assert reasons["team:mute"] == "cannot do vision"
    assert asked(configured) == []
    assert s.ask("What?", model="team:unknown", images=[PNG]).model == "team:unknown"


def test_a_wrong_image_is_said_before_anything_is_sent(s: Session, stub: Stub) -> None:
    with pytest.raises(InputError, match=r"'gone.png' cannot be read"):
        s.ask("What?", images=["gone.png"])
    for one in ("gone.png", PNG):
        with pytest.raises(InputError, match="images must be a list, not "):
            s.ask("What?", images=one)  # type: ignore[arg-type]
    assert stub.log() == []


# -- tools


@pytest.mark.parametrize("model", [LUNA, OPUS])
def test_what_is_asked_of_tools_comes_back_and_nothing_runs(
    s: Session, stub: Stub, model: str
) -> None:
    stub.rule("*", write("tool", arguments='{"city": "Rome", "n": 1e400}\n{"city": "\\ud800"}'))
    response = s.ask("Where?", model=model, tools=[LOOK_UP])
    assert (response.finish, response.text, response.parsed) == ("tool", "", None)
    assert [call.arguments["city"] for call in response.calls] == ["Rome", "\ud800"]
    again = s.ask("Where?", model=model, tools=[LOOK_UP])
    assert again.cached
    assert again.calls == response.calls
    assert len(asked(stub)) == 1


def test_an_answer_may_ask_for_tools_before_it_has_the_form(s: Session, stub: Stub) -> None:
    stub.rule("*", "tool")
    response = s.ask("Where?", model=LUNA, tools=[LOOK_UP], schema=Place)
    assert response.calls == (ToolCall("look_up", {}, "call_0"),)
    assert response.parsed is None


def test_tools_go_to_models_of_which_nothing_is_known(configured: Stub, open_session: Open) -> None:
    s = open_team(configured, open_session, mute=[], seeing=["vision"])
    response = s.ask("Where?", tools=[LOOK_UP], strategy="cost")
    assert response.model == "team:unknown"
    reasons = {rejection.model: rejection.reason for rejection in response.decision.rejected}
    assert reasons["team:mute"] == reasons["team:seeing"] == "cannot do tools"


@pytest.mark.parametrize(
    ("tools", "message"),
    [
        (["look_up"], "a tool is a Tool whose name"),
        ([None], "a tool is a Tool whose name"),
        ([Tool("two words", "", {})], "a tool is a Tool whose name"),
        ([Tool("", "", {})], "a tool is a Tool whose name"),
        ([Tool("odd", "", {"x": {1}})], "the parameters of the tool odd are no JSON schema"),
        ([Tool("odd", "", {"x": float("nan")})], "the parameters of the tool odd are no JSON"),
        (LOOK_UP, "tools must be a list, not Tool"),
        (len, "tools must be a list, not builtin_function_or_method"),
    ],
)
def test_a_wrong_tool_is_said_before_anything_is_sent(
    s: Session, stub: Stub, tools: Any, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        s.ask("Where?", tools=tools)
    assert stub.log() == []


@pytest.mark.parametrize(
    ("options", "lacking"),
    [({"schema": Place}, "json"), ({"tools": [LOOK_UP]}, "tools"), ({"images": [PNG]}, "vision")],
)
def test_the_simulated_models_do_not_pretend(options: dict[str, Any], lacking: str) -> None:
    with Session() as s, pytest.raises(SelectionError, match=f"sim:small: cannot do {lacking}"):
        s.ask("Where?", **options)
