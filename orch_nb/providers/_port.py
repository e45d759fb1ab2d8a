"""What a provider must be able to do."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

from orch_nb.types import Delta, ModelCard, Request


class Port(Protocol):
    """Where models are. Below it everything is the provider's own business."""

    async def prepare(self) -> None:
        """Import what a request needs: it may take seconds, and no limit of an attempt runs."""
        ...

    def stream(self, request: Request, model: str) -> AsyncGenerator[Delta]:
        """Send `request` to `model` (the name without the provider) and yield its answer.

        The last `Delta` has ``finish`` set; it is the only one with text where the answer comes
        whole (`Endpoint.streams`). Raises a `ProviderError`; when the generator is closed early, so
        is the connection.
        """
        ...

    async def list_models(self) -> list[ModelCard]:
        """What is there, with the facts that the provider itself states. Never a paid call."""
        ...

    async def count_tokens(self, request: Request, model: str) -> int | None:
        """The input tokens of `request` as the provider counts them, free; None: it does not."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...
