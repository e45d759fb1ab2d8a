"""Requests over aiohttp: at a quarter of httpx's CPU, and half of that of the SDKs' way to it."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncGenerator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from io import BytesIO
from ssl import SSLContext
from typing import Any

import aiohttp

_ENDED = {errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED}
# Seconds after which a server that ends the connection is taken to have read the request. Chosen:
# that a connection was closed before is known after one round trip.
_ROUND_TRIP = 1.0
# Bytes of a body from which on aiohttp wants to send it in pieces, as pictures have.
_PIECEWISE = 1 << 20


@dataclass(slots=True)
class _Course:
    """Of one request: whether its connection is to be, or was, made for it.

    ``since`` is when it got a kept one, in the loop's time.
    """

    new: bool = False
    since: float = 0.0


_COURSE: ContextVar[_Course] = ContextVar("_COURSE")


class _Pool(aiohttp.TCPConnector):
    """Keeps connections, and follows the course of the request that wants one.

    A new one is made within `connect` seconds, in which its host's name is looked up as well.
    """

    def __init__(self, connect: float, **named: Any) -> None:
        super().__init__(**named)
        self._seconds = connect

    async def _get(self, *args: Any, **named: Any) -> Any:
        course = _COURSE.get()
        course.since = asyncio.get_running_loop().time()
        return None if course.new else await super()._get(*args, **named)

    async def _create_connection(self, *args: Any, **named: Any) -> Any:
        _COURSE.get().new = True
        async with asyncio.timeout(self._seconds):
            return await super()._create_connection(*args, **named)


class Reply:
    """A response whose body is still to come. To be closed."""

    __slots__ = ("_raw", "headers", "status_code")

    def __init__(self, raw: aiohttp.ClientResponse) -> None:
        self._raw, self.status_code, self.headers = raw, raw.status, raw.headers

    async def aiter_raw(self) -> AsyncGenerator[bytes]:
        """The body as it comes, packed if it is; what came together stays together."""
        content, connection = self._raw.content, self._raw.connection
        protocol = connection.protocol if connection is not None else None
        closed = protocol.closed if protocol is not None else None
        if closed is not None:
            closed.remove_done_callback(_hear)  # of the answer before
            closed.add_done_callback(_hear)
            closed.add_done_callback(self._end)
        try:
            while piece := await content.readany():
                yield piece
        finally:
            if closed is not None:
                closed.remove_done_callback(self._end)

    async def aclose(self) -> None:
        """Keep the connection if the body was read to its end, else close it."""
        self._raw.release()
        await self._raw.wait_for_close()

    def _end(self, _: object) -> None:
        # Of a chunk that is none aiohttp tells whoever waits for the head, and for the body nobody.
        content = self._raw.content
        if not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError("the connection was closed"))


class Transport:
    """Connections to one server, at most `limit`, each made within `connect` seconds.

    Redirects are not followed and bodies not unpacked. It belongs to the event loop that it is used
    in first.
    """

    def __init__(self, tls: SSLContext, *, limit: int, connect: float) -> None:
        self._tls, self._limit, self._connect = tls, limit, connect
        self._session: aiohttp.ClientSession | None = None

    async def send(self, url: str, headers: Mapping[str, str], content: bytes | None) -> Reply:
        """GET, or POST `content`; the reply is open. Raises `aiohttp.ClientError`.

        A server may close a kept connection at any time. Where it ends at once and before the
        answer begins, the request counts as not read and is sent once more, over a new connection,
        as browsers and curl do (https://www.rfc-editor.org/rfc/rfc9112.html#section-9.3.1). Where a
        new connection ends, or a kept one later, that is an error.
        """
        course = _Course()
        _COURSE.set(course)
        try:
            return await self._ask(url, headers, content)
        except aiohttp.ClientError as error:
            late = asyncio.get_running_loop().time() - course.since > _ROUND_TRIP
            if course.new or late or not closed_unanswered(error):
                raise
        course.new = True
        return await self._ask(url, headers, content)

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    async def _ask(self, url: str, headers: Mapping[str, str], content: bytes | None) -> Reply:
        session = self._session or self._open()
        if session.closed:  # aiohttp would raise a RuntimeError
            raise aiohttp.ClientConnectionError("closed meanwhile")
        method = "GET" if content is None else "POST"
        data: bytes | BytesIO | None = content
        if content is not None and len(content) > _PIECEWISE:
            data = BytesIO(content)
        asked = session.request(method, url, headers=headers, data=data, allow_redirects=False)
        return Reply(await asked)

    def _open(self) -> aiohttp.ClientSession:
        # As long as httpx keeps connections; what most servers do not close before. In seconds.
        pool = _Pool(self._connect, limit=self._limit, ssl=self._tls, keepalive_timeout=5.0)
        self._session = aiohttp.ClientSession(
            connector=pool,
            auto_decompress=False,
            # One call has nothing to do with another: no cookie goes with the next request.
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(),  # none: attempts have their own
            max_field_size=100_000,  # bytes of one header; httpx takes as much, aiohttp 8 kB
        )
        return self._session


def _hear(closed: asyncio.Future[None]) -> None:
    """Take notice of why a connection was closed, or asyncio says that nobody did."""
    if not closed.cancelled():
        closed.exception()


def closed_unanswered(error: aiohttp.ClientError) -> bool:
    """Whether the server closed the connection before its answer began."""
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return isinstance(error.message, str)  # else it is what came of a head
    if isinstance(error, aiohttp.ClientOSError):
        # What aiohttp notices while it writes has no number, but a cause. A reset within a head
        # looks like one before it, to browsers as well.
        return error.errno in _ENDED or isinstance(error.__cause__, ConnectionError)
    return isinstance(error, aiohttp.ClientConnectionResetError)
