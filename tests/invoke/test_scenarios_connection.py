"""What happens to connections: bodies without end, silence, restarts, other protocols."""

from __future__ import annotations

import functools
import resource
import socket
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from invoke.scripted import WIRES, Scripted, lines, reply, scripted, sse
from invoke.test_scenarios_wire import DONE, END, HELLO, LAST, START, STOP, TEXT, ended, line
from orch_nb import Session
from orch_nb.errors import (
    BrokenAnswer,
    ProviderError,
    RequestRefused,
    ServerFailed,
    TimedOut,
    Unreachable,
)

HELLOS = {
    "chat": sse(HELLO, END, DONE),
    "messages": sse(START, *TEXT, ended(), STOP),
    "ollama": lines(line("Hello"), LAST),
}
PACKED = "Content-Encoding: gzip"
JSON = "application/json"
#: Megabytes that an unpacked body would take, and that all of this may take at most.
BOMB, ROOM = 300, 150


@contextmanager
def session(
    server: Scripted, wire: str, url: str | None = None, **row: object
) -> Iterator[Session]:
    """A session that asks the server as ``p`` at once, without retries."""
    kind, path, _ = WIRES[wire]
    key = {} if kind == "ollama" else {"api_key": "sk-test"}
    made = {"type": kind, "base_url": url or server.url("p", path), "max_retries": 0, **key, **row}
    with Session({"providers": {"p": made}, "cache": "off", "breaker": "off"}) as s:
        yield s


def chunked(status: int, kind: str, *parts: bytes) -> bytes:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head.encode() + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)


@functools.cache  # packing it takes most of a second
def bomb() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = b"A" * 2**20
    return b"".join(packer.compress(block) for _ in range(BOMB)) + packer.flush()


def most_memory() -> float:
    """Megabytes that this process has ever had."""
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / (2**20 if sys.platform == "darwin" else 2**10)


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("wire", WIRES)
def test_what_is_packed_is_never_unpacked(wire: str, status: int) -> None:
    kind = WIRES[wire][2] if status == 200 else JSON
    packed = bomb()
    with scripted() as server, session(server, wire) as s:
        server.script("p", reply(HELLOS[wire], WIRES[wire][2]))
        s.ask("warm", model="p:m")
        server.script("p", reply(packed, kind, PACKED, status=status))
        before = most_memory()
        with pytest.raises(ProviderError) as caught:
            s.ask("x", model="p:m")
    assert caught.value.status == (None if status == 200 else status)
    assert most_memory() - before < ROOM


@pytest.mark.parametrize("wire", WIRES)
def test_of_a_failure_without_end_the_beginning_is_read(wire: str) -> None:
    part = b"x" * 65_536
    more = chunked(500, "", part).split(b"\r\n\r\n", 1)[1]
    with scripted() as server, session(server, wire) as s:
        server.script("p", [chunked(500, JSON, part), *[more] * 4000])
        with pytest.raises(ServerFailed) as caught:
            s.ask("x", model="p:m")
    assert caught.value.status == 500
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("wire", WIRES)
def test_a_failure_that_falls_silent_has_its_status(wire: str) -> None:
    with scripted() as server, session(server, wire) as s:
        server.script("p", [chunked(503, JSON, b"{"), 60.0])
        with pytest.raises(ServerFailed) as caught:
            s.ask("x", model="p:m")
    assert caught.value.status == 503


@pytest.mark.parametrize(
    ("then", "source"),
    [
        ((b"",), "estimated"),
        ((60.0,), "estimated"),
        ((b"7\r\ndata: {", b""), "estimated"),
        ((chunked(200, "", sse({"usage": {"prompt_tokens": 3, "completion_tokens": 2}}).encode()),),
         "known"),
    ],
    ids=["hangs up", "is silent", "breaks off", "counts"],
)  # fmt: skip
def test_an_answer_with_its_end_mark_is_whole_whatever_follows(
    then: tuple[bytes | float, ...], source: str
) -> None:
    kind = "text/event-stream"
    begun = chunked(200, kind, sse(HELLO, END).encode())
    follows = [part.split(b"\r\n\r\n", 1)[-1] if isinstance(part, bytes) else part for part in then]
    with scripted() as server, session(server, "chat") as s:
        server.script("p", [begun, *follows, *([b"0\r\n\r\n"] if source == "known" else [])])
        answer = s.ask("x", model="p:m")
    assert (answer.text, answer.usage.source) == ("Hello", source)


@pytest.mark.parametrize("wire", WIRES)
def test_a_connection_that_was_closed_between_calls_is_made_anew(wire: str) -> None:
    with scripted() as server, session(server, wire) as s:
        server.script("p", [reply(HELLOS[wire], WIRES[wire][2]), b""])
        for number in range(5):
            assert s.ask(f"{number}", model="p:m").trail == ""
            server.wait_idle()


@pytest.mark.parametrize("wire", WIRES)
def test_a_server_that_was_started_anew_answers(wire: str) -> None:
    with scripted() as first, session(first, wire, max_retries=0) as s:
        first.script("p", reply(HELLOS[wire], WIRES[wire][2]))
        assert s.ask("before", model="p:m").text == "Hello"
        first.hang_up()
        with pytest.raises(Unreachable):
            s.ask("meanwhile", model="p:m")
        with scripted(first.server_address[1]) as second:
            second.script("p", reply(HELLOS[wire], WIRES[wire][2]))
            assert s.ask("after", model="p:m").text == "Hello"


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nhello",
        b"HTTP/1.1 200 O\xed\xa0\x80K\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"h" * 300_000 + b"\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        chunked(200, "text/event-stream").replace(b"chunked\r\n\r\n", b"chunked\r\n\r\nZZ\r\n"),
    ],
    ids=[
        "another protocol",
        "no length",
        "two lengths",
        "no text",
        "a large head",
        "a switch",
        "no chunk",
    ],
)
@pytest.mark.parametrize("wire", WIRES)
def test_what_is_no_http_is_no_answer(wire: str, said: bytes) -> None:
    with scripted() as server, session(server, wire) as s:
        server.script("p", [said, b""])
        with pytest.raises((Unreachable, BrokenAnswer, RequestRefused)):
            s.ask("x", model="p:m")


@pytest.mark.parametrize(
    ("said", "billed"),
    [((b"",), False), ((b"HTTP/1.1 200 OK\r\nX: " + b"h" * 300_000 + b"\r\n\r\n", b""), True)],
    ids=["nothing", "a head that nobody reads"],
)
@pytest.mark.parametrize("wire", WIRES)
def test_where_a_stream_began_it_may_be_billed(
    wire: str, said: Sequence[bytes], billed: bool
) -> None:
    with scripted() as server, session(server, wire) as s:
        server.script("p", said)
        with pytest.raises(Unreachable) as caught:
            s.ask("x", model="p:m")
    assert caught.value.asked is billed


@pytest.mark.parametrize(("said", "times"), [("false", 1), ("true", 3)])
@pytest.mark.parametrize("wire", WIRES)
def test_a_server_may_say_that_no_retry_helps(wire: str, said: str, times: int) -> None:
    with scripted() as server, session(server, wire, max_retries=2) as s:
        server.script("p", reply("{}", JSON, f"X-Should-Retry: {said}", status=503))
        with pytest.raises(ServerFailed):
            s.ask("x", model="p:m")
        assert len(server.asked) == times


@pytest.mark.parametrize("wire", WIRES)
def test_early_hints_and_many_headers_do_no_harm(wire: str) -> None:
    whole = reply(HELLOS[wire], WIRES[wire][2], *(f"X-{i}: v" for i in range(90)))
    with scripted() as server, session(server, wire) as s:
        server.script("p", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + whole)
        assert s.ask("x", model="p:m").text == "Hello"


@pytest.mark.parametrize("wire", WIRES)
def test_a_handshake_that_never_ends_is_no_connection(wire: str) -> None:
    with scripted() as server:
        secure = server.url("p", WIRES[wire][1]).replace("http:", "https:")
        with session(server, wire, secure) as s:
            s.change(limits={"connect": 0.3})
            with pytest.raises(TimedOut, match="no connection to") as caught:
                s.ask("x", model="p:m", stream=False)
        assert server.asked == []
    assert caught.value.asked is False  # so that it costs nothing


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_an_address_of_ipv6() -> None:
    try:
        server = Scripted("::1")
    except OSError:
        pytest.skip("this machine has no IPv6")
    with scripted(made=server), session(server, "chat") as s:
        server.script("p", reply(HELLOS["chat"]))
        assert s.ask("x", model="p:m").text == "Hello"
