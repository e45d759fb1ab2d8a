"""The session's calls in memory, and what they add up to."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, overload

from orch_nb.errors import OrchError
from orch_nb.types import Attempt, Record

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]

Watcher = Callable[[Record], None]
# Attempts of a model that its median duration is taken of: the newest say what it is like now.
_RECENT = 101


@dataclass(frozen=True, slots=True)
class Spend:
    """Dollars spent, by how sure the tokens behind them are.

    ``unknown_calls`` answers have no price or no usage: they cost more than the sums say. Failed
    calls have no cost.
    """

    known: Decimal = Decimal(0)
    estimated: Decimal = Decimal(0)
    unknown_calls: int = 0


@dataclass(frozen=True, slots=True)
class ModelStats:
    """What one model did in this session.

    ``calls`` counts the attempts that reached for the model, so a failure that another model
    answered for counts here; ``cached`` counts answers from the cache, which are no calls.
    ``cost`` is dollars billed, without answers of unknown cost. ``seconds`` is the median duration
    (the upper one of an even number) of the successful attempts, None where there is none: a
    cached or simulated answer says nothing about the model's speed. ``success`` is the fraction of
    calls without an error, None where there were none. An attempt that the user stopped counts
    for neither.
    """

    model: str
    calls: int
    cached: int
    cost: Decimal
    seconds: float | None
    success: float | None


class Ledger:
    """Records in the order of their arrival. Append-only; safe to use from any thread."""

    def __init__(self) -> None:
        self._records: list[Record] = []
        self._watchers: list[Watcher] = []
        self._spend = Spend()
        self._tallies: defaultdict[str, _Tally] = defaultdict(_Tally)
        self._lock = threading.Lock()

    def add(self, record: Record) -> None:
        """Append `record`, then call the subscribers in this thread."""
        with self._lock:
            self._records.append(record)
            self._spend = _add_bill(self._spend, record)
            _count(self._tallies, record)
            watchers = tuple(self._watchers)
        for watch in watchers:
            watch(record)

    def subscribe(self, watch: Watcher) -> Callable[[], None]:
        """Call `watch` with every record from now on; return what ends that.

        It runs in the thread that adds, and its errors are that thread's.
        """
        with self._lock:
            self._watchers.append(watch)

        def unsubscribe() -> None:
            with self._lock:
                if watch in self._watchers:
                    self._watchers.remove(watch)

        return unsubscribe

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        """Iterate over what is there now; what is added meanwhile is not part of it."""
        return iter(self._records.copy())

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> list[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | list[Record]:
        return self._records[index]

    @property
    def last(self) -> Record | None:
        """The newest record."""
        return self._records[-1] if self._records else None

    @property
    def spent(self) -> Spend:
        """What the session has spent so far."""
        return self._spend

    def by_model(self) -> dict[str, ModelStats]:
        """Sum up per model, in the order in which the models first appeared."""
        with self._lock:
            return {model: tally.sum_up(model) for model, tally in self._tallies.items()}

    def latency(self) -> dict[str, float]:
        """Median seconds by model id, for the models whose speed has been seen."""
        stats = self.by_model().values()
        return {one.model: one.seconds for one in stats if one.seconds is not None}

    def to_records(self) -> list[dict[str, object]]:
        """Return one flat row a call, without the texts.

        Money is Decimal dollars, times are seconds, ``at`` is seconds since the epoch; None is
        unknown or does not apply.
        """
        return [_row(record) for record in self]

    def to_pandas(self) -> pandas.DataFrame:
        """`to_records` as a DataFrame: dollars as floats, ``at`` as a UTC timestamp.

        Raises `OrchError` where pandas is not installed.
        """
        try:
            import pandas  # noqa: PLC0415 - optional, and slow to import
        except ImportError:
            raise OrchError("to_pandas needs pandas: pip install pandas") from None
        frame = pandas.DataFrame.from_records(self.to_records(), columns=_COLUMNS)
        frame["at"] = pandas.to_datetime(frame["at"], unit="s", utc=True)
        return frame.astype({"cost": float, "billed": float})


@dataclass(slots=True)
class _Tally:
    calls: int = 0
    succeeded: int = 0
    cached: int = 0
    cost: Decimal = Decimal(0)
    seconds: deque[float] = field(default_factory=lambda: deque(maxlen=_RECENT))

    def sum_up(self, model: str) -> ModelStats:
        return ModelStats(
            model,
            self.calls,
            self.cached,
            self.cost,
            sorted(self.seconds)[len(self.seconds) // 2] if self.seconds else None,
            self.succeeded / self.calls if self.calls else None,
        )


def _add_bill(spend: Spend, record: Record) -> Spend:
    if record.response is None:
        return spend
    billed = record.response.billed
    if billed is None:
        return Spend(spend.known, spend.estimated, spend.unknown_calls + 1)
    if record.response.cached or record.response.usage.source == "known":
        return Spend(spend.known + billed, spend.estimated, spend.unknown_calls)
    return Spend(spend.known, spend.estimated + billed, spend.unknown_calls)


def _count(tallies: defaultdict[str, _Tally], record: Record) -> None:
    response = record.response
    if response is not None and response.cached:
        # Its attempts were made, and counted, by the call that paid for it.
        tallies[response.model].cached += 1
        return
    if response is not None:
        tallies[response.model].cost += response.billed or 0
    simulated = response is not None and response.simulated
    for attempt in _finished(record):
        tally = tallies[attempt.model]
        tally.calls += 1
        if attempt.error is None:
            tally.succeeded += 1
            if not simulated:
                tally.seconds.append(attempt.seconds)


def _finished(record: Record) -> tuple[Attempt, ...]:
    stopped = record.response is not None and record.response.finish == "interrupted"
    return record.attempts[:-1] if stopped else record.attempts


_COLUMNS = [
    "at",
    "model",
    "strategy",
    "cost",
    "billed",
    "seconds",
    "ttft",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "usage_source",
    "cached",
    "finish",
    "error",
    "trail",
]


def _row(record: Record) -> dict[str, object]:
    row: dict[str, object] = dict.fromkeys(_COLUMNS)
    row["at"], row["error"] = record.at, record.error
    row["strategy"] = record.decision.strategy if record.decision else None
    response = record.response
    if response is None:
        row["model"] = record.attempts[-1].model if record.attempts else None
        row["trail"] = " → ".join(f"{a.model} ({a.cause})" for a in record.attempts)
        return row
    usage = response.usage
    return row | {
        "model": response.model,
        "cost": response.cost,
        "billed": response.billed,
        "seconds": response.seconds,
        "ttft": response.ttft,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cached_tokens": usage.cached_tokens,
        "usage_source": usage.source,
        "cached": response.cached,
        "finish": response.finish,
        "trail": response.trail,
    }
