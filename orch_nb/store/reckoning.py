"""The sums of an overview, call by call."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from orch_nb.store.account import RECENT, Payment, Spend
from orch_nb.store.overview import (
    CallFigures,
    ModelFigures,
    ModelStats,
    Moment,
    Overview,
    Try,
)

# Moments that are kept. Chosen: a chart with a step every four pixels loses nothing to be seen.
_MOMENTS = 256


def reckon(calls: Iterable[CallFigures]) -> Overview:
    """What `calls`, the oldest first, come to."""
    reckoning = Reckoning()
    for call in calls:
        reckoning.add(call)
    return reckoning.sum_up()


class ModelSums:
    """What each model did, call by call, in the order in which the models first appeared.

    Constant time for each call, bounded memory. To be used by one thread at a time.
    """

    def __init__(self) -> None:
        self._models: defaultdict[str, _Sums] = defaultdict(_Sums)

    def add(self, call: CallFigures) -> None:
        """Count `call` for each model that took part."""
        for payment in call.payments:
            self._models[payment.model].pay(payment)
        stepped_in = False
        for one in call.tries:
            self._models[one.model].count(one)
            stepped_in = stepped_in or (one.failure is not None and one.model != call.model)
        if call.model is None:
            return
        answering = self._models[call.model]
        if call.cached:
            answering.reuse(call)
        answering.stepped_in += stepped_in

    def figures(self) -> tuple[ModelFigures, ...]:
        """The sums so far, one a model."""
        return tuple(sums.figures(model) for model, sums in self._models.items())

    def stats(self) -> dict[str, ModelStats]:
        """What they come to, by model id."""
        return {one.model: one.stats for one in self.figures()}


class Reckoning:
    """The sums of an overview, call by call: constant time for each, bounded memory.

    To be used by one thread at a time.
    """

    def __init__(self) -> None:
        self._calls, self._spent, self._models = 0, Spend(), ModelSums()
        self._kinds: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._moments: list[Moment] = []
        self._last: Moment | None = None
        self._stride = 1

    def add(self, call: CallFigures) -> None:
        """Count `call`."""
        self._calls += 1
        self._models.add(call)
        if call.model is not None and call.kind is not None:
            self._kinds[call.kind][call.model] += 1
        self._spent = self._spent.after(call.payments)
        self._note(Moment(self._calls, call.at, self._spent))

    def sum_up(self) -> Overview:
        """What all of it comes to so far."""
        moments = self._moments.copy()
        if self._last is not None and moments[-1] is not self._last:
            moments.append(self._last)
        return Overview(
            self._calls,
            self._models.figures(),
            self._spent,
            {kind: dict(count) for kind, count in self._kinds.items()},
            tuple(moments),
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
    priced: int = 0
    timed: int = 0
    duration: float = 0.0

    def pay(self, payment: Payment) -> None:
        if payment.cost is None:
            self.unknown += 1
        else:
            self.paid += payment.cost
            self.priced += 1
        self.input_tokens += payment.usage.input_tokens
        self.output_tokens += payment.usage.output_tokens

    def count(self, one: Try) -> None:
        self.calls += 1
        if one.failure is not None:
            self.failures[one.failure] += 1
        elif one.seconds is not None:
            self.seconds.append(one.seconds)
            self.timed += 1
            self.duration += one.seconds

    def reuse(self, call: CallFigures) -> None:
        self.cached += 1
        if call.saved is None:
            self.unsaved += 1
        else:
            self.saved += call.saved
        if call.seconds is not None:
            self.cached_seconds.append(call.seconds)

    def figures(self, model: str) -> ModelFigures:
        sums: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        sums["failures"] = dict(self.failures)
        for name in ("seconds", "cached_seconds"):
            sums[name] = tuple(sorted(sums[name]))
        return ModelFigures(model, **sums)
