"""A server that nobody configured: it is looked for where it usually is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from urllib.parse import urlsplit

from orch_nb.errors import Unreachable
from orch_nb.providers._endpoint import Endpoint
from orch_nb.providers._port import Port
from orch_nb.types import Delta, ModelCard, Request

#: Types that need neither key nor address, and are looked for on this machine.
PROBED = frozenset({"ollama", "lmstudio"})
# Seconds; this machine answers or refuses within a few milliseconds.
_PATIENCE = 0.3


class Probe:
    """A provider that is asked for its models only where something listens.

    Without this, whoever has no such server would import its SDK to find out.
    """

    def __init__(self, provider: Port, endpoint: Endpoint) -> None:
        self._provider, self._endpoint = provider, endpoint

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
        await self._provider.close()
