"""What came back, piece by piece and as a whole, and how it is kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Self

from orch_nb.sanitize import one_line, visible
from orch_nb.types.card import Usage
from orch_nb.types.decision import Decision
from orch_nb.types.request import Request, ToolCall


@dataclass(frozen=True, slots=True)
class Delta:
    """One piece of a streamed answer.

    ``finish`` is set on the provider's own end mark and on nothing else: a stream without it was
    cut. ``seconds`` is the provider's own count of the duration, where it has one. ``calls`` come
    complete, with the end mark.
    """

    text: str = ""
    usage: Usage | None = None
    finish: str | None = None
    seconds: float | None = None
    calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of one model. ``error`` is None where it succeeded; ``cause`` is its short form.

    ``seconds`` are the answer's, as `Response` has them; of what failed, or another call made,
    those until that was known, with the wait for its turn.
    What was, or may have been, paid for has its ``usage`` and ``cost``: dollars, None where the
    price is unknown. With a usage that is "unknown" the cost is the most that it can have been: no
    count came, and no text. Without a usage nothing was billed. ``shared`` says that another call
    made the attempt, and paid for it: the answer was kept, or an equal call was under way. A draft
    that was not good enough has a ``cause`` and no error.
    """

    model: str
    seconds: float
    error: str | None = None
    cause: str | None = None
    usage: Usage | None = None
    cost: Decimal | None = None
    shared: bool = False


def total_cost(attempts: Iterable[Attempt]) -> Decimal | None:
    """Dollars that `attempts` were billed; None where that is not known of one of them."""
    total = Decimal(0)
    for attempt in attempts:
        if attempt.usage is None:
            continue
        if attempt.cost is None or attempt.usage.source == "unknown":
            return None
        total += attempt.cost
    return total


def total_usage(attempts: Iterable[Attempt]) -> Usage:
    """Tokens of all `attempts`."""
    return sum((attempt.usage for attempt in attempts if attempt.usage is not None), Usage())


@dataclass(frozen=True, slots=True)
class Response:
    """An answer. ``text`` is what the model wrote, untouched: treat it as hostile.

    ``seconds`` are those from its sending to its end, or what the provider itself counted: neither
    failed attempts nor the wait for a turn or for money are in them. Of a cascade they are those of
    all of it.
    ``cost`` is in dollars, None when the price or the usage is unknown. A cached answer keeps the
    ``cost``, ``seconds`` and ``ttft`` (time to the first token) of the call that paid for it.
    ``billed`` is what this call added to the bill, with its failed attempts: of a cached answer
    nothing. A ``replayed`` one is not billed either; in all else it is as it was recorded. As
    ``cached`` counts, too, the answer of an equal call that was under way at the same time: that
    one pays.
    ``finish`` is "stop", "length" (cut at max_tokens), "tool", or "interrupted". ``parsed`` is the
    answer as the class that was asked for; ``calls`` are the tools that the model wants called.
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
    parsed: Any = None
    calls: tuple[ToolCall, ...] = ()
    replayed: bool = False

    @property
    def paid(self) -> Decimal | None:
        """Dollars that the call was billed, when it was recorded or else now; None is unknown."""
        paid = [attempt for attempt in self.attempts if attempt.usage is not None]
        return total_cost(paid) if paid else Decimal(0) if self.cached else self.cost

    @property
    def billed(self) -> Decimal | None:
        """Dollars that this call added to the bill; None is unknown."""
        return Decimal(0) if self.replayed else self.paid

    @property
    def trail(self) -> str:
        """The route, "a (429) → b", or "" when the first attempt answered."""
        if len(self.attempts) < 2:
            return ""
        return " → ".join(f"{a.model} ({a.cause})" if a.cause else a.model for a in self.attempts)

    def kept(self) -> Self:
        """The response with its decision as that is kept, see `Decision.kept`."""
        asked = {attempt.model for attempt in self.attempts}
        decision = self.decision.kept(asked)
        return self if decision is self.decision else replace(self, decision=decision)

    def __str__(self) -> str:
        return visible(self.text)

    def __repr__(self) -> str:
        return f"Response({self.model!r}, {one_line(self.text, 60)!r})"


@dataclass(frozen=True, slots=True)
class Record:
    """One call as the ledger keeps it. At most one of ``response`` and ``error`` is None.

    ``at`` is seconds since the epoch. An interrupted call has both, if text had arrived. The
    ``decision`` is that of the response, where there is one. ``error_type`` is the error's class.
    ``replayed`` says that all of it was recorded, and nothing asked.
    """

    at: float
    request: Request
    decision: Decision | None
    attempts: tuple[Attempt, ...]
    response: Response | None
    error: str | None = None
    error_type: str | None = None
    replayed: bool = False

    @property
    def paid(self) -> Decimal | None:
        """Dollars that it was billed, when it was recorded or else now; None is unknown.

        What failed may have been billed as well.
        """
        return total_cost(self.attempts) if self.response is None else self.response.paid

    @property
    def billed(self) -> Decimal | None:
        """Dollars that it added to the bill; None is unknown."""
        return Decimal(0) if self.replayed else self.paid

    def as_recorded(self) -> Self:
        """The call as it was when it was recorded, with its bill; itself, if it is no replay."""
        response = self.response
        if response is not None and response.replayed:
            return replace(self, response=replace(response, replayed=False), replayed=False)
        return replace(self, replayed=False) if self.replayed else self
