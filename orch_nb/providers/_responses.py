"""Responses, the wire of api.openai.com.

https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

from orch_nb.providers import _failures
from orch_nb.providers._calls import read_call
from orch_nb.providers._reading import Event
from orch_nb.providers._usage import read_usage
from orch_nb.types import Delta, Message, Request, ToolCall, Usage

PATH = "/responses"


def encode(request: Request, model: str, *, stream: bool) -> dict[str, Any]:
    """The body for `request`; the service is told to keep nothing. This wire has no seed."""
    given = request.parameters
    body: dict[str, Any] = {
        "model": model,
        "input": [
            # Without the type, which OpenAI does not need, llama.cpp refuses an assistant's turn.
            {"type": "message", "role": m.role, "content": _content(m)}
            for m in request.messages
        ],
        "stream": stream,
        "store": False,
    }
    options = {
        "instructions": request.system,
        "temperature": given.temperature,
        "max_output_tokens": given.max_tokens,
        "reasoning": None if given.effort is None else {"effort": given.effort},
    }
    body |= {name: value for name, value in options.items() if value is not None}
    if request.schema is not None:
        form = {"name": request.schema.name, "schema": request.schema.schema, "strict": True}
        body["text"] = {"format": {"type": "json_schema", **form}}
    if request.tools:
        body["tools"] = [
            {"type": "function", "strict": False, **asdict(tool)} for tool in request.tools
        ]
    return body


def _content(message: Message) -> str | list[dict[str, Any]]:
    if not message.images:
        return message.content
    pictures = [
        {
            "type": "input_image",
            "detail": "auto",
            "image_url": f"data:{image.media_type};base64,{image.data}",
        }
        for image in message.images
    ]
    return [{"type": "input_text", "text": message.content}, *pictures]


def read_whole(document: Event, model: str) -> Delta:
    """The answer that `document` is. Raises `BrokenAnswer` unless it is complete.

    https://platform.openai.com/docs/api-reference/responses/object
    """
    output = document.get("output")
    if not isinstance(output, list):
        raise _failures.malformed(model, "no output")
    reader = Reader(model)
    end = reader.take({"type": f"response.{document.get('status')}", "response": document})
    if not isinstance(end, Delta):
        raise _failures.cut(model)
    return replace(end, text="".join(_texts(output, model)))


def _texts(output: list[Any], model: str) -> Iterator[str]:
    for item in output:
        content = item.get("content") if isinstance(item, dict) else None
        for part in content if isinstance(content, list) else ():
            match part:
                case {"type": "output_text", "text": str(text)}:
                    yield text
                case {"type": "refusal", "refusal": str(said)}:
                    raise _failures.refusal(model, said)


class Reader:
    """Deltas from the events: the end mark is ``response.completed`` or ``response.incomplete``."""

    whole = False  # until the end itself

    def __init__(self, model: str) -> None:
        self._model = model

    def take(self, event: Event) -> str | Delta | None:
        """The text of `event`, or the end."""
        if event.get("type") == "response.output_text.delta":
            return text if isinstance(text := event.get("delta"), str) else ""
        match event:
            case {"type": "response.refusal.delta", "delta": str(said)}:
                raise _failures.refusal(self._model, said)
            case {"type": "response.completed", "response": dict(done)}:
                calls = _calls(done, self._model)
                finish = "tool" if calls else "stop"
                return Delta(usage=count_of(done), finish=finish, calls=calls)
            case {"type": "response.incomplete", "response": dict(done)}:
                details = done.get("incomplete_details")
                if isinstance(details, Mapping) and details.get("reason") == "content_filter":
                    raise _failures.refusal(self._model)
                return Delta(usage=count_of(done), finish="length")
            case {"type": "response.failed", "response": dict(done)}:
                raise _failures.from_event(self._model, _failures.describe(done))
            case {"type": "error"}:
                raise _failures.from_event(self._model, _failures.describe(event))
        return ""  # reasoning, items and parts that open and close: alive

    def end(self) -> Delta:
        """Raises `BrokenAnswer`: an event is the end."""
        raise _failures.cut(self._model)


def count_of(document: Event) -> Usage | None:
    """The tokens that `document` counts; None without a count."""
    return read_usage(
        document.get("usage"), "input_tokens", "output_tokens", "input_tokens_details"
    )


def _calls(done: Mapping[str, Any], model: str) -> tuple[ToolCall, ...]:
    output = done.get("output")
    return tuple(
        read_call(
            model,
            str(item.get("name") or ""),
            str(item.get("arguments") or ""),
            str(item.get("call_id") or ""),
        )
        for item in (output if isinstance(output, list) else ())
        if isinstance(item, Mapping) and item.get("type") == "function_call"
    )
