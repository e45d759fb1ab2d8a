"""What each model did and cost, summed up record by record."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil

from orch_nb.errors import Benched, BudgetExceeded
from orch_nb.types import Attempt, Record, Usage

#: Neither breaker nor budget let these out, or the user stopped them: that says nothing about the
#: model.
NOT_ASKED = frozenset({Benched.label, BudgetExceeded.label, "interrupted"})
#: Attempts of a model that its quantiles are taken of: the newest say what it is like now.
RECENT = 101


@dataclass(frozen=True, slots=True)
class Spend:
    """Dollars spent, by how sure the tokens behind them are.

    ``unknown_calls`` have no price or no usage, or an attempt without: they cost more than these
    sums say, up to ``unknown`` dollars more where the price is known.
    """

    known: Decimal = Decimal(0)
    estimated: Decimal = Decimal(0)
    unknown_calls: int = 0
    unknown: Decimal = Decimal(0)

    @property
    def total(self) -> Decimal:
        """All dollars that are known of."""
        return self.known + self.estimated

    def plus(self, record: Record) -> Spend:
        """This and what `record` was billed."""
        return self.after(payments(record))

    def after(self, paid: Sequence[Payment]) -> Spend:
        """This and what one call, that is `paid`, was billed."""
        if not paid:
            return self
        known = sum((p.cost for p in paid if p.cost and p.certain), self.known)
        estimated = sum((p.cost for p in paid if p.cost and not p.certain), self.estimated)
        calls = self.unknown_calls + any(p.cost is None for p in paid)
        return Spend(known, estimated, calls, sum((p.most for p in paid), self.unknown))


@dataclass(frozen=True, slots=True)
class ModelStats:
    """What one model did in this session.

    ``calls`` counts the attempts that reached for the model, so a failure that another model
    answered for counts here; ``cached`` counts answers from the cache, which are no calls.
    ``cost`` is dollars billed, without answers of unknown cost. ``seconds`` is the median duration
    (the upper one of an even number) of the newest successful attempts, ``p95`` what 95 % of these
    do not exceed, ``mean`` the mean of all; None where there is none: a cached or simulated answer
    says nothing about the model's speed. ``success`` is the fraction of calls without an error,
    None where there were none. An attempt that the user stopped counts for neither.
    ``cost_per_call`` is the mean of those that were paid for, ``hit_rate`` the fraction of answers
    that came from the cache; None where there are none.
    """

    model: str
    calls: int
    cached: int
    cost: Decimal
    seconds: float | None
    success: float | None
    p95: float | None
    mean: float | None
    cost_per_call: Decimal | None
    hit_rate: float | None


@dataclass(frozen=True, slots=True)
class Payment:
    """What one attempt was billed in dollars, None is unknown, and for which tokens.

    ``most`` is up to how much it can have cost where the price is known and nothing else.
    """

    model: str
    cost: Decimal | None
    usage: Usage
    most: Decimal = Decimal(0)

    @property
    def certain(self) -> bool:
        """Whether the provider counted the tokens."""
        return self.usage.source == "known"


def payments(record: Record) -> tuple[Payment, ...]:
    """What `record` was billed, by the models that got it.

    Attempts that carry their own usage were each paid for, whether or not an answer came of it;
    where none does, the response's model got all.
    """
    response = record.response
    if record.replayed or (response is not None and response.replayed):
        return ()
    own = tuple(
        _payment(attempt, attempt.usage) for attempt in record.attempts if attempt.usage is not None
    )
    if own or response is None or response.cached:
        return own
    return (Payment(response.model, response.billed, response.usage),)


def _payment(attempt: Attempt, usage: Usage) -> Payment:
    if usage.source == "unknown":
        return Payment(attempt.model, None, usage, attempt.cost or Decimal(0))
    return Payment(attempt.model, attempt.cost, usage)


class Accounts:
    """One account a model, in the order in which the models first appeared."""

    def __init__(self) -> None:
        self._accounts: defaultdict[str, _Account] = defaultdict(_Account)

    def add(self, record: Record) -> None:
        """Count `record` for each model that took part."""
        response = record.response
        if response is not None and response.cached:
            self._accounts[response.model].cached += 1
        for paid in payments(record):
            self._accounts[paid.model].pay(paid.cost)
        simulated = response is not None and response.simulated
        for attempt in reached(record):
            self._accounts[attempt.model].count(attempt, timed=not simulated)

    def sum_up(self) -> dict[str, ModelStats]:
        """What all of it comes to, by model id."""
        return {model: account.sum_up(model) for model, account in self._accounts.items()}


@dataclass(slots=True)
class _Account:
    calls: int = 0
    succeeded: int = 0
    cached: int = 0
    cost: Decimal = Decimal(0)
    paid: int = 0
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))
    timed: int = 0
    duration: float = 0.0

    def pay(self, cost: Decimal | None) -> None:
        if cost is not None:
            self.cost += cost
            self.paid += 1

    def count(self, attempt: Attempt, *, timed: bool) -> None:
        self.calls += 1
        if attempt.error is not None:
            return
        self.succeeded += 1
        if timed:
            self.recent.append(attempt.seconds)
            self.timed += 1
            self.duration += attempt.seconds

    def sum_up(self, model: str) -> ModelStats:
        durations, answers = sorted(self.recent), self.cached + self.succeeded
        return ModelStats(
            model,
            self.calls,
            self.cached,
            self.cost,
            middle(durations),
            self.succeeded / self.calls if self.calls else None,
            high(durations),
            self.duration / self.timed if self.timed else None,
            self.cost / self.paid if self.paid else None,
            self.cached / answers if answers else None,
        )


def middle(durations: Sequence[float]) -> float | None:
    """What half of sorted `durations` do not exceed, as `Track.p50` has it; None of none."""
    return durations[(len(durations) - 1) // 2] if durations else None


def high(durations: Sequence[float]) -> float | None:
    """What 95 % of sorted `durations` do not exceed; None of none."""
    return durations[ceil(0.95 * len(durations)) - 1] if durations else None


def reached(record: Record) -> tuple[Attempt, ...]:
    """The attempts that reached for their model, without the one that the user stopped.

    What another call made, and counts, is none of them.
    """
    response, made = record.response, record.attempts
    if response is not None and (response.cached or response.finish == "interrupted"):
        made = made[:-1]
    return tuple(a for a in made if not a.shared and a.cause not in NOT_ASKED)
