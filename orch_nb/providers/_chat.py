"""Chat Completions, the wire of every server that calls itself compatible with OpenAI.

https://platform.openai.com/docs/api-reference/chat-streaming
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from orch_nb.providers import _failures
from orch_nb.providers._usage import read_usage
from orch_nb.types import Delta, Request

PATH = "/chat/completions"
_FINISH = {"length": "length", "tool_calls": "tool"}


def encode(request: Request, model: str) -> dict[str, Any]:
    """The body for `request`."""
    turns = [{"role": m.role, "content": m.content} for m in request.messages]
    if request.system is not None:
        turns.insert(0, {"role": "system", "content": request.system})
    body: dict[str, Any] = {
        "model": model,
        "messages": turns,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    given = request.parameters
    if given.temperature is not None:
        body["temperature"] = given.temperature
    if given.max_tokens is not None:
        body["max_tokens"] = given.max_tokens
    return body


async def read(events: AsyncIterator[dict[str, Any]], model: str) -> AsyncIterator[Delta]:
    """Deltas from the events: the end mark is a ``finish_reason``; usage follows by itself."""
    finish = usage = None
    async for event in events:
        usage = (
            read_usage(
                event.get("usage"), "prompt_tokens", "completion_tokens", "prompt_tokens_details"
            )
            or usage
        )
        match event:
            case {"choices": [{"delta": {"refusal": str(said)}}, *_]} if said:
                raise _failures.refusal(model, said)
            case {"choices": [{"finish_reason": "content_filter"}, *_]}:
                raise _failures.refusal(model)
            case {"choices": [{"delta": {"content": str(text)}, **choice}, *_]}:
                yield Delta(text)
            case {"choices": [dict(choice), *_]}:
                yield Delta()  # reasoning or a tool call: alive, but no text
            case _:
                continue
        if isinstance(reason := choice.get("finish_reason"), str):
            finish = _FINISH.get(reason, "stop")
    if finish is None:
        raise _failures.cut(model)
    yield Delta(usage=usage, finish=finish)
