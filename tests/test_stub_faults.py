"""The loopback server fails as it is told, and knows how the client took it."""

from __future__ import annotations

import http.client
import json
import socket
import time
import urllib.parse
from contextlib import closing

import pytest
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from stub.client import Stub
from stub.raw import WIRES, events, open_socket, post
from stub.spec import NAMES, STREAM_ONLY

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
    stub.wait_idle()
    assert all(entry.finished and entry.hung_up is None for entry in stub.log())


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", ["close", "reset", "truncated", "close_mid", "reset_mid"])
def test_cut_connections_are_seen_as_cut(stub: Stub, name: str, stream: bool) -> None:
    stub.rule("alpha", name)
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        post(stub, "chat", stream=stream)
    stub.wait_idle()
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


@pytest.mark.parametrize("wire", WIRES)
def test_a_short_answer_is_cut_too(stub: Stub, wire: str) -> None:
    stub.plan("alpha", "close_mid?text=one", "close_mid?text=", "no_done?text=")
    for _ in range(2):
        with pytest.raises(http.client.IncompleteRead):
            post(stub, wire, stream=True)
    assert b"[DONE]" not in post(stub, wire, stream=True)[2]


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
    assert b"finish_reason" in (unfinished := streamed("no_done?keep=1"))
    assert b"[DONE]" not in unfinished


def test_refusals_have_their_own_events(stub: Stub) -> None:
    stub.rule("alpha", "refuse?text=I+cannot")
    last = {wire: events(post(stub, wire, stream=True)[2]) for wire in WIRES}
    deltas = [e["delta"] for e in last["responses"] if e["type"] == "response.refusal.delta"]
    assert deltas == ["I ", "cannot"]
    assert last["chat"][1]["choices"][0]["delta"] == {"refusal": "I "}
    assert last["messages"][-2]["delta"]["stop_reason"] == "refusal"
    stub.rule("alpha", "length")
    assert events(post(stub, "responses", stream=True)[2])[-1]["type"] == "response.incomplete"


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


def test_errors_are_in_the_providers_own_words(stub: Stub) -> None:
    stub.rule("alpha", "401?body=echo_key")
    assert b"sk-stub" in post(stub, "chat", stream=True)[2]
    stub.rule("alpha", "429?code=slow_down&msg=later")
    error = json.loads(post(stub, "responses", stream=True)[2])["error"]
    assert (error["code"], error["message"]) == ("slow_down", "later")
    stub.rule("alpha", "529")
    assert json.loads(post(stub, "messages", stream=True)[2])["error"]["type"] == "overloaded_error"
    assert stub.bill() == {}


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
