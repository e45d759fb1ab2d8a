"""A server that nobody configured: it is looked for where it usually is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from urllib.parse import urlsplit

from orch_nb.errors import Unreachable
from orch_nb.providers import provider_type
from orch_nb.providers._endpoint import Endpoint
from orch_nb.providers._port import Port
from orch_nb.settings import SERVERS
from orch_nb.types import Delta, ModelCard, Request

# Seconds; this machine answers or refuses within a few milliseconds.
_PATIENCE = 0.3


class Probe:
    """A provider of the type `kind` that is made only where something listens.

    Whoever has no such server imports nothing of it.
    """

    def __init__(self, kind: str, endpoint: Endpoint) -> None:
        self._kind, self._endpoint = kind, endpoint
        self._made: Port | None = None

    async def prepare(self) -> None:
        """As the provider does."""
        await self._provider.prepare()

    def stream(self, request: Request, model: str) -> AsyncGenerator[Delta]:
        """As the provider does."""
        return self._provider.stream(request, model)

    async def list_models(self) -> list[ModelCard]:
        """What the provider lists. Raises `Unreachable` at once where nothing listens."""
        address = urlsplit(self._endpoint.base_url or "")
        try:
            async with asyncio.timeout(_PATIENCE):
                _, writer = await asyncio.open_connection(address.hostname, address.port)
        except (OSError, TimeoutError):
            name = self._endpoint.name
            raise Unreachable(name, f"nothing listens at {address.netloc}") from None
        writer.close()
        return await self._provider.list_models()

    async def count_tokens(self, request: Request, model: str) -> int | None:
        """As the provider does."""
        return await self._provider.count_tokens(request, model)

    async def close(self) -> None:
        """As the provider does."""
        if self._made is not None:
            await self._made.close()

    @property
    def _provider(self) -> Port:
        if self._made is None:
            self._made = provider_type(self._kind)(self._endpoint)
        return self._made


class ProbeType:
    """Makes probes of the type `kind`, as that type itself makes providers."""

    key_env: str | None = None

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self.home: str | None = f"http://127.0.0.1:{SERVERS[kind].port}"

    def __call__(self, endpoint: Endpoint) -> Probe:
        """Make a probe; nothing is opened yet."""
        return Probe(self._kind, endpoint)
