"""What is read from Ollama's lines, whatever they hold."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from orch_nb.errors import BrokenAnswer
from orch_nb.providers import _ollama_chat
from orch_nb.types import Delta, ToolCall


async def read(*events: dict[str, Any]) -> list[Delta]:
    async def arrive() -> AsyncIterator[dict[str, Any]]:
        for event in events:
            yield event

    return [delta async for delta in _ollama_chat.read(arrive(), "ollama:m")]


def test_tool_calls_come_whole_with_the_end_mark() -> None:
    called = {"function": {"name": "look_up", "arguments": {"word": "Sund"}}}
    events = [
        {"message": {"content": "", "thinking": "hm"}, "done": False},
        {"message": {"content": "", "tool_calls": [called, called | {"id": "call_7"}]}},
        {"message": {"content": ""}, "done": True, "done_reason": "stop"},
    ]
    *alive, last = asyncio.run(read(*events))
    assert alive == [Delta()] * 3
    arguments = {"word": "Sund"}
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
        asyncio.run(read({"message": message, "done": True}))


@pytest.mark.parametrize("took", [None, "1", True, -1, 0, 10**30, 1.5])
def test_an_odd_duration_is_none(took: object) -> None:
    (_, last) = asyncio.run(read({"done": True, "total_duration": took}))
    assert last == Delta(finish="stop")
