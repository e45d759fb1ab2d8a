"""How many calls the loopback server answers when nobody takes time to understand them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from benchmarks.figures import Figure, figure, part
from benchmarks.server import serving

_ROUNDS = 9
_CALLS = 2048  # per round
_FLYING = 64
_WORDS = 20


def measure(share: float = 1.0) -> Iterator[Figure]:
    """Calls a second of the clock with 64 connections that only count bytes."""
    with serving() as url:
        port = urlsplit(url).port
        for stream, how in ((False, "whole"), (True, "streamed")):
            request = _request(stream)
            size = asyncio.run(_size(port, request))
            rates = []
            for _ in range(part(_ROUNDS, share)):
                calls = part(_CALLS, share, _FLYING)
                started = time.perf_counter()
                asyncio.run(_load(port, request, size, calls))
                rates.append(calls / (time.perf_counter() - started))
            name = f"the loopback server itself, answers of {_WORDS} words {how}"
            yield figure(name, rates, "calls/s")


def _request(stream: bool) -> bytes:
    body = {
        "model": f"bench-{_WORDS}",
        "stream": stream,
        "messages": [{"role": "user", "content": "a prompt for a benchmark"}],
    }
    data = json.dumps(body).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}\r\n\r\n"
    return head.encode() + data


async def _size(port: int | None, request: bytes) -> int:
    """Bytes of one answer, which are the same each time."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    size = len(await reader.read(1 << 20))
    while True:
        try:
            size += len(await asyncio.wait_for(reader.read(1 << 20), 0.2))
        except TimeoutError:
            writer.close()
            return size


async def _load(port: int | None, request: bytes, size: int, calls: int) -> None:
    async def connection(count: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(count):
            writer.write(request)
            await reader.readexactly(size)
        writer.close()

    await asyncio.gather(*(connection(calls // _FLYING) for _ in range(_FLYING)))
