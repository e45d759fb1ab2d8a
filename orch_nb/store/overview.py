"""What calls come to, model by model and in the course of time: the numbers of tables and charts.

The calls may be a session's, those of all sessions on disk, or what a saved notebook says of its
answers; whatever shows them counts them here.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from orch_nb.figures import count, dollars, seconds
from orch_nb.store.account import RECENT, Payment, Spend, high, middle

# Moments that are kept. Chosen: a chart with a step every four pixels loses nothing to be seen.
_MOMENTS = 256


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
class ModelFigures:
    """What one model did.

    ``calls`` counts the attempts that reached it, ``cached`` its answers from the cache, which are
    no calls. ``paid`` and ``saved`` are dollars; ``unknown`` counts payments, and ``unsaved``
    cached answers, whose dollars are unknown and in neither sum. Tokens are those that were paid
    for. ``failures`` has the number of failed calls by their short cause, ``stepped_in`` how often
    it answered after another had failed. ``seconds`` are the durations of its newest successful
    calls, ``cached_seconds`` those that its newest cached answers took when they were first given:
    sorted, at most `orch_nb.store.account.RECENT` each.
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

    @classmethod
    def of(cls, calls: Iterable[CallFigures]) -> Overview:
        """What `calls`, the oldest first, come to."""
        reckoning = Reckoning()
        for call in calls:
            reckoning.add(call)
        return reckoning.sum_up()

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
    counts = (f"{number:,}".replace(",", " ") for number in tokens)
    return [name, str(calls), str(cached), *amounts, *counts]


class Reckoning:
    """The sums of an overview, call by call: constant time for each, bounded memory.

    To be used by one thread at a time.
    """

    def __init__(self) -> None:
        self._calls, self._spent = 0, Spend()
        self._models: defaultdict[str, _Sums] = defaultdict(_Sums)
        self._kinds: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._moments: list[Moment] = []
        self._last: Moment | None = None
        self._stride = 1

    def add(self, call: CallFigures) -> None:
        """Count `call`."""
        self._calls += 1
        for payment in call.payments:
            self._models[payment.model].pay(payment)
        for one in call.tries:
            self._models[one.model].count(one)
        if call.model is not None:
            self._answered(call, self._models[call.model])
        self._spent = self._spent.after(call.payments)
        self._note(Moment(self._calls, call.at, self._spent))

    def sum_up(self) -> Overview:
        """What all of it comes to so far."""
        moments = self._moments.copy()
        if self._last is not None and moments[-1] is not self._last:
            moments.append(self._last)
        return Overview(
            self._calls,
            tuple(sums.figures(model) for model, sums in self._models.items()),
            self._spent,
            {kind: dict(count) for kind, count in self._kinds.items()},
            tuple(moments),
        )

    def _answered(self, call: CallFigures, sums: _Sums) -> None:
        if call.kind is not None:
            self._kinds[call.kind][call.model or ""] += 1
        if call.cached:
            sums.reuse(call)
        sums.stepped_in += any(
            one.failure is not None and one.model != call.model for one in call.tries
        )

    def _note(self, moment: Moment) -> None:
        self._last = moment
        if (moment.call - 1) % self._stride == 0:
            self._moments.append(moment)
        if len(self._moments) >= _MOMENTS:
            del self._moments[1::2]
            self._stride *= 2


def _newest() -> deque[float]:
    return deque(maxlen=RECENT)


@dataclass(slots=True)
class _Sums:
    calls: int = 0
    cached: int = 0
    paid: Decimal = Decimal(0)
    saved: Decimal = Decimal(0)
    unknown: int = 0
    unsaved: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    stepped_in: int = 0
    seconds: deque[float] = field(default_factory=_newest)
    cached_seconds: deque[float] = field(default_factory=_newest)

    def pay(self, payment: Payment) -> None:
        if payment.cost is None:
            self.unknown += 1
        else:
            self.paid += payment.cost
        self.input_tokens += payment.usage.input_tokens
        self.output_tokens += payment.usage.output_tokens

    def count(self, one: Try) -> None:
        self.calls += 1
        if one.failure is not None:
            self.failures[one.failure] += 1
        elif one.seconds is not None:
            self.seconds.append(one.seconds)

    def reuse(self, call: CallFigures) -> None:
        self.cached += 1
        if call.saved is None:
            self.unsaved += 1
        else:
            self.saved += call.saved
        if call.seconds is not None:
            self.cached_seconds.append(call.seconds)

    def figures(self, model: str) -> ModelFigures:
        return ModelFigures(
            model,
            self.calls,
            self.cached,
            self.paid,
            self.saved,
            self.unknown,
            self.unsaved,
            self.input_tokens,
            self.output_tokens,
            dict(self.failures),
            self.stepped_in,
            tuple(sorted(self.seconds)),
            tuple(sorted(self.cached_seconds)),
        )
