"""The loopback server speaks the wires that the official SDKs read, and breaks them as told."""

from __future__ import annotations

import http.client
import json
import os
import socket
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from anthropic import Anthropic
from anthropic.types import Message, RawMessageStreamEvent
from openai import OpenAI
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter
from stub.answer import count, digest, split
from stub.client import Stub
from stub.spec import NAMES, STREAM_ONLY, parse, write
from stub.wires.models import DEFAULT

PROMPT = "How deep is the Öresund at its deepest?"
PATHS = {"chat": "/v1/chat/completions", "responses": "/v1/responses", "messages": "/v1/messages"}
WIRES = tuple(PATHS)
#: What a body and what an event must be.
SHAPES: dict[str, tuple[TypeAdapter[Any], TypeAdapter[Any]]] = {
    "chat": (TypeAdapter(ChatCompletion), TypeAdapter(ChatCompletionChunk)),
    "responses": (TypeAdapter(Response), TypeAdapter(ResponseStreamEvent)),
    "messages": (TypeAdapter(Message), TypeAdapter(RawMessageStreamEvent)),
}


@pytest.fixture
def openai(stub: Stub) -> Iterator[OpenAI]:
    with OpenAI(base_url=stub.url("alpha", "/v1"), api_key="sk-stub", max_retries=0) as client:
        yield client


@pytest.fixture
def anthropic(stub: Stub) -> Iterator[Anthropic]:
    with Anthropic(base_url=stub.url("alpha"), api_key="sk-stub", max_retries=0) as client:
        yield client


def request(wire: str, *, stream: bool, model: str = "m") -> dict[str, Any]:
    turns = [{"role": "user", "content": PROMPT}]
    body = {"model": model, "stream": stream, "max_tokens": 99}
    if wire == "chat":
        body["stream_options"] = {"include_usage": True}
    return {**body, ("input" if wire == "responses" else "messages"): turns}


def post(
    stub: Stub, wire: str, *, stream: bool, model: str = "m", provider: str = "alpha"
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body, without a client that could forgive anything."""
    with closing(http.client.HTTPConnection("127.0.0.1", stub.port, timeout=10)) as connection:
        body = json.dumps(request(wire, stream=stream, model=model))
        headers = {"Authorization": "Bearer sk-stub"}
        connection.request("POST", f"/{provider}{PATHS[wire]}", body, headers)
        response = connection.getresponse()
        return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()


def events(body: bytes) -> list[Any]:
    lines = [line.removeprefix(b"data: ") for line in body.split(b"\n") if line[:5] == b"data:"]
    return [json.loads(line) for line in lines if line != b"[DONE]"]


def open_socket(stub: Stub, wire: str, *, stream: bool = True) -> socket.socket:
    """A connection that has just asked, for tests that hang up or read byte by byte."""
    body = json.dumps(request(wire, stream=stream)).encode()
    start = f"POST /alpha{PATHS[wire]} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    sock = socket.create_connection(("127.0.0.1", stub.port), timeout=10)
    sock.sendall(start.encode() + body)
    return sock


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


@pytest.mark.parametrize("stream", [False, True])
def test_official_clients_read_the_same_answer(
    openai: OpenAI, anthropic: Anthropic, stub: Stub, stream: bool
) -> None:
    answers = [
        ask_chat(openai, stream),
        ask_responses(openai, stream),
        ask_messages(anthropic, stream),
    ]
    text, tokens_in, tokens_out = answers[0]
    assert text.startswith(f"echo {digest(PROMPT)} ")
    assert (tokens_in, tokens_out) == (count(PROMPT), len(split(text)))
    assert answers[1:] == [answers[0]] * 2
    assert stub.bill() == {
        "alpha:m": {"calls": 3, "input": 3 * tokens_in, "output": 3 * tokens_out}
    }


@pytest.mark.parametrize("fault", ["ok", "refuse", "refuse?by=filter", "length", "ok?cached=3"])
@pytest.mark.parametrize("wire", WIRES)
def test_bodies_and_events_are_of_the_sdks_types(stub: Stub, wire: str, fault: str) -> None:
    whole, part = SHAPES[wire]
    stub.rule("alpha", fault)
    body = json.loads(post(stub, wire, stream=False)[2])
    whole.validate_python(body)
    for event in events(post(stub, wire, stream=True)[2]):
        if event.get("type") != "ping":  # the SDK drops it before it looks at types
            part.validate_python(event)


def test_models_are_listed_in_both_shapes(stub: Stub, openai: OpenAI, anthropic: Anthropic) -> None:
    assert tuple(model.id for model in openai.models.list()) == DEFAULT
    stub.models("alpha", ["one", "two"])
    assert [model.id for model in anthropic.models.list()] == ["one", "two"]
    assert [entry.wire for entry in stub.log()] == ["models", "models"]


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


def test_errors_are_in_the_providers_own_words(stub: Stub) -> None:
    stub.rule("alpha", "401?body=echo_key")
    assert b"sk-stub" in post(stub, "chat", stream=True)[2]
    stub.rule("alpha", "429?code=slow_down&msg=later")
    error = json.loads(post(stub, "responses", stream=True)[2])["error"]
    assert (error["code"], error["message"]) == ("slow_down", "later")
    stub.rule("alpha", "529")
    assert json.loads(post(stub, "messages", stream=True)[2])["error"]["type"] == "overloaded_error"
    assert stub.bill() == {}


COMPLETE = sorted(
    NAMES.keys()
    - {"close", "reset", "hang", "hang_headers", "truncated"}
    - {"close_mid", "reset_mid", "hang_mid"}
)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("name", COMPLETE)
def test_every_fault_that_ends_is_a_whole_response(stub: Stub, name: str, wire: str) -> None:
    values = {
        "slow": "s=0.01",
        "drip": "n=200&delay=0.001",
        "pings": "n=2&delay=0",
        "big": "mb=1",
        "bigline": "mb=1",
    }
    stub.rule("alpha", f"{name}?{values[name]}" if name in values else name)
    _, headers, body = post(stub, wire, stream=True)
    plain_status = post(stub, wire, stream=False)[0]
    assert headers["content-type"]
    assert bool(body) == (name not in ("empty", "redirect"))
    assert (plain_status == 400) == (
        name in STREAM_ONLY or name == "context" or (name == "quota" and wire == "messages")
    )
    assert all(entry.finished and entry.hung_up is None for entry in stub.log())


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", ["close", "reset", "truncated", "close_mid", "reset_mid"])
def test_cut_connections_are_seen_as_cut(stub: Stub, name: str, stream: bool) -> None:
    stub.rule("alpha", name)
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        post(stub, "chat", stream=stream)
    (entry,) = stub.log()
    assert not entry.finished


@pytest.mark.parametrize("name", ["hang", "hang_headers", "hang_mid", "ok?delay=5"])
def test_a_hang_up_is_noticed(stub: Stub, name: str) -> None:
    stub.rule("alpha", name)
    sock = open_socket(stub, "chat")
    while stub.stats("alpha").inflight == 0:
        time.sleep(0.01)
    with pytest.raises(TimeoutError):
        stub.wait_idle(0.05)
    sock.close()
    stub.wait_idle()
    (entry,) = stub.log()
    assert entry.hung_up is not None
    assert not entry.finished
    assert stub.stats().max_inflight == 1


def test_a_broken_stream_is_billed_as_far_as_it_went(stub: Stub) -> None:
    stub.rule("alpha", "close_mid?after=2")
    with pytest.raises(http.client.IncompleteRead):
        post(stub, "messages", stream=True)
    assert stub.bill()["alpha:m"]["output"] == 2


def test_bytes_that_break_decoders(stub: Stub) -> None:
    def streamed(fault: str) -> bytes:
        stub.rule("alpha", fault)
        return post(stub, "chat", stream=True)[2]

    assert "one\u2028two\u2029three\x85four".encode() in streamed("u2028")
    assert rb"\ud800x\udc00" in streamed("surrogate")
    with pytest.raises(UnicodeDecodeError):
        streamed("bad_utf8").decode()
    with pytest.raises(RecursionError):
        events(streamed("deep"))
    with pytest.raises(json.JSONDecodeError):
        events(streamed("garbage_mid"))
    assert len(streamed("bigline?mb=2")) > 2 << 20
    assert b"\r\n\r\n" in streamed("crlf")
    assert b"[DONE]" not in streamed("no_done?keep=1")


def test_each_byte_travels_by_itself(stub: Stub) -> None:
    stub.rule("alpha", "split_utf8")
    with closing(open_socket(stub, "chat")) as sock:
        raw = b""
        while not raw.endswith(b"0\r\n\r\n"):
            raw += sock.recv(1 << 16)
    chunks = raw.partition(b"\r\n\r\n")[2].split(b"1\r\n")
    assert "é".encode()[:1] + b"\r\n" in chunks


def test_the_middle_fails_in_the_wires_own_event(stub: Stub) -> None:
    stub.rule("alpha", "err_mid?code=rate_limit_exceeded&after=1")
    last = {wire: events(post(stub, wire, stream=True)[2])[-1] for wire in WIRES}
    assert last["chat"]["error"]["code"] == "rate_limit_exceeded"
    assert last["messages"]["type"] == "error"
    assert last["responses"]["type"] == "response.failed"
    TypeAdapter(ResponseStreamEvent).validate_python(last["responses"])


def test_redirects_point_to_the_sink(stub: Stub) -> None:
    stub.plan("alpha", "redirect", "redirect?to=self&status=302")
    status, headers, _ = post(stub, "chat", stream=False)
    assert (status, headers["location"]) == (307, f"{stub.sink_url}/elsewhere")
    assert post(stub, "chat", stream=False)[1]["location"] == "/alpha/v1/chat/completions"
    sink = urllib.parse.urlsplit(stub.sink_url)
    with closing(http.client.HTTPConnection(sink.netloc, timeout=10)) as connection:
        connection.request("POST", "/elsewhere", b"secret", {"Authorization": "Bearer k"})
        connection.getresponse().read()
    (arrived,) = stub.sink_log()
    assert (arrived["body"], arrived["headers"]["authorization"]) == ("secret", "Bearer k")


def test_the_log_holds_what_was_sent(stub: Stub) -> None:
    post(stub, "responses", stream=True, provider="beta")
    assert stub.log("alpha") == []
    (entry,) = stub.log("beta")
    assert (entry.wire, entry.model, entry.stream, entry.fault) == ("responses", "m", True, "ok")
    assert entry.headers["authorization"] == "Bearer sk-stub"
    assert entry.body["input"][0]["content"] == entry.prompt == PROMPT
    stub.reset()
    assert stub.log() == []


def test_reset_cuts_what_is_still_open(stub: Stub) -> None:
    stub.rule("alpha", "hang")
    with closing(open_socket(stub, "chat")) as sock:
        while stub.stats().inflight == 0:
            time.sleep(0.01)
        stub.reset()
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
    assert stub.stats().inflight == stub.stats().live == 0


def test_ports_that_do_not_answer(stub: Stub) -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", stub.dead_port()), timeout=5)
    with pytest.raises(TimeoutError):
        socket.create_connection(("127.0.0.1", stub.blackhole_port()), timeout=0.3)


@pytest.mark.parametrize(
    "reach",
    [
        lambda: socket.create_connection(("192.0.2.1", 80), timeout=0.1),
        lambda: socket.getaddrinfo("provider.example", 443),
        OpenAI(base_url="http://192.0.2.1/v1", api_key="k", max_retries=0).models.list,
    ],
)
def test_nothing_reaches_beyond_loopback(reach: Callable[[], object]) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"127\.0\.0\.1 only"):
        reach()


def test_nothing_of_the_developer_is_seen(tmp_path: Path) -> None:
    assert [name for name in os.environ if name.endswith(("_API_KEY", "_BASE_URL"))] == []
    assert Path.home() == tmp_path / "home"
    assert Path.cwd() == tmp_path / "work"


def test_specs_are_read_as_they_are_written() -> None:
    spec = parse(write("ok", text="a&b=c ?#%é", words=3))
    assert (spec.values["text"], spec.count("words", 0)) == ("a&b=c ?#%é", 3)
