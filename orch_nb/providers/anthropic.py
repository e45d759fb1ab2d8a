"""Anthropic, by its official SDK.

The wire: https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import ModuleType
from typing import Any, ClassVar

from orch_nb.providers import _failures
from orch_nb.providers._calls import CallBuilder
from orch_nb.providers._reading import Event
from orch_nb.providers._sdk import SDKProvider
from orch_nb.providers._usage import count
from orch_nb.types import Delta, Message, Request, Usage

# The API demands a maximum. This is what every current Claude model can write; a longer answer
# ends with finish "length" and the notice that goes with it.
_DEFAULT_MAX_TOKENS = 8192
_FINISH = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool",
}


class Provider(SDKProvider):
    """Claude models by the Messages API."""

    sdk: ClassVar[str] = "anthropic"
    models_path: ClassVar[str] = "/v1/models?limit=1000"
    key_env = "ANTHROPIC_API_KEY"
    home = "https://api.anthropic.com"

    def make_client(self, sdk: ModuleType, http_client: Any) -> Any:
        """`anthropic.AsyncAnthropic` with our key and nothing from profiles or other variables."""
        return sdk.AsyncAnthropic(
            base_url=self.endpoint.base_url or self.home,
            api_key=self.endpoint.key,
            http_client=http_client,
            max_retries=0,
        )

    def encode(self, request: Request, model: str) -> tuple[str, Event]:
        """A Messages body. ``temperature`` is passed on; models that have none refuse it."""
        given = request.parameters
        body: Event = {
            "model": model,
            "max_tokens": _DEFAULT_MAX_TOKENS if given.max_tokens is None else given.max_tokens,
            "stream": self.endpoint.streams(request),
            **self._shared(request),
        }
        if given.temperature is not None:
            body["temperature"] = given.temperature
        return "/v1/messages", body

    async def count_tokens(self, request: Request, model: str) -> int | None:
        """The input tokens of `request` as the service counts them; the call is free."""
        body = {"model": model, **self._shared(request)}
        return await self.count_by("/v1/messages/count_tokens", model, body)

    def _shared(self, request: Request) -> Event:
        """What a request and the counting of its tokens have in common."""
        body: Event = {
            "messages": [{"role": m.role, "content": _content(m)} for m in request.messages]
        }
        if request.system is not None:
            body["system"] = request.system
        output: Event = {}
        if request.parameters.effort is not None:
            output["effort"] = request.parameters.effort
        if request.schema is not None:
            output["format"] = {"type": "json_schema", "schema": _supported(request.schema.schema)}
        if output:
            body["output_config"] = output
        if request.tools:
            body["tools"] = [
                {"name": t.name, "description": t.description, "input_schema": t.parameters}
                for t in request.tools
            ]
        return body

    def reader(self, model: str) -> Reader:
        """For one answer of Messages."""
        return Reader(model)

    def read_whole(self, document: Event, model: str) -> Delta:
        """The answer that `document` is: https://platform.claude.com/docs/en/api/messages."""
        blocks, reason = document.get("content"), document.get("stop_reason")
        if not isinstance(blocks, list):
            raise _failures.malformed(model, "no content")
        if not isinstance(reason, str):
            raise _failures.cut(model)
        reader, texts = Reader(model), []
        for place, block in enumerate(blocks):
            match block:
                case {"type": "text"} | {"type": "tool_use", "input": dict()}:
                    texts.append(reader.open(place, block))
                case {"type": "tool_use"}:
                    raise _failures.malformed(model, "a tool call that is no JSON object")
        reader.finish(reason, document.get("usage"))
        return reader.conclude("".join(texts))

    def count_of(self, document: Event) -> Usage | None:
        """The tokens that `document` counts; None without a count."""
        counts = document.get("usage")
        return read_counts(counts) if isinstance(counts, dict) else None


class Reader:
    """Deltas from the events of Messages: the end mark is ``message_stop``."""

    whole = False  # until the end itself

    def __init__(self, model: str) -> None:
        self._model, self._finish = model, "stop"
        self._counts: dict[str, Any] = {}
        self._calls = CallBuilder()

    def take(self, event: Event) -> str | Delta | None:
        """The text of `event`, or the end."""
        match event:
            case {"type": "content_block_delta", "delta": dict(delta)}:
                return self._take_piece(event, delta)
            case {"type": "content_block_start", "content_block": dict(block)}:
                return self.open(event.get("index"), block)
            case {"type": "message_start", "message": {"usage": dict(usage)}}:
                # Its output tokens are a stub of 1.
                self._counts |= {k: v for k, v in usage.items() if k != "output_tokens"}
                return None
            case {"type": "message_delta", "delta": dict(delta)}:
                self.finish(delta.get("stop_reason"), event.get("usage"))
                return None
            case {"type": "message_stop"}:
                return self.conclude()
            case {"type": "ping"}:
                return None
            case {"type": "error"}:
                raise _failures.from_event(self._model, _failures.describe(event))
        return ""  # thinking, blocks that open and close: alive

    def end(self) -> Delta:
        """Raises `BrokenAnswer`: an event is the end."""
        raise _failures.cut(self._model)

    def open(self, place: object, block: Event) -> str:
        """The text that `block` begins with; a call begins as well."""
        if block.get("type") == "tool_use":
            given = block.get("input")  # {} from the service itself: the pieces follow
            self._calls.add(
                place,
                id=block.get("id"),
                name=block.get("name"),
                arguments=json.dumps(given) if given else "",
            )
        # "" from the service itself; proxies may begin here.
        text = block.get("text") if block.get("type") == "text" else ""
        return text if isinstance(text, str) else ""

    def finish(self, reason: object, counts: object) -> None:
        """Note why the answer ends, and the final counts. Raises a `ProviderError` if it failed."""
        if isinstance(counts, dict):
            self._counts |= {name: value for name, value in counts.items() if value is not None}
        self._finish = _finish(reason, self._model)

    def conclude(self, text: str = "") -> Delta:
        """The end, with the calls and `text`."""
        calls = self._calls.build(self._model)
        return Delta(text, usage=read_counts(self._counts), finish=self._finish, calls=calls)

    def _take_piece(self, event: Event, delta: Event) -> str:
        if delta.get("type") == "text_delta" and isinstance(text := delta.get("text"), str):
            return text
        if isinstance(piece := delta.get("partial_json"), str):
            self._calls.add(event.get("index"), id="", name="", arguments=piece)
        return ""


def _finish(reason: object, model: str) -> str:
    if reason == "refusal":
        raise _failures.refusal(model)
    if reason == "pause_turn":
        raise _failures.cut(model)
    return _FINISH.get(str(reason), "stop")


def _content(message: Message) -> str | list[Event]:
    if not message.images:
        return message.content
    pictures: list[Event] = [
        {
            "type": "image",
            "source": {"type": "base64", "media_type": image.media_type, "data": image.data},
        }
        for image in message.images
    ]
    return [*pictures, {"type": "text", "text": message.content}]


def _supported(schema: Mapping[str, Any]) -> Event:
    """`schema` with what the service does not take moved into descriptions, by the SDK."""
    import anthropic  # noqa: PLC0415 - about a second of CPU

    return anthropic.transform_schema(dict(schema))


def read_counts(counts: Mapping[str, object]) -> Usage | None:
    """`Usage` from Anthropic's counts, whose ``input_tokens`` leaves out what its cache held."""
    fresh, produced = count(counts.get("input_tokens")), count(counts.get("output_tokens"))
    if fresh is None or produced is None:
        return None
    read = count(counts.get("cache_read_input_tokens")) or 0
    written = count(counts.get("cache_creation_input_tokens")) or 0
    return Usage(fresh + read + written, produced, read)
