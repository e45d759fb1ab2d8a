"""Anthropic, by its official SDK.

The wire: https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from types import ModuleType
from typing import Any, ClassVar

from orch_nb.providers import _failures
from orch_nb.providers._sdk import Event, SDKProvider
from orch_nb.providers._usage import count
from orch_nb.types import Delta, Request, Usage

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
            "messages": [{"role": m.role, "content": m.content} for m in request.messages],
            "stream": True,
        }
        if request.system is not None:
            body["system"] = request.system
        if given.temperature is not None:
            body["temperature"] = given.temperature
        return "/v1/messages", body

    async def read(self, events: AsyncIterator[Event], model: str) -> AsyncIterator[Delta]:
        """Messages: the end mark is ``message_stop``."""
        finish, counts = "stop", dict[str, Any]()
        async for event in events:
            match event:
                case {
                    "type": "content_block_delta",
                    "delta": {"type": "text_delta", "text": str(text)},
                }:
                    yield Delta(text)
                case {"type": "message_start", "message": {"usage": dict(usage)}}:
                    counts |= {
                        k: v for k, v in usage.items() if k != "output_tokens"
                    }  # a stub of 1
                case {"type": "message_delta", "delta": dict(delta)}:
                    if isinstance(final := event.get("usage"), dict):
                        counts |= {k: v for k, v in final.items() if v is not None}
                    if delta.get("stop_reason") == "refusal":
                        raise _failures.refusal(model)
                    finish = _FINISH.get(str(delta.get("stop_reason")), "stop")
                case {"type": "message_stop"}:
                    yield Delta(usage=read_counts(counts), finish=finish)
                    return
                case {"type": "ping"}:
                    continue
                case _:
                    yield Delta()  # thinking, blocks that open and close: alive
        raise _failures.cut(model)


def read_counts(counts: Mapping[str, object]) -> Usage | None:
    """`Usage` from Anthropic's counts, whose ``input_tokens`` leaves out what its cache held."""
    fresh, produced = count(counts.get("input_tokens")), count(counts.get("output_tokens"))
    if fresh is None or produced is None:
        return None
    read = count(counts.get("cache_read_input_tokens")) or 0
    written = count(counts.get("cache_creation_input_tokens")) or 0
    return Usage(fresh + read + written, produced, read)
