"""The loopback server speaks the wires that the official SDKs read, and breaks them as told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from anthropic import Anthropic
from anthropic.types import Message, RawMessageStreamEvent
from ollama import ChatResponse
from ollama import Client as Ollama
from openai import OpenAI
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from stub.answer import count, digest, split
from stub.client import Stub
from stub.raw import PROMPT, WIRES, events, post
from stub.spec import parse, write
from stub.wires.models import DEFAULT, Row

#: What a body and what an event must be.
SHAPES: dict[str, tuple[TypeAdapter[Any], TypeAdapter[Any]]] = {
    "chat": (TypeAdapter(ChatCompletion), TypeAdapter(ChatCompletionChunk)),
    "responses": (TypeAdapter(Response), TypeAdapter(ResponseStreamEvent)),
    "messages": (TypeAdapter(Message), TypeAdapter(RawMessageStreamEvent)),
    "ollama": (TypeAdapter(ChatResponse), TypeAdapter(ChatResponse)),
}


@pytest.fixture
def openai(stub: Stub) -> Iterator[OpenAI]:
    with OpenAI(base_url=stub.url("alpha", "/v1"), api_key="sk-stub", max_retries=0) as client:
        yield client


@pytest.fixture
def anthropic(stub: Stub) -> Iterator[Anthropic]:
    with Anthropic(base_url=stub.url("alpha"), api_key="sk-stub", max_retries=0) as client:
        yield client


@pytest.fixture
def ollama(stub: Stub) -> Iterator[Ollama]:
    with Ollama(stub.url("alpha")) as client:
        yield client


def ask_chat(client: OpenAI, stream: bool) -> tuple[str, int, int]:
    turns: Any = [{"role": "user", "content": PROMPT}]
    if not stream:
        answer = client.chat.completions.create(model="m", messages=turns)
        assert answer.usage is not None
        said = answer.choices[0].message.content or ""
        return said, answer.usage.prompt_tokens, answer.usage.completion_tokens
    chunks = list(
        client.chat.completions.create(
            model="m", messages=turns, stream=True, stream_options={"include_usage": True}
        )
    )
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    usage = chunks[-1].usage
    assert usage is not None
    return text, usage.prompt_tokens, usage.completion_tokens


def ask_responses(client: OpenAI, stream: bool) -> tuple[str, int, int]:
    if stream:
        with client.responses.stream(model="m", input=PROMPT) as opened:
            pieces = [e.delta for e in opened if e.type == "response.output_text.delta"]
            answer: Response = opened.get_final_response()
        assert "".join(pieces) == answer.output_text
    else:
        answer = client.responses.create(model="m", input=PROMPT)
    assert answer.usage is not None
    assert answer.status == "completed"
    return answer.output_text, answer.usage.input_tokens, answer.usage.output_tokens


def ask_messages(client: Anthropic, stream: bool) -> tuple[str, int, int]:
    turns: Any = [{"role": "user", "content": PROMPT}]
    if stream:
        with client.messages.stream(model="m", max_tokens=99, messages=turns) as opened:
            pieces = list(opened.text_stream)
            answer: Message = opened.get_final_message()
        assert "".join(pieces) == opened.get_final_text()
    else:
        answer = client.messages.create(model="m", max_tokens=99, messages=turns)
    assert answer.stop_reason == "end_turn"
    text = "".join(block.text for block in answer.content if block.type == "text")
    return text, answer.usage.input_tokens, answer.usage.output_tokens


def ask_ollama(client: Ollama, stream: bool) -> tuple[str, int, int]:
    turns = [{"role": "user", "content": PROMPT}]
    answer = client.chat("m", turns, stream=stream)
    parts = list(answer) if stream else [answer]
    text = "".join(part.message.content or "" for part in parts)
    return text, parts[-1].prompt_eval_count or 0, parts[-1].eval_count or 0


@pytest.mark.parametrize("stream", [False, True])
def test_official_clients_read_the_same_answer(
    openai: OpenAI, anthropic: Anthropic, ollama: Ollama, stub: Stub, stream: bool
) -> None:
    answers = [
        ask_chat(openai, stream),
        ask_responses(openai, stream),
        ask_messages(anthropic, stream),
        ask_ollama(ollama, stream),
    ]
    text, tokens_in, tokens_out = answers[0]
    assert text.startswith(f"echo {digest(PROMPT)} ")
    assert (tokens_in, tokens_out) == (count(PROMPT), len(split(text)))
    assert answers[1:] == [answers[0]] * 3
    assert stub.bill() == {
        "alpha:m": {"calls": 4, "input": 4 * tokens_in, "output": 4 * tokens_out}
    }


TWO_CALLS = write("tool", name="look_up", arguments='{"city": "Rome"}\n{"city": "Oslo"}')
FAULTS = ["ok", "refuse", "refuse?by=filter", "length", "ok?cached=3", TWO_CALLS, "tool?text=Now"]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("wire", WIRES)
def test_bodies_and_events_are_of_the_sdks_types(stub: Stub, wire: str, fault: str) -> None:
    whole, part = SHAPES[wire]
    stub.rule("alpha", fault)
    body = json.loads(post(stub, wire, stream=False)[2])
    whole.validate_python(body)
    for event in events(post(stub, wire, stream=True)[2]):
        if event.get("type") != "ping":  # the SDK drops it before it looks at types
            part.validate_python(event)


@pytest.mark.parametrize("spoken", ["", "Let me see. "])
def test_official_clients_read_the_same_calls(
    openai: OpenAI, anthropic: Anthropic, ollama: Ollama, stub: Stub, spoken: str
) -> None:
    stub.rule("alpha", f"{TWO_CALLS}&text={quote(spoken)}")
    turns: Any = [{"role": "user", "content": PROMPT}]
    with openai.chat.completions.stream(model="m", messages=turns) as chat:
        message = chat.get_final_completion().choices[0].message
    with openai.responses.stream(model="m", input=PROMPT) as responses:
        response = responses.get_final_response()
    with anthropic.messages.stream(model="m", max_tokens=99, messages=turns) as messages:
        blocks = messages.get_final_message().content
    lines = list(ollama.chat("m", turns, stream=True))
    rome, oslo = {"city": "Rome"}, {"city": "Oslo"}
    assert [
        (call.id, json.loads(call.function.arguments)) for call in message.tool_calls or ()
    ] == [
        ("call_0", rome),
        ("call_1", oslo),
    ]
    items = [item for item in response.output if item.type == "function_call"]
    assert [json.loads(item.arguments) for item in items] == [rome, oslo]
    assert [block.input for block in blocks if block.type == "tool_use"] == [rome, oslo]
    called = [call.function for line in lines for call in line.message.tool_calls or ()]
    assert [(call.name, call.arguments) for call in called] == [
        ("look_up", rome),
        ("look_up", oslo),
    ]
    said = [block.text for block in blocks if block.type == "text"]
    assert (message.content or "", response.output_text, "".join(said)) == (spoken,) * 3
    assert "".join(line.message.content or "" for line in lines) == spoken


@pytest.mark.parametrize("wire", ["chat", "responses", "messages"])
def test_calls_are_billed_alike_whole_and_in_pieces(stub: Stub, wire: str) -> None:
    stub.rule("alpha", TWO_CALLS)
    for stream in (False, True):
        post(stub, wire, stream=stream)
    whole, pieces = (entry.billed_output for entry in stub.log())
    assert whole == pieces > 2


def test_tokens_are_counted_for_free(openai: OpenAI, anthropic: Anthropic, stub: Stub) -> None:
    turns: Any = [{"role": "user", "content": PROMPT}]
    counts = [
        openai.responses.input_tokens.count(model="m", input=PROMPT).input_tokens,
        anthropic.messages.count_tokens(model="m", messages=turns).input_tokens,
    ]
    assert counts == [count(PROMPT)] * 2
    assert [entry.wire for entry in stub.log()] == ["count", "count"]
    assert stub.bill() == {}


def test_models_are_listed_in_both_shapes(stub: Stub, openai: OpenAI, anthropic: Anthropic) -> None:
    assert tuple(model.id for model in openai.models.list()) == DEFAULT
    stub.models("alpha", ["one", "two"])
    assert [model.id for model in anthropic.models.list()] == ["one", "two"]
    assert [entry.wire for entry in stub.log()] == ["models", "models"]


def test_ollama_says_what_it_has(stub: Stub, ollama: Ollama) -> None:
    stub.models("alpha", ["one", Row("two:8b", 8192, ("embedding",), 5, loaded=4096)])
    assert [(model.model, model.size) for model in ollama.list().models] == [
        ("one", 1_000_000),
        ("two:8b", 5),
    ]
    shown = ollama.show("two:8b")
    assert shown.modelinfo == {"general.architecture": "llama", "llama.context_length": 8192}
    assert shown.capabilities == ["embedding"]
    assert [(row.model, row.context_length) for row in ollama.ps().models] == [("two:8b", 4096)]
    assert stub.bill() == {}


def test_usage_is_streamed_only_when_asked(stub: Stub, openai: OpenAI) -> None:
    turns: Any = [{"role": "user", "content": PROMPT}]
    chunks = list(openai.chat.completions.create(model="m", messages=turns, stream=True))
    assert [chunk.usage for chunk in chunks] == [None] * len(chunks)


def test_plan_then_rule_then_model_name(stub: Stub) -> None:
    stub.plan("alpha", "500", "429?retry_after=7")
    stub.rule("alpha", "503", model="special-*")
    seen = [post(stub, "chat", stream=False, model=m) for m in ("m", "m", "special-1", "fault:418")]
    assert [status for status, _, _ in seen] == [500, 429, 503, 418]
    assert seen[1][1]["retry-after"] == "7"
    assert post(stub, "chat", stream=False)[0] == 200


def test_listing_obeys_only_rules_that_name_it(stub: Stub, openai: OpenAI) -> None:
    stub.plan("alpha", "500")
    stub.rule("alpha", "500")
    assert len(list(openai.models.list())) == len(DEFAULT)
    stub.rule("alpha", "ok", wire="chat")
    stub.rule("alpha", "401", wire="models")
    with pytest.raises(Exception, match="401"):
        openai.models.list()


def test_literal_text_survives_every_wire(stub: Stub) -> None:
    said = 'a & b=c ? "quoted"\n\n😀 tail '
    stub.rule("alpha", write("ok", text=said))
    texts = [
        "".join(e["choices"][0]["delta"].get("content", "") for e in all_ if e["choices"])
        for all_ in [events(post(stub, "chat", stream=True)[2])]
    ]
    assert texts == [said]
    assert json.loads(post(stub, "messages", stream=False)[2])["content"][0]["text"] == said


def test_unknown_specs_are_refused_at_once(stub: Stub) -> None:
    with pytest.raises(ValueError, match="no fault is called 'hagn'"):
        stub.plan("alpha", "hagn")
    with pytest.raises(ValueError, match="hang takes no seconds"):
        stub.rule("alpha", "hang?seconds=3")
    assert post(stub, "chat", stream=False, model="fault:hagn")[0] == 400


def test_the_log_holds_what_was_sent(stub: Stub) -> None:
    post(stub, "responses", stream=True, provider="beta")
    assert stub.log("alpha") == []
    (entry,) = stub.log("beta")
    assert (entry.wire, entry.model, entry.stream, entry.fault) == ("responses", "m", True, "ok")
    assert entry.headers["authorization"] == "Bearer sk-stub"
    assert entry.body["input"][0]["content"] == entry.prompt == PROMPT
    stub.reset()
    assert stub.log() == []


def test_specs_are_read_as_they_are_written() -> None:
    spec = parse(write("ok", text="a&b=c ?#%é", words=3))
    assert (spec.values["text"], spec.count("words", 0)) == ("a&b=c ?#%é", 3)
