"""One client connection: HTTP/1.1 requests in, bytes out, and a hang-up noticed at once."""

from __future__ import annotations

import asyncio
import itertools
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import cast

_NUMBERS = itertools.count(1)
#: SO_LINGER on, zero seconds: closing sends RST instead of FIN.
_ABORT = struct.pack("ii", 1, 0)


class Closed(Exception):
    """The connection ends here: the client hung up, or a fault cut it."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. Header names are lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


class _Peer(asyncio.StreamReaderProtocol):
    """Streams, and an event for the client's going, which plain streams only show to a reader."""

    def __init__(self, opened: Callable[..., Awaitable[None]]) -> None:
        super().__init__(asyncio.StreamReader(limit=1 << 20), opened)
        self.gone = asyncio.Event()

    def eof_received(self) -> bool | None:
        self.gone.set()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set()
        super().connection_lost(exc)


class Connection:
    """What an answer is written to. Every method raises `Closed` once the client has gone."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.number = next(_NUMBERS)
        self._reader, self._writer = reader, writer
        self._gone = cast(_Peer, writer.transport.get_protocol()).gone
        self._socket = cast(socket.socket, writer.get_extra_info("socket"))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def hung_up(self) -> bool:
        """Whether the client has closed its side."""
        return self._gone.is_set()

    async def request(self) -> Request:
        """Read the next request."""
        try:
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            start, *lines = head.split("\r\n")[:-2]
            pairs = (line.partition(":") for line in lines)
            headers = {name.lower(): value.strip() for name, _, value in pairs}
            body = await self._reader.readexactly(int(headers.get("content-length", 0)))
        except (asyncio.IncompleteReadError, ConnectionError):
            raise Closed from None
        method, target, _ = start.split(" ")
        return Request(method, target, headers, body)

    async def send(self, data: bytes) -> None:
        if self.hung_up:
            raise Closed
        self._writer.write(data)
        try:
            await self._writer.drain()
        except ConnectionError:
            raise Closed from None

    async def respond(
        self,
        body: bytes,
        status: int = 200,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Send a whole response in one write."""
        length = {"Content-Length": str(len(body))}
        await self.send(head(status, content_type, {**length, **(headers or {})}) + body)

    async def pause(self, seconds: float | None) -> None:
        """Wait, None for ever, but no longer than the client does."""
        if seconds == 0:
            return
        try:
            await asyncio.wait_for(self._gone.wait(), seconds)
        except TimeoutError:
            return
        raise Closed

    def reset(self) -> None:
        """Cut with RST."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
        self._writer.transport.abort()

    def close(self) -> None:
        """Cut with FIN, after what was sent."""
        self._writer.close()


def head(status: int, content_type: str, headers: Mapping[str, str]) -> bytes:
    """The status line and the headers of a response."""
    named = {"Content-Type": content_type, **headers}
    lines = [f"HTTP/1.1 {status} Stub", *(f"{name}: {value}" for name, value in named.items())]
    return "\r\n".join([*lines, "", ""]).encode()


async def listen(
    answer: Callable[[Connection, Request], Awaitable[None]], live: set[Connection], port: int = 0
) -> asyncio.Server:
    """Serve on 127.0.0.1, one request after the other per connection; `live` is the open ones."""

    async def opened(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer)
        live.add(connection)
        try:
            while True:
                await answer(connection, await connection.request())
        except Closed:
            pass
        finally:
            live.discard(connection)
            connection.close()

    loop = asyncio.get_running_loop()
    # A long backlog, so that a burst of clients meets the server and not the kernel's queue.
    return await loop.create_server(lambda: _Peer(opened), "127.0.0.1", port, backlog=512)


def port_of(server: asyncio.Server) -> int:
    """The port that the system chose."""
    return cast(int, server.sockets[0].getsockname()[1])
