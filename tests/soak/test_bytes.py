"""Whatever providers send: it is an answer, or an error of ours, and soon."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from orch_nb import Session
from orch_nb.errors import OrchError
from orch_nb.providers import Endpoint, _chat, _ollama_chat, _responses, anthropic
from orch_nb.providers._failures import describe
from orch_nb.providers._lines import Lines
from orch_nb.providers._reading import Event, Framing, Reader, Reading
from orch_nb.providers._sse import Events
from orch_nb.providers._whole import Whole
from orch_nb.types import Delta, Usage
from soak.broken import serving
from soak.mutation import mutants
from soak.sizes import sized
from soak.test_mutants import COUNT, bounded
from stub.client import Stub
from stub.raw import post

#: Over a socket one takes ten times as long as in this process: that is most of `make soak`.
SENT = sized(300, 5000, 100_000)
LIMIT = 10**6
MESSAGES = anthropic.Provider(Endpoint("a"))
ENDS = ("stop", "length", "tool")
SPECS = ("ok", "ok?words=60", "tool", "refuse", "length", "surrogate", "error200")


def recorded(stub: Stub, wire: str, *, stream: bool) -> list[bytes]:
    """Whole answers of the loopback server, heads and all."""
    found = []
    for spec in (*SPECS, "split_utf8", "err_mid") if stream else SPECS:
        stub.rule("alpha", spec)
        status, headers, body = post(stub, wire, stream=stream)
        kind = headers["content-type"]
        found.append(
            f"HTTP/1.1 {status} OK\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n".encode()
            + body
        )
    return found


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize(
    ("wire", "kind", "path"),
    [("chat", "compatible", "/v1"), ("messages", "anthropic", ""), ("ollama", "ollama", "")],
)
def test_answers_over_a_socket(stub: Stub, wire: str, kind: str, path: str, stream: bool) -> None:
    corpus = recorded(stub, wire, stream=stream)
    limits = {"first_token": 3, "idle": 3, "call": 8}
    with serving() as server:
        row = {
            "type": kind,
            "base_url": f"http://127.0.0.1:{server.port}{path}",
            "max_retries": 0,
            **({} if kind == "ollama" else {"api_key": "sk-test"}),
        }
        config = {"providers": {"a": row}, "cache": "off", "breaker": "off", "limits": limits}
        answers = 0
        with Session(config) as s:
            server.said = corpus[0]
            with suppress(OrchError):  # what is imported is imported
                s.ask("x", model="a:m", stream=stream)
            for said in mutants(corpus, SENT, wire):
                server.said = said
                with bounded(said):
                    answer = s.ask("x", model="a:m", stream=stream)
                    assert answer.text.strip() or answer.calls
                    answers += 1
        assert SENT // 40 < answers < SENT


def bodies(stub: Stub, wire: str, *, stream: bool) -> list[bytes]:
    return [answer.partition(b"\r\n\r\n")[2] for answer in recorded(stub, wire, stream=stream)]


STREAMS: dict[str, tuple[Callable[[int], Framing], Callable[[str], Reader]]] = {
    "chat": (Events, _chat.Reader),
    "responses": (Events, _responses.Reader),
    "messages": (Events, anthropic.Reader),
    "ollama": (Lines, _ollama_chat.Reader),
}


@pytest.mark.parametrize("wire", STREAMS)
def test_streams(stub: Stub, wire: str) -> None:
    framing, reader = STREAMS[wire]
    corpus, draw, answers = bodies(stub, wire, stream=True), random.Random(wire), 0
    for said in mutants(corpus, COUNT, wire):
        with bounded(said):
            reading = Reading(framing(LIMIT), reader("a:m"), "a:m", describe)
            deltas = [*read(reading, said, draw)]
            assert reading.complete
            assert deltas[-1].finish in ENDS
            assert not any(delta.finish for delta in deltas[:-1])
            answers += 1
    assert COUNT // 40 < answers < COUNT


def read(reading: Reading, said: bytes, draw: random.Random) -> Iterator[Delta]:
    """What comes of `said` when it arrives in pieces, as a response's `deltas` read it."""
    start = 0
    while start < len(said) and not reading.complete:
        end = start + draw.choice((1, 7, 100, 5000))
        yield from reading.take(said[start:end])
        start = end
    if not reading.complete:
        yield from reading.end()


READERS: dict[str, tuple[Callable[[Event, str], Delta], Callable[[Event], Usage | None]]] = {
    "chat": (_chat.read_whole, _chat.count_of),
    "responses": (_responses.read_whole, _responses.count_of),
    "messages": (MESSAGES.read_whole, MESSAGES.count_of),
    "ollama": (_ollama_chat.read_whole, _ollama_chat.count_of),
}


@pytest.mark.parametrize("wire", READERS)
def test_documents(stub: Stub, wire: str) -> None:
    reading, answers = Whole(*READERS[wire], "a:m", describe, LIMIT), 0
    for said in mutants(bodies(stub, wire, stream=False), COUNT, wire):
        with bounded(said):
            *_, answer = reading.take(said)
            assert answer.finish in ENDS
            answers += 1
    assert COUNT // 40 < answers < COUNT
