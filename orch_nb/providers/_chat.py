"""Chat Completions, the wire of every server that calls itself compatible with OpenAI.

https://platform.openai.com/docs/api-reference/chat-streaming
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from orch_nb.errors import ProviderError
from orch_nb.providers import _failures
from orch_nb.providers._calls import CallBuilder
from orch_nb.providers._usage import read_usage
from orch_nb.types import Delta, Message, Request, Usage

PATH = "/chat/completions"
_FINISH = {"length": "length", "tool_calls": "tool"}
# How OpenRouter, vLLM and DeepSeek say that they stopped in the middle.
_BROKEN_OFF = {"error", "abort", "insufficient_system_resource"}
# Seconds that the count of tokens may take behind the end of the answer. Chosen.
_COUNTING = 2.0


def encode(request: Request, model: str) -> dict[str, Any]:
    """The body for `request`."""
    turns: list[dict[str, Any]] = [
        {"role": message.role, "content": _content(message)} for message in request.messages
    ]
    if request.system is not None:
        turns.insert(0, {"role": "system", "content": request.system})
    body: dict[str, Any] = {
        "model": model,
        "messages": turns,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    given = request.parameters
    options = {
        "temperature": given.temperature,
        "max_tokens": given.max_tokens,
        "seed": given.seed,
        "reasoning_effort": given.effort,
    }
    body |= {name: value for name, value in options.items() if value is not None}
    if request.schema is not None:
        form = {"name": request.schema.name, "schema": request.schema.schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    if request.tools:
        body["tools"] = [{"type": "function", "function": asdict(tool)} for tool in request.tools]
    return body


def _content(message: Message) -> str | list[dict[str, Any]]:
    if not message.images:
        return message.content
    pictures = [
        {"type": "image_url", "image_url": {"url": f"data:{image.media_type};base64,{image.data}"}}
        for image in message.images
    ]
    return [{"type": "text", "text": message.content}, *pictures]


async def read(events: AsyncIterator[dict[str, Any]], model: str) -> AsyncIterator[Delta]:
    """Deltas from the events: the end mark is a ``finish_reason``; usage follows by itself."""
    place: object = None
    finish = usage = None
    calls = CallBuilder()
    async for event in events:
        usage = _usage(event) or usage
        for choice in _choices(event):
            index = choice.get("index") or 0
            place = index if place is None else place
            if index != place or finish is not None:
                continue  # another answer, which nobody asked for, or more than the whole one
            reason = choice.get("finish_reason")
            delta = choice.get("delta")
            _raise_failure(delta, reason, model)
            _take_calls(delta, calls)
            text = delta.get("content") if isinstance(delta, Mapping) else None
            # Reasoning or a tool call is no text, but a sign of life.
            yield Delta(text if isinstance(text, str) else "")
            if isinstance(reason, str) and reason:
                finish = _FINISH.get(reason, "stop")
        if finish is not None:
            break
    if finish is None:
        raise _failures.cut(model)
    # The answer is whole: a server that breaks off now, or says no more, only leaves it uncounted.
    with suppress(ProviderError, TimeoutError):
        async with asyncio.timeout(_COUNTING):
            async for event in events:
                usage = _usage(event) or usage
    yield Delta(usage=usage, finish=finish, calls=calls.build(model))


def _usage(event: Mapping[str, Any]) -> Usage | None:
    return read_usage(
        event.get("usage"), "prompt_tokens", "completion_tokens", "prompt_tokens_details"
    )


def _choices(event: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = event.get("choices")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _raise_failure(delta: object, reason: object, model: str) -> None:
    said = delta.get("refusal") if isinstance(delta, Mapping) else None
    if isinstance(said, str) and said:
        raise _failures.refusal(model, said)
    if reason == "content_filter":
        raise _failures.refusal(model)
    if isinstance(reason, str) and reason in _BROKEN_OFF:
        raise _failures.from_event(model, f"finish_reason {reason}")


def _take_calls(delta: object, calls: CallBuilder) -> None:
    pieces = delta.get("tool_calls") if isinstance(delta, Mapping) else None
    for piece in pieces if isinstance(pieces, list) else ():
        match piece:
            case {"function": dict(function)}:
                calls.add(
                    piece.get("index"),
                    id=piece.get("id"),
                    name=function.get("name"),
                    arguments=function.get("arguments"),
                )
