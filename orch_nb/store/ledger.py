"""The session's calls in memory, and what they add up to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, overload

from orch_nb.errors import OrchError
from orch_nb.store.account import Accounts, ModelStats, Spend, payments
from orch_nb.types import Record

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]

Watcher = Callable[[Record], None]


class Ledger:
    """Records in the order of their arrival. Append-only; safe to use from any thread."""

    def __init__(self) -> None:
        self._records: list[Record] = []
        self._watchers: list[Watcher] = []
        self._spend = Spend()
        self._accounts = Accounts()
        self._lock = threading.Lock()

    def add(self, record: Record) -> None:
        """Append `record`, then call the subscribers in this thread."""
        with self._lock:
            self._records.append(record)
            self._spend = self._spend.plus(record)
            self._accounts.add(record)
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
            return self._accounts.sum_up()

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
        row["billed"] = _billed(record)
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


def _billed(record: Record) -> Decimal | None:
    """Dollars that a call without an answer was billed; None for none, or where one is unknown."""
    costs = [paid.cost for paid in payments(record)]
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) if known and len(known) == len(costs) else None
