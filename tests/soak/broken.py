"""A server that answers with bytes that it was given, however broken they are."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import cast

#: What Ollama says of its models before it is asked for text.
NOTHING_KNOWN = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
_LENGTH = re.compile(rb"content-length: *(\d+)", re.I)


class Broken:
    """Answers each request for text with ``said``, and hangs up. It is at ``port`` of loopback."""

    said = b""
    port = 0


class _Connection(asyncio.Protocol):
    def __init__(self, server: Broken) -> None:
        self._server, self._request = server, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._request += data
        head, end, body = self._request.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not end or len(body) < (int(length[1]) if length else 0):
            return
        self._request = b""
        if head.startswith(b"GET ") or head.startswith(b"POST /api/show "):
            self._transport.write(NOTHING_KNOWN)
        else:
            self._transport.write(self._server.said)
            self._transport.close()


@contextmanager
def serving() -> Iterator[Broken]:
    """The server, on a thread of its own: a process would cost as much as what is measured."""
    broken, ready = Broken(), Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]()

    async def serve() -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        server = await loop.create_server(lambda: _Connection(broken), "127.0.0.1")
        broken.port = server.sockets[0].getsockname()[1]
        ready.set_result((loop, stop))
        await stop.wait()
        server.close()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    loop, stop = ready.result()
    try:
        yield broken
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
