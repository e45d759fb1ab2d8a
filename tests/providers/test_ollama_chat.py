"""What is read from Ollama's lines, whatever they hold."""

from __future__ import annotations

from typing import Any

import pytest

from orch_nb.errors import BrokenAnswer
from orch_nb.providers import _ollama_chat
from orch_nb.types import Delta, ToolCall


def read(*events: dict[str, Any]) -> list[str | Delta | None]:
    reader = _ollama_chat.Reader("ollama:m")
    return [reader.take(event) for event in events]


def test_tool_calls_come_whole_with_the_end_mark() -> None:
    called = {"function": {"name": "look_up", "arguments": {"word": "Sund"}}}
    events = [
        {"message": {"content": "", "thinking": "hm"}, "done": False},
        {"message": {"content": "", "tool_calls": [called, called | {"id": "call_7"}]}},
        {"message": {"content": ""}, "done": True, "done_reason": "stop"},
    ]
    *alive, last = read(*events)
    assert alive == ["", ""]
    arguments = {"word": "Sund"}
    assert isinstance(last, Delta)
    assert last.finish == "tool"
    assert last.calls == (
        ToolCall("look_up", arguments),
        ToolCall("look_up", arguments, "call_7"),
    )


@pytest.mark.parametrize(
    "message",
    [
        {"content": 5},
        {"tool_calls": ["look_up"]},
        {"tool_calls": [{"function": {"name": "look_up", "arguments": "{}"}}]},
        {"tool_calls": [{"function": {"name": "look_up", "arguments": {}}}] * 129},
    ],
)
def test_a_message_of_another_form_is_an_error(message: dict[str, Any]) -> None:
    with pytest.raises(BrokenAnswer):
        read({"message": message, "done": True})


@pytest.mark.parametrize("took", [None, "1", True, -1, 0, 10**30, 1.5])
def test_an_odd_duration_is_none(took: object) -> None:
    assert read({"done": True, "total_duration": took}) == [Delta(finish="stop")]
