"""The two wire formats of the OpenAI SDK.

Responses (https://platform.openai.com/docs/api-reference/responses-streaming) is spoken by
api.openai.com; Chat Completions (https://platform.openai.com/docs/api-reference/chat-streaming)
by every server that calls itself compatible.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import ModuleType
from typing import Any, ClassVar

from orch_nb.providers import _failures
from orch_nb.providers._sdk import Event, SDKProvider
from orch_nb.providers._usage import read_usage
from orch_nb.types import Delta, Request, Usage

OPENAI_HOST = "api.openai.com"
_FINISH = {"length": "length", "tool_calls": "tool", "max_output_tokens": "length"}


class OpenAIWire(SDKProvider):
    """Any server that the official ``openai`` SDK reaches."""

    sdk: ClassVar[str] = "openai"
    models_path: ClassVar[str] = "/models"

    def make_client(self, sdk: ModuleType, http_client: Any) -> Any:
        """`openai.AsyncOpenAI`, with nothing taken from the environment behind our back."""
        headers: dict[str, Any] = dict(self.endpoint.headers)
        if self.endpoint.key is None:
            headers["Authorization"] = sdk.Omit()
        if self.endpoint.organization is None:
            headers["OpenAI-Organization"] = sdk.Omit()
        if self.endpoint.host != OPENAI_HOST:
            headers["OpenAI-Project"] = sdk.Omit()
        return sdk.AsyncOpenAI(
            base_url=self.endpoint.base_url,
            api_key=self.endpoint.key or "none",
            organization=self.endpoint.organization,
            default_headers=headers,
            http_client=http_client,
            max_retries=0,
        )

    @property
    def _responses(self) -> bool:
        return self.endpoint.host == OPENAI_HOST

    def encode(self, request: Request, model: str) -> tuple[str, Event]:
        """A Responses body for api.openai.com, a Chat Completions body for all others."""
        turns = [{"role": m.role, "content": m.content} for m in request.messages]
        given = request.parameters
        body: Event = {"model": model, "stream": True}
        if given.temperature is not None:
            body["temperature"] = given.temperature
        if self._responses:
            body |= {"input": turns, "store": False}
            if request.system is not None:
                body["instructions"] = request.system
            if given.max_tokens is not None:
                body["max_output_tokens"] = given.max_tokens
            return "/responses", body
        if request.system is not None:
            turns.insert(0, {"role": "system", "content": request.system})
        body |= {"messages": turns, "stream_options": {"include_usage": True}}
        if given.max_tokens is not None:
            body["max_tokens"] = given.max_tokens
        return "/chat/completions", body

    def read(self, events: AsyncIterator[Event], model: str) -> AsyncIterator[Delta]:
        """Deltas from whichever of the two formats was asked for."""
        return read_responses(events, model) if self._responses else read_chat(events, model)


async def read_chat(events: AsyncIterator[Event], model: str) -> AsyncIterator[Delta]:
    """Chat Completions: the end mark is a ``finish_reason``; usage follows in a chunk of its own."""
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


async def read_responses(events: AsyncIterator[Event], model: str) -> AsyncIterator[Delta]:
    """Responses: the end mark is ``response.completed`` or ``response.incomplete``."""
    async for event in events:
        match event:
            case {"type": "response.output_text.delta", "delta": str(text)}:
                yield Delta(text)
            case {"type": "response.refusal.delta", "delta": str(said)}:
                raise _failures.refusal(model, said)
            case {"type": "response.completed", "response": dict(done)}:
                yield Delta(usage=_responses_usage(done), finish="stop")
                return
            case {"type": "response.incomplete", "response": dict(done)}:
                reason = (done.get("incomplete_details") or {}).get("reason")
                if reason == "content_filter":
                    raise _failures.refusal(model)
                yield Delta(usage=_responses_usage(done), finish=_FINISH.get(str(reason), "length"))
                return
            case {"type": "response.failed", "response": dict(done)}:
                raise _failures.from_event(model, _failures.describe(done))
            case {"type": "error"}:
                raise _failures.from_event(model, _failures.describe(event))
            case _:
                yield Delta()  # reasoning, items and parts that open and close: alive
    raise _failures.cut(model)


def _responses_usage(done: Event) -> Usage | None:
    return read_usage(done.get("usage"), "input_tokens", "output_tokens", "input_tokens_details")
