"""What a call was billed, and which of its attempts count: what all sums are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
        known, estimated, unknown, uncounted = self.known, self.estimated, self.unknown, False
        for one in paid:
            if one.cost is None:
                uncounted, unknown = True, unknown + one.most
            elif one.cost and one.certain:
                known += one.cost
            elif one.cost:
                estimated += one.cost
        return Spend(known, estimated, self.unknown_calls + uncounted, unknown)


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
    own = tuple([_payment(a, a.usage) for a in record.attempts if a.usage is not None])
    if own or response is None or response.cached:
        return own
    return (Payment(response.model, response.billed, response.usage),)


def _payment(attempt: Attempt, usage: Usage) -> Payment:
    if usage.source == "unknown":
        return Payment(attempt.model, None, usage, attempt.cost or Decimal(0))
    return Payment(attempt.model, attempt.cost, usage)


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
    return tuple([a for a in made if not a.shared and a.cause not in NOT_ASKED])
