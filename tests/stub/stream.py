"""The answer as server-sent events or lines of JSON, and the faults of streams."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from stub import plain
from stub.connection import head
from stub.exchange import Exchange
from stub.wires.base import Frame, encode

_CHUNKED = {"Transfer-Encoding": "chunked"}
_END = b"0\r\n\r\n"
_UNKNOWN = Frame("open", {"type": "quantum.delta", "index": 0, "delta": {"x": 1}}, "quantum.delta")
_GARBAGE = b"{not json"
_CUTS = ("reset_mid", "close_mid", "hang_mid")


async def answer(exchange: Exchange) -> None:
    """Send the answer piece by piece."""
    exchange.bill(0)
    await exchange.connection.send(head(200, exchange.stream_type, _CHUNKED))
    if exchange.spec.name == "hang_headers":
        await exchange.connection.pause(None)
    frames = list(_selected(exchange))
    opening = [frame for frame in frames if frame.kind == "open"]
    for frame in opening:
        await _send(exchange, _bytes(exchange, frame))
    if len(opening) == len(frames):  # no text, and no end mark either
        await exchange.connection.send(_END)
    if exchange.spec.name == "pings":
        await _ping(exchange)
    pieces = sum(frame.kind == "text" for frame in frames)
    strike = min(exchange.spec.count("after", 3), pieces)
    for number, frame in enumerate(rest := frames[len(opening) :]):
        if number == strike and await _strike(exchange, len(opening) + number):
            return
        # The end goes out with the last event: a client may hang up as soon as it has that.
        await _send(exchange, _bytes(exchange, frame), _END if frame is rest[-1] else b"")
        if frame.kind == "text":
            exchange.entry.billed_output += exchange.answer.tokens > 0  # null is no token
            await exchange.connection.pause(exchange.spec.number("delay", 0))


def _selected(exchange: Exchange) -> Iterator[Frame]:
    """The wire's events, and those that a fault adds or leaves out."""
    frames: Iterable[Frame] = exchange.wire.events(exchange.answer, exchange.body)
    for kind, group in itertools.groupby(frames, key=lambda frame: frame.kind):
        if kind == "close" and exchange.spec.name == "no_done":
            yield from itertools.islice(group, exchange.spec.count("keep", 0))
        else:
            yield from group
        if kind == "open" and exchange.spec.name == "unknown_event":
            yield _UNKNOWN


async def _strike(exchange: Exchange, sent: int) -> bool:
    """Do what a ``_mid`` fault does, `sent` events having been sent; True when that was the end."""
    values, name = exchange.spec.values, exchange.spec.name
    if name in _CUTS:
        await plain.cut(exchange)
    if name == "garbage_mid":
        await _send(exchange, _framed(exchange, _GARBAGE))
    if name != "err_mid":
        return False
    code = values.get("code", "server_error")
    message = values.get("msg", "The server had an error while answering")
    failure = exchange.wire.failure(exchange.answer, code, message, sent)
    await _send(exchange, _bytes(exchange, failure), _END)
    return True


async def _ping(exchange: Exchange) -> None:
    for _ in range(exchange.spec.count("n", 20)):
        await _send(exchange, b"\n" if exchange.by_line else b": keep-alive\n\n")
        await exchange.connection.pause(exchange.spec.number("delay", 0.05))


def _bytes(exchange: Exchange, frame: Frame) -> bytes:
    data = frame.data.encode() if isinstance(frame.data, str) else encode(frame.data)
    if exchange.spec.name == "deep" and frame.kind == "text":
        data = plain.deepen(data, exchange.spec.count("n", 100_000))
    event = f"event: {frame.event}\n".encode() if frame.event and not exchange.by_line else b""
    block = event + _framed(exchange, data)
    return block.replace(b"\n", b"\r\n") if exchange.spec.name == "crlf" else block


def _framed(exchange: Exchange, data: bytes) -> bytes:
    return data + b"\n" if exchange.by_line else b"data: " + data + b"\n\n"


async def _send(exchange: Exchange, data: bytes, end: bytes = b"") -> None:
    if exchange.spec.name == "split_utf8":
        for i in range(len(data) - 1):
            await exchange.connection.send(_chunk(data[i : i + 1]))
        await exchange.connection.send(_chunk(data[-1:]) + end)
    elif exchange.spec.name == "drip":
        await plain.drip(exchange, _chunk(data) + end)
    else:
        await exchange.connection.send(_chunk(data) + end)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
