"""The way to one address: a URL, and the transport and headers that are always the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx2


@dataclass(frozen=True, slots=True)
class Way:
    """How requests get to ``url``, perhaps over a proxy.

    ``plain`` are the ``headers`` as aiohttp takes them, where the transport is its own: it sets
    host and length, and to have httpx2 do so costs as much as the rest of a request.
    ``extensions`` hold the time limits.
    """

    url: httpx2.URL
    transport: httpx2.AsyncBaseTransport
    headers: httpx2.Headers
    plain: dict[str, str] | None
    extensions: dict[str, Any]

    async def send(self, content: bytes | None) -> httpx2.Response:
        """GET, or POST `content`. What a client does besides, as for redirects, is not wanted.

        The response is open. Raises what the transport raises.
        """
        import httpx2  # noqa: PLC0415 - 45 ms of CPU that %load_ext need not pay

        method, extensions = "GET" if content is None else "POST", self.extensions
        if self.plain is None:
            request = httpx2.Request(
                method, self.url, headers=self.headers, content=content, extensions=extensions
            )
        else:
            body = httpx2.ByteStream(content or b"")  # to which httpx2 adds no headers
            request = httpx2.Request(method, self.url, stream=body, extensions=extensions)
            request.read()
            request.headers = self.plain  # type: ignore[assignment]
        return await self.transport.handle_async_request(request)
