"""What is known about a model, and what its calls cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

UsageSource = Literal["known", "estimated", "unknown"]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call, or of several added up. ``input_tokens`` includes the cached ones."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    source: UsageSource = "known"

    def __add__(self, other: Usage) -> Usage:
        sources: tuple[UsageSource, ...] = ("known", "estimated", "unknown")
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
            max(self.source, other.source, key=sources.index),
        )


@dataclass(frozen=True, slots=True)
class Prices:
    """Dollars per million tokens. ``cached`` is for input read from the provider's cache.

    ``long_context`` holds (threshold, prices) pairs in rising order: a request with more input
    tokens than the threshold is billed by those prices as a whole.
    """

    input: Decimal
    output: Decimal
    cached: Decimal | None = None
    source: str = ""
    long_context: tuple[tuple[int, Prices], ...] = ()

    def charge(self, usage: Usage) -> Decimal:
        """Dollars for `usage`."""
        for threshold, prices in reversed(self.long_context):
            if usage.input_tokens > threshold:
                return prices.charge(usage)
        fresh = usage.input_tokens - usage.cached_tokens
        cached = self.input if self.cached is None else self.cached
        total = (
            fresh * self.input + usage.cached_tokens * cached + usage.output_tokens * self.output
        )
        return total / 1_000_000


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is known about one model. None is unknown, never a guess.

    ``tier`` is the model's place in its vendor's own line-up, in 0..1 with 1 the most capable: an
    ordinal prior, no measurement; ``tier_source`` says where it comes from. ``quality`` holds what
    the user stated, by task kind, in 0..1. ``speed`` is in output tokens per second.
    ``unranked`` says why a strategy never picks the model, "" if it may; by name it can be used.
    Of a model on this machine ``size`` is its bytes on disk, ``variant`` its parameters and
    quantisation ("8.0B Q4_K_M"), and ``loaded`` says that it is in memory. ``sources`` says of
    the facts, by the names that they have here, where each comes from.
    """

    provider: str
    name: str
    context: int | None = None
    max_output: int | None = None
    prices: Prices | None = None
    capabilities: frozenset[str] | None = None
    quality: Mapping[str, float] = field(default_factory=dict)
    tier: float | None = None
    tier_source: str = "unknown"
    speed: float | None = None
    unranked: str = ""
    local: bool = False
    simulated: bool = False
    priority: int = 100
    size: int | None = None
    variant: str = ""
    loaded: bool = False
    sources: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def id(self) -> str:
        """``provider:model``."""
        return f"{self.provider}:{self.name}"

    def quality_source(self, task: str) -> str:
        """Where the quality that counts for `task` comes from."""
        return "settings" if task in self.quality else self.tier_source


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a call is expected to cost and take. None is unknown."""

    cost: Decimal | None
    seconds: float | None
