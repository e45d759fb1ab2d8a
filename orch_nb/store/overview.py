"""What calls come to, model by model and in the course of time: the numbers of tables and charts.

The calls may be a session's, those of all sessions on disk, or what a saved notebook says of its
answers; whatever shows them counts them here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from orch_nb.figures import count, dollars, seconds, whole
from orch_nb.store.account import Payment, Spend, high, middle


@dataclass(frozen=True, slots=True)
class Try:
    """One model that was reached: how long it took, and the short cause where it failed.

    ``seconds`` is None where there is nothing to learn from it, as with a simulated answer.
    """

    model: str
    seconds: float | None
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class CallFigures:
    """The numbers of one call. ``model`` is who answered, None if nobody did.

    ``at`` is seconds since the epoch, None where that is not known. ``saved`` is what a ``cached``
    answer would have cost in dollars, None where that is unknown, and ``seconds`` how long it took
    when it was first given. ``tries`` and ``payments`` are those of this call: a cached answer has
    neither.
    """

    model: str | None
    at: float | None = None
    kind: str | None = None
    cached: bool = False
    saved: Decimal | None = None
    seconds: float | None = None
    payments: tuple[Payment, ...] = ()
    tries: tuple[Try, ...] = ()


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
class ModelFigures:
    """The sums behind what one model did.

    ``calls`` counts the attempts that reached it, ``cached`` its answers from the cache, which are
    no calls. ``paid`` and ``saved`` are dollars, ``paid`` of ``priced`` payments; ``unknown``
    counts payments, and ``unsaved`` cached answers, whose dollars are unknown and in neither sum.
    Tokens are those that were paid for. ``failures`` has the number of failed calls by their short
    cause, ``stepped_in`` how often it answered after another had failed. ``timed`` successful calls
    took ``duration`` seconds in all. ``seconds`` are the durations of the newest of them,
    ``cached_seconds`` those that its newest cached answers took when they were first given: sorted,
    at most `orch_nb.store.account.RECENT` each.
    """

    model: str
    calls: int = 0
    cached: int = 0
    paid: Decimal = Decimal(0)
    saved: Decimal = Decimal(0)
    unknown: int = 0
    unsaved: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)
    stepped_in: int = 0
    seconds: tuple[float, ...] = ()
    cached_seconds: tuple[float, ...] = ()
    priced: int = 0
    timed: int = 0
    duration: float = 0.0

    @property
    def failed(self) -> int:
        """How many of the calls failed."""
        return sum(self.failures.values())

    @property
    def p50(self) -> float | None:
        """The median of ``seconds``; None of none."""
        return middle(self.seconds)

    @property
    def p95(self) -> float | None:
        """What 95 % of ``seconds`` do not exceed; None of none."""
        return high(self.seconds)

    @property
    def stats(self) -> ModelStats:
        """What they come to, as one flat row."""
        answered = self.calls - self.failed
        answers = self.cached + answered
        return ModelStats(
            self.model,
            self.calls,
            self.cached,
            self.paid,
            self.p50,
            answered / self.calls if self.calls else None,
            self.p95,
            self.duration / self.timed if self.timed else None,
            self.paid / self.priced if self.priced else None,
            self.cached / answers if answers else None,
        )


@dataclass(frozen=True, slots=True)
class Moment:
    """What had been spent after the call with the number ``call``, from 1 on."""

    call: int
    at: float | None
    spent: Spend


@dataclass(frozen=True, slots=True)
class Overview:
    """All of it, models in the order in which they first appeared.

    ``kinds`` counts the answers, cached ones too, by kind of task and model. ``moments`` are the
    first, the last and evenly spread ones between, at most 256.
    """

    calls: int = 0
    models: tuple[ModelFigures, ...] = ()
    spent: Spend = field(default_factory=Spend)
    kinds: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    moments: tuple[Moment, ...] = ()

    @property
    def saved(self) -> Decimal:
        """Dollars that the cache saved, as far as is known."""
        return sum((one.saved for one in self.models), Decimal(0))

    def cells(self) -> list[list[str]]:
        """The table as people read it, under a head, and above a row of totals."""
        head = ["model", "calls", "cached", "paid", "saved", "p50", "p95", "tokens in"]
        models = self.models
        total = _row(
            "total",
            sum(one.calls for one in models),
            sum(one.cached for one in models),
            (dollars(self.spent.total), dollars(self.saved), "", ""),
            (sum(one.input_tokens for one in models), sum(one.output_tokens for one in models)),
        )
        rows = (
            _row(
                one.model,
                one.calls,
                one.cached,
                (dollars(one.paid), dollars(one.saved), seconds(one.p50), seconds(one.p95)),
                (one.input_tokens, one.output_tokens),
            )
            for one in models
        )
        return [[*head, "tokens out"], *rows, total]

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines to stand below the table: how sure the sums are, and what is in none."""
        spent = self.spent
        notes = [f"{dollars(spent.known)} known + {dollars(spent.estimated)} estimated"]
        if spent.unknown:
            notes[0] += f" + up to {dollars(spent.unknown)} unknown"
        if spent.unknown_calls:
            notes.append(f"{count(spent.unknown_calls, 'call')} of unknown cost, in no sum")
        unsaved = sum(one.unsaved for one in self.models)
        if unsaved:
            notes.append(f"{count(unsaved, 'cached answer')} of unknown worth, in no sum")
        return tuple(notes)


def _row(
    name: str, calls: int, cached: int, amounts: Sequence[str], tokens: Sequence[int]
) -> list[str]:
    return [name, whole(calls), whole(cached), *amounts, *map(whole, tokens)]
