"""The values that travel from a prompt to its record, all frozen.

    text → Request → TaskProfile → Decision → invoke → Response → Record → display

Money is `decimal.Decimal` in US dollars, prices are dollars per million tokens, times are
seconds. A model is named everywhere by the string ``provider:model``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from orch_nb.sanitize import one_line, visible

Role = Literal["user", "assistant"]
UsageSource = Literal["known", "estimated", "unknown"]
CachePolicy = Literal["use", "bypass", "refresh"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Parameters:
    """What is passed through to the model. None is "not given"; 0 is a value."""

    temperature: float | None = None
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Wants:
    """What the caller asked for beyond the text.

    ``models`` is an explicit order to fall back along; empty lets the strategy choose.
    ``deadline`` limits the whole call, in seconds.
    """

    models: tuple[str, ...] = ()
    strategy: str | None = None
    cache: CachePolicy = "use"
    deadline: float | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One prompt, complete: nothing else influences what a provider is sent."""

    messages: tuple[Message, ...]
    system: str | None = None
    parameters: Parameters = Parameters()
    wants: Wants = Wants()

    @property
    def prompt(self) -> str:
        """The text of the last turn."""
        return self.messages[-1].content


@dataclass(frozen=True, slots=True)
class TaskProfile:
    """What the analyser read from a request. ``evidence`` says from what.

    Token counts are estimates until a provider has counted.
    """

    kind: str
    input_tokens: int
    output_tokens: int
    evidence: tuple[str, ...] = ()


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

    @property
    def id(self) -> str:
        """``provider:model``."""
        return f"{self.provider}:{self.name}"


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a call is expected to cost and take. None is unknown."""

    cost: Decimal | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Choice:
    """One candidate: its score and the terms that the score is made of."""

    card: ModelCard
    score: float
    terms: Mapping[str, float]
    estimate: Estimate
    reason: str

    @property
    def model(self) -> str:
        """``provider:model``."""
        return self.card.id


@dataclass(frozen=True, slots=True)
class Rejection:
    """A model that may not answer, and why."""

    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """Which models may answer, best first, and why.

    ``source`` is what decided: "explicit model" or "strategy".
    """

    strategy: str
    source: str
    profile: TaskProfile
    ranking: tuple[Choice, ...]
    rejected: tuple[Rejection, ...] = ()

    @property
    def best(self) -> Choice:
        """The model that is asked first."""
        return self.ranking[0]

    @property
    def reason(self) -> str:
        """One sentence on why the best is the best."""
        return self.best.reason

    def __str__(self) -> str:
        lines = [f"{self.strategy} ({self.source}): {self.best.model}. {self.reason}"]
        lines += [f"  {c.model}  {c.score:.2f}  {c.reason}" for c in self.ranking[1:]]
        lines += [f"  not {r.model}: {r.reason}" for r in self.rejected]
        return visible("\n".join(lines))


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
class Delta:
    """One piece of a streamed answer.

    ``finish`` is set on the provider's own end mark and on nothing else: a stream without it was
    cut. ``seconds`` is the provider's own count of the duration, where it has one.
    """

    text: str = ""
    usage: Usage | None = None
    finish: str | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of one model. ``error`` is None where it succeeded; ``cause`` is its short form."""

    model: str
    seconds: float
    error: str | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """An answer. ``text`` is what the model wrote, untouched: treat it as hostile.

    ``cost`` is in dollars, None when the price or the usage is unknown. A cached answer keeps the
    ``cost``, ``seconds`` and ``ttft`` (time to the first token) of the call that paid for it, and
    ``billed`` is what this call added to the bill: 0 for a cached one.
    ``finish`` is "stop", "length" (cut at max_tokens), "tool", or "interrupted".
    """

    text: str
    model: str
    usage: Usage
    cost: Decimal | None
    finish: str
    seconds: float
    ttft: float | None
    cached: bool
    decision: Decision
    attempts: tuple[Attempt, ...]
    simulated: bool = False

    @property
    def billed(self) -> Decimal | None:
        """Dollars that this call added to the bill; None is unknown."""
        return Decimal(0) if self.cached else self.cost

    @property
    def trail(self) -> str:
        """The route, "a (429) → b", or "" when the first attempt answered."""
        if len(self.attempts) < 2:
            return ""
        return " → ".join(f"{a.model} ({a.cause})" if a.cause else a.model for a in self.attempts)

    def __str__(self) -> str:
        return visible(self.text)

    def __repr__(self) -> str:
        return f"Response({self.model!r}, {one_line(self.text, 60)!r})"


@dataclass(frozen=True, slots=True)
class Record:
    """One call as the ledger keeps it. Exactly one of ``response`` and ``error`` may be None.

    ``at`` is seconds since the epoch. An interrupted call has both.
    """

    at: float
    request: Request
    decision: Decision | None
    attempts: tuple[Attempt, ...]
    response: Response | None
    error: str | None = None
