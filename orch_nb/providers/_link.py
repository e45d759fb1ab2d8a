"""How requests get to one server, and what it means where no answer comes.

Imported when the first request is made: aiohttp takes 0.2 s of CPU.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Protocol
from urllib.request import getproxies

import aiohttp

from orch_nb.errors import ProviderError, Unreachable
from orch_nb.providers import _failures
from orch_nb.providers._endpoint import Endpoint
from orch_nb.providers._reading import Broken, Response
from orch_nb.providers._transport import Transport, closed_unanswered

# Those that a forked process has inherited. It neither uses nor closes them.
_OF_PARENTS: list[Link] = []


class Open(Response, Protocol):
    """A response of httpx, httpx2 or aiohttp whose body is still to come."""

    @property
    def status_code(self) -> int: ...
    async def aclose(self) -> None: ...


def open_transport(library: ModuleType, endpoint: Endpoint) -> Transport | None:
    """Connections to `endpoint`; None where a proxy stands between, which `library` deals with.

    That is httpx or httpx2, whose certificates are taken. Raises OSError without usable ones.
    """
    if not endpoint.local and getproxies().keys() - {"no"}:
        return None
    limit, connect = endpoint.max_connections, endpoint.connect
    return Transport(library.create_ssl_context(), limit=limit, connect=connect)


def client_options(
    library: ModuleType, endpoint: Endpoint, transport: Transport | None
) -> dict[str, Any]:
    """What a client of `library` is made with. It opens nothing where there is a `transport`."""
    limit = endpoint.max_connections
    options = {
        "follow_redirects": False,  # a key never goes where a server points
        "timeout": library.Timeout(None, connect=endpoint.connect),
        "limits": library.Limits(max_connections=limit, max_keepalive_connections=limit),
    }
    return options if transport is None else {**options, "transport": library.AsyncBaseTransport()}


@dataclass(slots=True)
class Link:
    """The way to one server.

    ``http`` is a client of ``library``: it knows the base URL, and sends where there is no
    ``transport``. ``headers`` go with every request. ``address`` and ``hint`` are for whoever reads
    that it cannot be reached. ``broken`` is what is raised where a connection breaks.
    """

    http: Any
    library: ModuleType
    transport: Transport | None
    headers: Mapping[str, str]
    address: str
    hint: str = "is the server up?"
    broken: Broken = field(init=False)
    _urls: dict[str, str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.broken = self.library.HTTPError, aiohttp.ClientError

    async def send(
        self, path: str, name: str, content: bytes | None, *, unstreamed: bool = False
    ) -> Open:
        """GET `path`, or POST `content` there; the response is open, and the caller's to close.

        `path` is below the base URL unless it is an address itself. To an `unstreamed` request the
        head comes when all is written. Raises a `ProviderError` where there is no response.
        """
        try:
            url = self._urls.get(path) or self._locate(path)
            if self.transport is not None:
                return await self.transport.send(url, self.headers, content)
            method = "GET" if content is None else "POST"
            request = self.http.build_request(method, url, headers=self.headers, content=content)
            response: Open = await self.http.send(request, stream=True)
        except (*self.broken, self.library.InvalidURL, ValueError) as error:  # last: odd bytes
            raise self._unconnected(error, name, unstreamed=unstreamed) from None
        return response

    async def close(self) -> None:
        """Close every connection."""
        if self.transport is not None:
            await self.transport.close()
        await self.http.aclose()

    def leave_to_parent(self) -> None:
        """In a forked process: never close what belongs to the process that it came from."""
        # Forgotten, it would be closed, and with it what the parent's connections say to servers.
        _OF_PARENTS.append(self)

    def _locate(self, path: str) -> str:
        url = self._urls[path] = str(self.http.build_request("GET", path).url)
        return url

    def _unconnected(self, error: Exception, name: str, *, unstreamed: bool) -> ProviderError:
        library = self.library
        if isinstance(error, library.ConnectTimeout | aiohttp.ConnectionTimeoutError):
            return _failures.unconnected(name, self.address)
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            return _failures.untrusted(name, self.address, error.certificate_error)
        if isinstance(error, aiohttp.ClientResponseError):
            return _failures.no_http(name, self.address)
        failure = Unreachable(name, f"cannot reach {self.address}; {self.hint}")
        never = library.ConnectError, library.ProxyError, library.InvalidURL
        connected = not isinstance(
            error, (*never, aiohttp.ClientConnectorError, aiohttp.InvalidURL)
        )
        began = isinstance(error, aiohttp.ClientError) and not closed_unanswered(error)
        failure.asked = connected and (unstreamed or began)
        return failure
