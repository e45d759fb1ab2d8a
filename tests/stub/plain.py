"""The answer as one JSON body, and the faults of bodies."""

from __future__ import annotations

from stub.connection import Closed, head
from stub.exchange import Exchange
from stub.wires.base import encode

#: Faults that answer with a body even where a stream was asked for.
FAULTS = frozenset({"empty", "truncated", "bad_gzip", "json_for_stream"})


async def respond(exchange: Exchange, body: bytes) -> None:
    """Send `body` as the exchange's spec says."""
    connection, spec = exchange.connection, exchange.spec
    await connection.pause(spec.number("delay", 0) * exchange.entry.billed_output)
    if spec.name in ("truncated", "reset_mid", "close_mid", "hang_mid"):
        await connection.send(_head(len(body)) + body[: len(body) // 2])
        await cut(exchange)
    elif spec.name == "hang_headers":
        await connection.send(_head(len(body)))
        await connection.pause(None)
    elif spec.name == "drip":
        await connection.send(_head(len(body)))
        await drip(exchange, body)
    elif spec.name == "empty":
        kind = exchange.stream_type if exchange.entry.stream else "application/json"
        await connection.respond(b"", content_type=kind)
    elif spec.name == "bad_gzip":
        gzip = {"Content-Encoding": "gzip"}
        await connection.respond(b"\x1f\x8b\x08\x00" + b"\xa5" * 64, headers=gzip)
    elif spec.name == "deep":
        await connection.respond(deepen(body, spec.count("n", 100_000)))
    else:
        await connection.respond(body)


async def answer(exchange: Exchange) -> None:
    """Send the whole answer."""
    exchange.bill()
    await respond(exchange, encode(exchange.wire.plain(exchange.answer)))


async def cut(exchange: Exchange) -> None:
    """End the connection in the middle: silence, RST, or FIN."""
    if exchange.spec.name == "hang_mid":
        await exchange.connection.pause(None)
    if exchange.spec.name == "reset_mid":
        # RST discards what the client has not read yet; let it read.
        await exchange.connection.pause(0.02)
        exchange.connection.reset()
    raise Closed


async def drip(exchange: Exchange, data: bytes) -> None:
    """Send a few bytes at a time, so that no single read ever times out."""
    step = exchange.spec.count("n", 1)
    for start in range(0, len(data), step):
        if start:
            await exchange.connection.pause(exchange.spec.number("delay", 0.02))
        await exchange.connection.send(data[start : start + step])


def deepen(data: bytes, depth: int) -> bytes:
    """The JSON object `data` with nested arrays in one more field."""
    return data[:-1] + b', "extra": ' + b"[" * depth + b"]" * depth + b"}"


def _head(length: int) -> bytes:
    return head(200, "application/json", {"Content-Length": str(length)})
