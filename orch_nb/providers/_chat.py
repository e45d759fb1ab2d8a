"""Chat Completions, the wire of every server that calls itself compatible with OpenAI.

https://platform.openai.com/docs/api-reference/chat-streaming
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from orch_nb.providers import _failures
from orch_nb.providers._calls import CallBuilder
from orch_nb.providers._reading import Event
from orch_nb.providers._usage import read_usage
from orch_nb.types import Delta, Message, Request, Usage

PATH = "/chat/completions"
_FINISH = {"length": "length", "tool_calls": "tool"}
# How OpenRouter, vLLM and DeepSeek say that they stopped in the middle.
_BROKEN_OFF = {"error", "abort", "insufficient_system_resource"}


def encode(request: Request, model: str, *, stream: bool) -> dict[str, Any]:
    """The body for `request`."""
    turns: list[dict[str, Any]] = [
        {"role": message.role, "content": _content(message)} for message in request.messages
    ]
    if request.system is not None:
        turns.insert(0, {"role": "system", "content": request.system})
    body: dict[str, Any] = {
        "model": model,
        "messages": turns,
        "stream": stream,
    }
    if stream:
        body["stream_options"] = {"include_usage": True}
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


def read_whole(document: Event, model: str) -> Delta:
    """The answer that `document` is. Raises `BrokenAnswer` if no reason to finish was given.

    https://platform.openai.com/docs/api-reference/chat/object
    """
    choices = document.get("choices")
    if not isinstance(choices, list):
        raise _failures.malformed(model, "no choices")
    reader = Reader(model)
    pieces = [_as_piece(choice) for choice in choices if isinstance(choice, dict)]
    text = reader.take({"choices": pieces, "usage": document.get("usage")})
    return reader.end(text or "")


def count_of(document: Event) -> Usage | None:
    """The tokens that `document` counts; None without a count."""
    return _usage(document.get("usage"))


def _as_piece(choice: Event) -> Event:
    """A whole choice as a stream would bring it, in one piece, where calls have their place."""
    message = choice.get("message")
    if not isinstance(message, dict):
        return choice
    if isinstance(calls := message.get("tool_calls"), list):
        numbered = [
            {**call, "index": place} for place, call in enumerate(calls) if isinstance(call, dict)
        ]
        message = {**message, "tool_calls": numbered}
    return {**choice, "delta": message}


class Reader:
    """Deltas from the events: the end mark is a ``finish_reason``; usage follows by itself."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._place: object = None
        self._usage: Usage | None = None
        self._finish: str | None = None
        self._calls = CallBuilder()

    @property
    def whole(self) -> bool:
        """Whether nothing but the count of tokens is still to come."""
        return self._finish is not None

    def take(self, event: Event) -> str | None:
        """The text of `event`; "" is reasoning or a tool call: no text, but a sign of life."""
        if (counts := event.get("usage")) is not None:
            self._usage = _usage(counts) or self._usage
        choices = event.get("choices")
        if not isinstance(choices, list):
            return None
        said = None
        for choice in choices:
            if isinstance(choice, dict) and (text := self._take_choice(choice)) is not None:
                said = text if said is None else said + text
        return said

    def end(self, text: str = "") -> Delta:
        """Usage, calls and `text`. Raises `BrokenAnswer` if no reason to finish was given."""
        if self._finish is None:
            raise _failures.cut(self._model)
        calls = self._calls.build(self._model)
        return Delta(text, usage=self._usage, finish=self._finish, calls=calls)

    def _take_choice(self, choice: Event) -> str | None:
        index = choice.get("index") or 0
        if self._place is None:
            self._place = index
        if index != self._place or self._finish is not None:
            return None  # another answer, which nobody asked for, or more than the whole one
        reason, delta = choice.get("finish_reason"), choice.get("delta")
        if not isinstance(delta, dict):
            delta = {}
        self._raise_failure(delta, reason)
        if "tool_calls" in delta:
            _take_calls(delta, self._calls)
        if isinstance(reason, str) and reason:
            self._finish = _FINISH.get(reason, "stop")
        return text if isinstance(text := delta.get("content"), str) else _text_of(text)

    def _raise_failure(self, delta: Event, reason: object) -> None:
        if isinstance(said := delta.get("refusal"), str) and said:
            raise _failures.refusal(self._model, said)
        if reason == "content_filter":
            raise _failures.refusal(self._model)
        if isinstance(reason, str) and reason in _BROKEN_OFF:
            raise _failures.from_event(self._model, f"finish_reason {reason}")


def _text_of(content: object) -> str:
    """The text of content in parts, as models of Mistral that think aloud give it.

    https://docs.mistral.ai/inference/conversations/reasoning
    """
    texts = []
    for part in content if isinstance(content, list) else ():
        match part:
            case {"type": "text", "text": str(text)}:
                texts.append(text)
    return "".join(texts)


def _usage(counts: object) -> Usage | None:
    return read_usage(counts, "prompt_tokens", "completion_tokens", "prompt_tokens_details")


def _take_calls(delta: Event, calls: CallBuilder) -> None:
    pieces = delta.get("tool_calls")
    for piece in pieces if isinstance(pieces, list) else ():
        match piece:
            case {"function": dict(function)}:
                calls.add(
                    piece.get("index"),
                    id=piece.get("id"),
                    name=function.get("name"),
                    arguments=function.get("arguments"),
                )
