"""The session's calls in memory, what they add up to, and those of all sessions on disk."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, overload

from orch_nb.store.account import Spend
from orch_nb.store.call_file import CallFile, Entry
from orch_nb.store.call_row import summarise
from orch_nb.store.call_table import CallTable
from orch_nb.store.overview import ModelStats
from orch_nb.store.records import Records
from orch_nb.store.report import Books, Report
from orch_nb.types import Record, Track

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]

Watcher = Callable[[Record], None]

_DAY = 86_400.0


class Ledger:
    """Records in the order of their arrival. Append-only; safe to use from any thread.

    The newest 500 are kept as they came, older ones packed, see `orch_nb.store.records.Records`.

    Every record is written to `file` as well, as a row of names and numbers. From then on it
    outlives the process, also one that is killed (`orch_nb.store.spool`; on Windows only what was
    added half a second before).

    Parameters
    ----------
    file
        Where the calls of all sessions are. None keeps this session's, in memory.
    session
        The session's id.
    clock
        Seconds since the epoch.
    """

    def __init__(
        self,
        file: CallFile | None = None,
        *,
        session: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        #: The session's id.
        self.session = session
        self._file, self._clock = file, clock
        if file is not None:
            weakref.finalize(self, file.close)
        #: What no row may hold: the keys of all providers.
        self.secrets: frozenset[str] = frozenset()
        self._records = Records()
        self._watchers: list[Watcher] = []
        self._books = Books()
        self._lock = threading.Lock()

    def add(self, record: Record, *, written: bool = False) -> None:
        """Append `record`, then call the subscribers in this thread.

        What another process has `written` into the file is not written again.
        """
        with self._lock:
            self._records.append(record)
            self._books.add(record)
            watchers = tuple(self._watchers)
            if self._file is not None and not written:
                entry = Entry(record, self.session, len(self._records), self.secrets)
                self._file.add(entry)
        for watch in watchers:
            watch(record)
        if self._file is not None:
            self._file.warn()

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
        return iter(self._records)

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
        return self._books.spent

    def by_model(self) -> dict[str, ModelStats]:
        """Sum up per model, in the order in which the models first appeared."""
        with self._lock:
            return self._books.by_model()

    def report(self, tracks: Mapping[str, Track] | None = None) -> Report:
        """What all records come to, and what `tracks` say of their models; none is read again."""
        with self._lock:
            return self._books.report(tracks or {})

    def to_records(self) -> list[dict[str, object]]:
        """Return one flat row a call, without the texts: `orch_nb.store.call_row.CallRow`.

        Money is Decimal dollars, times are seconds, ``at`` is seconds since the epoch; None is
        unknown or does not apply.
        """
        return self._table().to_records()

    def to_json(self) -> str:
        """`to_records` as a JSON array. Dollars are strings, so that they stay exact."""
        return self._table().to_json()

    def to_pandas(self) -> pandas.DataFrame:
        """`to_records` as a DataFrame: dollars as floats, ``at`` as a UTC timestamp.

        Raises `OrchError` where pandas is not installed.
        """
        return self._table().to_pandas()

    def history(self, *, days: float | None = None, since: datetime | None = None) -> CallTable:
        """The calls of all of the user's sessions, this one's with them: the newest 100,000.

        Only those of the last `days`, and from `since` on, which is local time where it has no
        zone. Where the disk fails these are the calls of this session, with a `LedgerWarning`.
        """
        start = max(
            0.0 if days is None else self._clock() - days * _DAY,
            0.0 if since is None else since.timestamp(),
        )
        found = None if self._file is None else self._file.rows(start)
        if self._file is not None:
            self._file.warn()
        if found is None:
            found = [row for row in self._table() if row.at >= start]
        return CallTable(found)

    def clear_history(self) -> None:
        """Delete the calls of all of the user's sessions from the disk; the session keeps its own.

        Raises `OrchError` if that failed.
        """
        if self._file is not None:
            self._file.clear()

    def _table(self) -> CallTable:
        numbered = enumerate(self, start=1)
        return CallTable([summarise(r, self.session, n, self.secrets) for n, r in numbered])
