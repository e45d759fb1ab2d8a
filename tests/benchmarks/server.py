"""A loopback server that answers at once from bytes made beforehand, so that clients are measured.

`stub` reads, logs and bills each request, and is slower than the fastest client. This one knows
the wires of the stub, no faults, and models whose names are numbers: ``bench-20`` answers with 20
words, ``bench-20-5`` with one every 5 ms. Streamed events go out one write each, as providers send
them. ``python -m benchmarks.server`` prints its port and serves until its stdin is closed.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import cast

from stub.answer import Answer
from stub.wires import WIRES
from stub.wires.base import encode

TESTS = str(Path(__file__).resolve().parents[1])
_PATHS = {
    b"/v1/chat/completions": "chat",
    b"/v1/responses": "responses",
    b"/v1/messages": "messages",
    b"/api/chat": "ollama",
}
_WORDS = ("alpha ", "beta ", "gamma ", "delta ", "epsilon ", "zeta ", "eta ", "theta ")
_SHOWN = b'{"capabilities": ["completion"], "model_info": {}, "details": {}}'  # Ollama's facts
_MISSING = (
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"
)


def text_of(words: int) -> str:
    """What a model with so many words answers."""
    return "".join(_WORDS[i % len(_WORDS)] for i in range(words)).rstrip()


@cache
def _answer(wire: str, model: str, stream: bool) -> list[bytes]:
    """The response in pieces: the head with what precedes the text, then an event each."""
    words = int(model.split("-")[1])
    answer = Answer("bench", model, text_of(words), 20, words)
    if not stream:
        body = encode(WIRES[wire].plain(answer))
        return [_head("application/json", f"Content-Length: {len(body)}") + body]
    lines = wire == "ollama"
    kind = "application/x-ndjson" if lines else "text/event-stream; charset=utf-8"
    asked = {"stream_options": {"include_usage": True}}
    pieces = [_head(kind, "Transfer-Encoding: chunked")]
    for frame in WIRES[wire].events(answer, asked):
        data = frame.data.encode() if isinstance(frame.data, str) else encode(frame.data)
        event = f"event: {frame.event}\n".encode() if frame.event and not lines else b""
        block = data + b"\n" if lines else event + b"data: " + data + b"\n\n"
        pieces.append(b"%x\r\n%b\r\n" % (len(block), block))
    pieces[-1] += b"0\r\n\r\n"
    return pieces


def _head(kind: str, length: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n{length}\r\n\r\n".encode()


class _Connection(asyncio.Protocol):
    """Requests one after the other; nobody here sends the next before the answer."""

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            return
        self._received = b""
        path = head.split(b" ", 2)[1]
        wire = _PATHS.get(path)
        if wire is None:
            known = _head("application/json", f"Content-Length: {len(_SHOWN)}") + _SHOWN
            self._transport.write(known if path == b"/api/show" else _MISSING)
            return
        request = json.loads(body)
        # Only Ollama streams unless it is told not to.
        stream = bool(request.get("stream", wire == "ollama"))
        pieces = _answer(wire, request["model"], stream)
        pause = request["model"].split("-")[2:] if stream else ()
        if pause:
            self._drip(pieces, float(pause[0]) / 1000)
        else:
            for piece in pieces:
                self._transport.write(piece)

    def _drip(self, pieces: list[bytes], seconds: float) -> None:
        if self._transport.is_closing():
            return
        self._transport.write(pieces[0])
        if pieces[1:]:
            loop = asyncio.get_running_loop()
            loop.call_later(seconds, self._drip, pieces[1:], seconds)


def _length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"content-length:")
    return int(rest.split(b"\r\n", 1)[0]) if rest else 0


async def _serve() -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    server = await loop.create_server(_Connection, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)

    def wait_for_end() -> None:
        sys.stdin.buffer.read()
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait_for_end, daemon=True).start()
    await stop.wait()


@contextmanager
def serving() -> Iterator[str]:
    """The address of a server in its own process, which ends with the block."""
    command = [sys.executable, "-m", "benchmarks.server"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=TESTS, stdin=pipe, stdout=pipe) as child:
        yield f"http://127.0.0.1:{int(cast(bytes, child.stdout and child.stdout.readline()))}"
        child.communicate()


if __name__ == "__main__":
    asyncio.run(_serve())
