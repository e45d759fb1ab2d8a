"""Ollama's own chat: what is sent, how large a window that needs, and what comes back.

https://github.com/ollama/ollama/blob/main/docs/api.md#generate-a-chat-completion
"""

from __future__ import annotations

import json
from typing import Any

from orch_nb.errors import ContextTooLong
from orch_nb.providers import _failures
from orch_nb.providers._ollama_models import Shown
from orch_nb.providers._reading import Event
from orch_nb.providers._usage import count
from orch_nb.types import Delta, Message, Request, ToolCall, Usage

PATH = "/api/chat"
_FINISH = {"length": "length"}

# UTF-8 bytes to a token: English has about 4.5, code and other scripts 3, tables of digits 2.
_DENSE, _LOOSE = 2.5, 4.5
# What a chat template adds around each message, and what one picture takes: round figures in
# tokens, on the high side for most vision models.
_PER_MESSAGE, _PER_IMAGE = 16, 1500
# Tokens kept for an answer of unstated length, and the smallest window worth loading.
_ANSWER, _SMALLEST = 4096, 4096
_MOST_CALLS = 128  # what OpenAI allows tools in one request
_LONGEST = 10**15  # nanoseconds; eleven days


def window(request: Request, name: str, maximum: int | None, loaded: int) -> int:
    """``num_ctx`` for `request`, in tokens: room for all of it, so that nothing is cut silently.

    That is a power of two up to `maximum`, the model's own, or the window that is `loaded` (0 is
    none) where that suffices: another one would load the model again. Raises `ContextTooLong` when
    the prompt cannot fit.
    """
    size, extra = _measure(request)
    least = int(size / _LOOSE) + extra
    if maximum is not None and least >= maximum:
        raise ContextTooLong(
            name, f"the prompt has about {least} tokens, the model's context {maximum}; shorten it"
        )
    wanted = int(size / _DENSE) + extra + (request.parameters.max_tokens or _ANSWER)
    room = max(_SMALLEST, 1 << (wanted - 1).bit_length())
    return max(loaded, 0) if loaded >= wanted else max(loaded, min(room, maximum or room))


def encode(
    request: Request, model: str, shown: Shown, num_ctx: int, *, stream: bool
) -> dict[str, Any]:
    """The body for `request`."""
    given = request.parameters
    options = {
        "num_ctx": num_ctx,
        "temperature": given.temperature,
        "seed": given.seed,
        "num_predict": given.max_tokens,
    }
    turns = [_turn(message) for message in request.messages]
    if request.system is not None:
        turns.insert(0, {"role": "system", "content": request.system})
    body: dict[str, Any] = {
        "model": model,
        "messages": turns,
        "stream": stream,
        # A prompt that does not fit is an error, and an answer that does not ends with "length":
        # by default the oldest part of the conversation is dropped without a word.
        "truncate": False,
        "shift": False,
        "options": {key: value for key, value in options.items() if value is not None},
    }
    if request.tools:
        body["tools"] = _tools(request)
    if request.schema is not None:
        body["format"] = dict(request.schema.schema)
    if given.effort is not None and "thinking" in shown.capabilities:
        # Only gpt-oss takes levels; the others think or do not.
        body["think"] = given.effort if shown.has_levels else given.effort != "low"
    return body


def read_whole(document: Event, model: str) -> Delta:
    """The answer that `document` is: like a last line, with all of the text.

    Raises `BrokenAnswer` where it does not say that it is ``done``.
    """
    end = Reader(model).take(document)
    if not isinstance(end, Delta):
        raise _failures.cut(model)
    return end


def count_of(document: Event) -> Usage | None:
    """The tokens that `document`, or the last line of a stream, counts; None without a count."""
    given, produced = count(document.get("prompt_eval_count")), count(document.get("eval_count"))
    return None if given is None or produced is None else Usage(given, produced)


class Reader:
    """Deltas from the lines of the answer; the end mark is ``done``."""

    whole = False  # until the end itself

    def __init__(self, model: str) -> None:
        self._model = model
        self._calls: list[ToolCall] = []

    def take(self, event: Event) -> str | Delta | None:
        """The text of a line, "" while the model thinks, or the end."""
        message, text = event.get("message"), None
        if isinstance(message, dict):
            text = message.get("content")
            self._calls += _calls(message.get("tool_calls"), self._model)
            if len(self._calls) > _MOST_CALLS:
                raise _failures.malformed(self._model, "tool calls without end")
        if not isinstance(text, str | None):
            raise _failures.malformed(self._model, "text that is no text")
        if event.get("done") is True:
            return _end(event, text or "", tuple(self._calls))
        return text or ""

    def end(self) -> Delta:
        """Raises `BrokenAnswer`: a line is the end."""
        raise _failures.cut(self._model)


def _measure(request: Request) -> tuple[int, int]:
    """UTF-8 bytes of the prompt, and the tokens of what is no text."""
    texts = [message.content for message in request.messages]
    texts += [request.system or "", json.dumps(_tools(request)) if request.tools else ""]
    images = sum(len(message.images) for message in request.messages)
    size = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
    return size, _PER_MESSAGE * (len(request.messages) + 1) + _PER_IMAGE * images


def _turn(message: Message) -> dict[str, Any]:
    turn: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.images:
        turn["images"] = [image.data for image in message.images]
    return turn


def _tools(request: Request) -> list[dict[str, Any]]:
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": dict(tool.parameters),
            },
        }
        for tool in request.tools
    ]


def _calls(raw: object, model: str) -> list[ToolCall]:
    calls = []
    for row in raw if isinstance(raw, list) else []:
        match row:
            case {"function": {"name": str(name), "arguments": dict(arguments)}}:
                called = row.get("id")
                calls.append(ToolCall(name, arguments, called if isinstance(called, str) else ""))
            case _:
                raise _failures.malformed(model, "a tool call without name and arguments")
    return calls


def _end(event: Event, text: str, calls: tuple[ToolCall, ...]) -> Delta:
    """The last delta, with Ollama's own counts and, in nanoseconds, its own duration."""
    took = event.get("total_duration")
    seconds = took / 1e9 if type(took) is int and 0 < took < _LONGEST else None
    return Delta(
        text,
        usage=count_of(event),
        finish="tool" if calls else _FINISH.get(str(event.get("done_reason")), "stop"),
        seconds=seconds,
        calls=calls,
    )
