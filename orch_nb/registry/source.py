"""What the catalog asks: configured providers, and what they said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from orch_nb.errors import ProviderError
from orch_nb.types import ModelCard


class Lists(Protocol):
    """What can list its models."""

    async def list_models(self) -> list[ModelCard]:
        """What is there. Raises a `ProviderError` when it cannot say."""
        ...


class Source(Protocol):
    """Where cards come from: a configured provider."""

    @property
    def provider(self) -> Lists:
        """What is asked for the list."""
        ...

    @property
    def vendor(self) -> str | None:
        """Its type where its models are that vendor's own, else None."""
        ...

    @property
    def base_url(self) -> str | None:
        """Where it is; None for what is built in."""
        ...

    @property
    def place(self) -> str:
        """What tells it from others, without a key: its name, type and address."""
        ...

    @property
    def official(self) -> bool:
        """Whether it is the vendor's own service, which has the vendor's line-up."""
        ...

    @property
    def probed(self) -> bool:
        """Whether nobody configured it, so that it takes part only where it is found."""
        ...

    @property
    def priority(self) -> int:
        """Of models with equal scores, the one with the lower number is taken."""
        ...


@dataclass(frozen=True, slots=True)
class Listing:
    """What a provider said when it was last asked, in this session or an earlier one.

    ``at`` is seconds since the epoch, None if it never was asked: then ``cards`` are its
    vendor's line-up. ``error`` is None where it answered, or why it did not is not remembered.
    """

    cards: tuple[ModelCard, ...]
    at: float | None = None
    reachable: bool = True
    error: ProviderError | None = None
