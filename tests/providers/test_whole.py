"""Answers that come whole, on each wire."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from ollama._types import ChatRequest
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming

from orch_nb.errors import BrokenAnswer, ProviderError, Rejected, ServerFailed
from orch_nb.providers import Endpoint, _chat, _ollama_chat, _responses, anthropic, compatible
from orch_nb.providers import ollama as local_server
from orch_nb.providers._port import Port
from orch_nb.providers._whole import Whole as Reading
from orch_nb.providers.openai import Provider as OpenAI
from orch_nb.types import Delta, ToolCall, Usage
from providers.faults import FAILURES
from providers.test_anthropic import TestAnthropic as Messages
from providers.test_chat import TestChat as Chat
from providers.test_ollama import TestOllama as Ollama
from providers.test_responses import TestResponses as Responses
from providers.whole import Whole, plain
from stub.client import Stub


def unstreamed(body: dict[str, Any]) -> dict[str, Any]:
    return {**{k: v for k, v in body.items() if k != "stream_options"}, "stream": False}


class TestChatWhole(Whole):
    wire = "chat"
    params = CompletionCreateParamsNonStreaming
    full_body: ClassVar = unstreamed(Chat.full_body)

    def make(self, endpoint: Endpoint) -> Port:
        return compatible.Provider(endpoint)


class TestResponsesWhole(Whole):
    wire = "responses"
    params = ResponseCreateParamsNonStreaming
    full_body: ClassVar = unstreamed(Responses.full_body)

    def make(self, endpoint: Endpoint) -> Port:
        return OpenAI(endpoint, wire=_responses)


class TestAnthropicWhole(Whole):
    wire = "messages"
    path = ""
    params = MessageCreateParamsNonStreaming
    extra = Messages.extra
    full_body: ClassVar = unstreamed(Messages.full_body)

    def make(self, endpoint: Endpoint) -> Port:
        return anthropic.Provider(endpoint)


class TestOllamaWhole(Whole):
    wire = "ollama"
    path = ""
    params = ChatRequest
    extra = Ollama.extra
    sent_again = Ollama.sent_again
    full_body: ClassVar = unstreamed(Ollama.full_body)

    def make(self, endpoint: Endpoint) -> Port:
        return local_server.Provider(endpoint)

    @pytest.mark.parametrize(
        ("fault", "kind", "status"),
        [row for row in FAILURES if plain(row[0]) and not row[0].startswith("refuse")],
    )
    def test_a_failure_has_its_name_and_harms_nothing(
        self, stub: Stub, fault: str, kind: type[ProviderError], status: int | None
    ) -> None:
        """Ollama's models refuse in words only."""
        super().test_a_failure_has_its_name_and_harms_nothing(stub, fault, kind, status)

    def test_what_the_cache_of_the_provider_held_is_part_of_the_input(self, stub: Stub) -> None:
        """Ollama does not say what of it was cached."""


# -- documents that no server of the stub's would send

READ: dict[str, Callable[[dict[str, Any], str], Delta]] = {
    "chat": _chat.read_whole,
    "responses": _responses.read_whole,
    "messages": anthropic.Provider(Endpoint("anthropic")).read_whole,
    "ollama": _ollama_chat.read_whole,
}
SAID = {"role": "assistant", "content": "Nile"}
THOUGHT = {"type": "thinking", "thinking": [{"type": "text", "text": "Which is long?"}]}
PARTS = {"content": [THOUGHT, {"type": "text", "text": "Ni"}, {"type": "text", "text": "le"}, None]}
DONE = {"type": "message", "content": [{"type": "output_text", "text": "Nile"}]}
WORDS = {"type": "text", "text": "Nile"}
NO = {"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}


@pytest.mark.parametrize(
    ("wire", "document"),
    [
        ("chat", {"choices": [{"message": SAID, "finish_reason": "stop"}]}),
        ("chat", {"choices": [{"message": SAID, "finish_reason": "stop", "index": 7}, None]}),
        ("chat", {"choices": [{"message": PARTS, "finish_reason": "stop"}]}),
        ("responses", {"status": "completed", "output": [DONE, {"type": "reasoning"}, None]}),
        ("messages", {"content": [{"type": "thinking"}, WORDS, None], "stop_reason": "end_turn"}),
        ("ollama", {"message": SAID, "done": True}),
    ],
)
def test_the_text_is_read_and_what_nobody_knows_is_not(wire: str, document: dict[str, Any]) -> None:
    assert READ[wire](document, "a:m") == Delta("Nile", finish="stop")


def test_what_comes_in_parts_is_read_in_a_stream_as_well() -> None:
    assert _chat.Reader("a:m").take({"choices": [{"delta": PARTS}]}) == "Nile"
    assert _chat.Reader("a:m").take({"choices": [{"delta": {"content": [THOUGHT]}}]}) == ""


def test_arguments_that_are_json_already_are_not_lost() -> None:
    call = {"id": "1", "function": {"name": "find", "arguments": {"river": "Nile"}}}
    message = {"content": None, "tool_calls": [call]}
    document = {"choices": [{"message": message, "finish_reason": "tool_calls"}]}
    assert _chat.read_whole(document, "a:m").calls == (ToolCall("find", {"river": "Nile"}, "1"),)


@pytest.mark.parametrize(
    ("wire", "document"),
    [
        ("chat", {}),
        ("chat", {"choices": {"0": SAID}}),
        ("chat", {"choices": []}),
        ("chat", {"choices": ["Nile"]}),
        ("chat", {"choices": [{"message": SAID}]}),
        ("chat", {"choices": [{"message": SAID, "finish_reason": None}]}),
        ("chat", {"choices": [{"message": SAID, "finish_reason": 5}]}),
        ("responses", {"status": "completed"}),
        ("responses", {"output": [DONE]}),
        ("responses", {"status": "in_progress", "output": [DONE]}),
        ("responses", {"status": "cancelled", "output": [DONE]}),
        ("responses", {"status": ["completed"], "output": [DONE]}),
        ("messages", {"content": "Nile", "stop_reason": "end_turn"}),
        ("messages", {"content": [WORDS]}),
        ("messages", {"content": [WORDS], "stop_reason": None}),
        ("messages", {"content": [WORDS], "stop_reason": "pause_turn"}),
        ("messages", {"content": [{"type": "tool_use", "input": "x"}], "stop_reason": "tool_use"}),
        ("ollama", {"message": SAID}),
        ("ollama", {"message": SAID, "done": "yes"}),
        ("ollama", {"message": {"content": 5}, "done": True}),
    ],
)
def test_what_is_no_complete_answer_is_a_broken_one(wire: str, document: dict[str, Any]) -> None:
    with pytest.raises(BrokenAnswer, match=r"^a:m: "):
        READ[wire](document, "a:m")


FILTERED = {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}


@pytest.mark.parametrize(
    ("wire", "document"),
    [
        ("chat", {"choices": [{"message": {"refusal": "No."}, "finish_reason": "stop"}]}),
        ("chat", {"choices": [{"message": SAID, "finish_reason": "content_filter"}]}),
        ("responses", {"status": "completed", "output": [NO]}),
        ("responses", {"output": [], **FILTERED}),
        ("messages", {"content": [WORDS], "stop_reason": "refusal"}),
    ],
)
def test_a_refusal_stops(wire: str, document: dict[str, Any]) -> None:
    with pytest.raises(Rejected):
        READ[wire](document, "a:m")


def test_a_response_that_failed_says_why() -> None:
    document = {"status": "failed", "output": [], "error": {"code": "server_error"}}
    with pytest.raises(ServerFailed, match="server_error"):
        _responses.read_whole(document, "a:m")


def reading_of(limit: int) -> Reading:
    return Reading(_ollama_chat.read_whole, _ollama_chat.count_of, "a:m", lambda _: "", limit)


def test_a_document_holds_what_it_may_and_no_byte_more() -> None:
    raw = b'{"message": {"content": "Nile"}, "done": true, "eval_count": 1, "prompt_eval_count": 2}'
    reading = reading_of(len(raw))
    assert list(reading.take(raw)) == [Delta("Nile", usage=Usage(2, 1), finish="stop")]
    for other in (b"", b"[]", b'"Nile"', b"null", raw[:-1], raw + b"x", b"\xff" + raw):
        with pytest.raises(BrokenAnswer):
            list(reading.take(other))


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "answer is empty"),
        (b" \r\n", "answer is empty"),
        (b'{"message": {"content": "Ni', "cut short (its JSON ends in the middle)"),
        (b'{"message": {"content": "Nile"}, "done": tru', "cut short"),
        (b'{"message": "\xc3', "cut short"),
        (b'{"message": Nile}', "broken JSON"),
        (b"{}}", "broken JSON"),
        (b"upstream connect error", "broken JSON"),
    ],
)
def test_a_document_that_cannot_be_read_is_told_from_one_that_ended(raw: bytes, said: str) -> None:
    reading = reading_of(1000)
    with pytest.raises(BrokenAnswer, match=re.escape(said)):
        list(reading.take(raw))
