"""Responses, the wire of api.openai.com.

https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from orch_nb.providers import _failures
from orch_nb.providers._usage import read_usage
from orch_nb.types import Delta, Request, Usage

PATH = "/responses"


def encode(request: Request, model: str) -> dict[str, Any]:
    """The body for `request`; the service is told to keep nothing."""
    body: dict[str, Any] = {
        "model": model,
        "input": [{"role": m.role, "content": m.content} for m in request.messages],
        "stream": True,
        "store": False,
    }
    if request.system is not None:
        body["instructions"] = request.system
    given = request.parameters
    if given.temperature is not None:
        body["temperature"] = given.temperature
    if given.max_tokens is not None:
        body["max_output_tokens"] = given.max_tokens
    return body


async def read(events: AsyncIterator[dict[str, Any]], model: str) -> AsyncIterator[Delta]:
    """Deltas from the events: the end mark is ``response.completed`` or ``response.incomplete``."""
    async for event in events:
        match event:
            case {"type": "response.output_text.delta", "delta": str(text)}:
                yield Delta(text)
            case {"type": "response.refusal.delta", "delta": str(said)}:
                raise _failures.refusal(model, said)
            case {"type": "response.completed", "response": dict(done)}:
                yield Delta(usage=_usage(done), finish="stop")
                return
            case {"type": "response.incomplete", "response": dict(done)}:
                if done.get("incomplete_details") == {"reason": "content_filter"}:
                    raise _failures.refusal(model)
                yield Delta(usage=_usage(done), finish="length")
                return
            case {"type": "response.failed", "response": dict(done)}:
                raise _failures.from_event(model, _failures.describe(done))
            case {"type": "error"}:
                raise _failures.from_event(model, _failures.describe(event))
            case _:
                yield Delta()  # reasoning, items and parts that open and close: alive
    raise _failures.cut(model)


def _usage(done: Mapping[str, Any]) -> Usage | None:
    return read_usage(done.get("usage"), "input_tokens", "output_tokens", "input_tokens_details")
