"""Tools: what they need, put around a prompt, ask for in the answer, and name to the model."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from orch_nb import Session
from orch_nb.errors import InputError, TemplateError, UnknownNameError
from session.conftest import Open
from session.test_asking import LUNA, OPUS
from stub.client import Stub
from stub.spec import write


class City(BaseModel):
    name: str


def weather(city: str, days: int = 3) -> str:
    """Look up the weather."""
    raise AssertionError("no model's word runs this")


def sent(stub: Stub) -> list[str]:
    return [entry.prompt for entry in stub.log() if entry.method == "POST"]


def test_a_tool_puts_its_prompt_around_the_users(s: Session, configured: Stub) -> None:
    s.tool("sql", prompt="Write one SQL query.\n{{ prompt }}\nOnly the query.")
    s.ask("Count {{ users }}", tool="sql", model=LUNA)
    assert sent(configured) == ["Write one SQL query.\nCount {{ users }}\nOnly the query."]
    s.ask("Count users", model=LUNA)
    assert sent(configured)[1] == "Count users"


def test_a_tool_asks_for_its_form_unless_the_call_says_another(
    s: Session, configured: Stub
) -> None:
    configured.rule("openai", write("ok", text='{"name": "Rome"}'))
    s.tool("place", schema=City)
    assert s.tools["place"] == {"json"}
    assert s.ask("Where?", tool="place", model=LUNA).parsed == City(name="Rome")

    class Other(BaseModel):
        name: str

    assert isinstance(s.ask("Who?", tool="place", model=LUNA, schema=Other).parsed, Other)


def test_a_function_is_named_to_the_model_and_never_called(s: Session, configured: Stub) -> None:
    configured.rule("openai", write("tool", name="weather", arguments='{"city": "Rome"}'))
    s.tool("weather", function=weather)
    answer = s.ask("How is it?", tool="weather", model=LUNA)
    (call,) = answer.calls
    assert (call.name, dict(call.arguments)) == ("weather", {"city": "Rome"})
    (record,) = s.ledger
    (tool,) = record.request.tools
    assert tool.description == "Look up the weather."
    assert tool.parameters["required"] == ["city"]
    assert tool.parameters["properties"]["days"]["type"] == "integer"


def test_a_pin_is_checked_against_what_a_tool_needs(open_session: Open, configured: Stub) -> None:
    s = open_session(models={LUNA: {"capabilities": ["vision"]}})
    s.tool("weather", function=weather)
    with pytest.raises(InputError, match="cannot do tools"):
        s.experts.pin(weather=LUNA)
    s.experts.pin(weather=OPUS)
    assert s.select("x", tool="weather").best.model == OPUS


def test_batches_comparisons_and_pipelines_use_the_same_tools(s: Session, configured: Stub) -> None:
    s.tool("brief", prompt="Briefly: {{ prompt }}")
    s.map(["a", "b"], "About {{ item }}", tool="brief", model=LUNA)
    assert sorted(sent(configured)) == ["Briefly: About a", "Briefly: About b"]
    s.pipeline(f"steps:\n  - {{id: x, prompt: Rivers, tool: brief, model: '{LUNA}'}}\n").run()
    assert sent(configured)[2] == "Briefly: Rivers"
    s.compare("Seas", [LUNA, OPUS], tool="brief")
    assert sent(configured)[3:] == ["Briefly: Seas"] * 2


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"name": "a b"}, InputError, "no name of a tool"),
        ({"needs": ["sing"]}, UnknownNameError, "capability 'sing'"),
        ({"prompt": "no place"}, TemplateError, r"must hold \{\{ prompt \}\}"),
        ({"prompt": "{{ prompt }} {{ x }}"}, TemplateError, "no other name"),
        ({"function": 3}, InputError, "must be a function"),
        ({"function": City}, InputError, "must be a function"),
        ({"function": lambda x, *rest: x}, InputError, "named parameters|types"),
    ],
)
def test_what_is_wrong_changes_nothing(
    s: Session, given: dict[str, Any], error: type[Exception], words: str
) -> None:
    before = dict(s.tools)
    with pytest.raises(error, match=words):
        s.tool(**{"name": "good", **given})
    assert dict(s.tools) == before
