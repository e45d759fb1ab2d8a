"""The calls of all of a user's sessions on disk: rows of names and numbers, no texts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import fields
from decimal import Decimal
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from orch_nb.errors import OrchError
from orch_nb.sanitize import one_line
from orch_nb.store.call_row import CallRow, summarise
from orch_nb.store.disk import disk_errors
from orch_nb.store.journal import Journal
from orch_nb.store.nano import to_dollars, to_nano
from orch_nb.store.spool import Spool, abandoned
from orch_nb.types import Record

if TYPE_CHECKING:
    import sqlite3

# Rows kept, the newest: about 20 MB, which take about 2.5 s to read; a year of 270 calls a day.
ROWS = 100_000
_PRUNING = 1000  # rows between two prunings
# Rows that wait for a disk that fails; those of a storm of calls, for half a second.
_WAITING = 20_000
_LARGEST = 2**53  # beyond this a count is a server's nonsense, and floats go wrong

_TYPES = {"float": "REAL", "int": "INTEGER", "bool": "INTEGER", "str": "TEXT", "Decimal": "INTEGER"}
# The annotations are strings, as "Decimal | None".
_KINDS = {field.name: str(field.type).partition(" ")[0] for field in fields(CallRow)}
_COLUMNS = ", ".join(_KINDS)
_values = attrgetter(*_KINDS)
_PLAIN = frozenset({float, str, bool, type(None)})
# ruff: noqa: S608 - the names in these statements are our own
_SCHEMA = ", ".join(f"{name} {_TYPES[kind]}" for name, kind in _KINDS.items())
_INSERT = f"INSERT INTO call ({_COLUMNS}) VALUES ({', '.join('?' * len(_KINDS))})"
_SINCE = f"SELECT {_COLUMNS} FROM call WHERE at >= ? ORDER BY at, id"
_KNOWN = "SELECT at, session, call FROM call WHERE at >= ?"
_PRUNE = "DELETE FROM call WHERE id <= (SELECT id FROM call ORDER BY id DESC LIMIT 1 OFFSET ?)"


class LedgerWarning(UserWarning):
    """The calls of this session are not kept on disk. They still are in memory."""


Written = Sequence[Any]  # the values of one row, as SQLite and JSON have them


class Entry(NamedTuple):
    """A call that is to be written, and what `orch_nb.store.call_row.summarise` needs."""

    record: Record
    session: str
    call: int
    secrets: Collection[str]


class CallFile(Journal[Written]):
    """The file of calls, one row each; money in it is whole nano-dollars.

    What was added is in a `Spool` beside the file at once, and in the file soon after. The calls
    of a process that was killed are taken from its spool by the next one that opens the file.
    """

    name = "ledger.sqlite"
    version = 2
    schema = f"CREATE TABLE call (id INTEGER PRIMARY KEY AUTOINCREMENT, {_SCHEMA})"
    limit = _WAITING
    lost = "the calls of this session are not kept"
    warning = LedgerWarning
    _spools = f"ledger-{version}"
    _spool: Spool | None = None  # the one that is written to
    _sealed: list[Spool] = []  # noqa: RUF012 - each file has its own; those that hold what waits
    _due = True

    def add(self, entry: Entry) -> None:
        """Keep the row of `entry`: when this returns it outlives the process."""
        row = _written(summarise(*entry))
        with self._lock:
            self._open()
            if self._spool is None:
                self._spool = Spool.begin(self.path.parent, self._spools)
            if self._spool is not None:
                self._spool.write(row)
            self.put(row)

    def rows(self, since: float) -> list[CallRow] | None:
        """All calls from `since` on, in seconds since the epoch; None if the disk failed."""
        self.open()
        self._due = True
        if not self._exchange():
            return None
        with self._disk:
            try:
                with self._reading() as database:
                    found = database.execute(_SINCE, (since,)).fetchall() if database else []
            except disk_errors() as error:
                self.problem = one_line(str(error)) or type(error).__name__
                return None
        return list(_read(found))

    def clear(self) -> None:
        """Delete all calls, and overwrite them. Raises `OrchError` if that failed."""
        self.open()
        with self._disk:
            try:
                self._due = True
                self._begin()
                self._take()
                if self.path.exists():
                    with self._transaction() as database:
                        database.execute("PRAGMA secure_delete = ON")
                        database.execute("DELETE FROM call")
            except disk_errors() as error:
                raise OrchError(f"not cleared: {error}; delete {self.path}") from None
            self._done()

    def _begin(self) -> None:
        """Take over what processes that are gone have left."""
        due, self._due = self._due, False
        found = list(abandoned(self.path.parent, self._spools)) if due else []
        if not found:
            return
        self._sealed += found
        rows = [row for spool in found for row in _left(spool.rows())]
        with self._reading() as database:
            start = min((row[0] for row in rows), default=0.0)
            known = set(database.execute(_KNOWN, (start,)) if database else ())
        self._pending.extendleft(row for row in reversed(rows) if tuple(row[:3]) not in known)

    def _take(self) -> list[Written]:
        with self._lock:
            if self._spool is not None:
                self._sealed.append(self._spool)
                self._spool = None
            return super()._take()

    def _done(self) -> None:
        while self._sealed:
            self._sealed.pop().end()

    def _start_anew(self) -> None:
        # In a forked process these are the parent's.
        for spool in (*self._sealed, *filter(None, [self._spool])):
            spool.leave()
        self._spool, self._sealed, self._due = None, [], True
        super()._start_anew()

    def _write(self, database: sqlite3.Connection, batch: Sequence[Written]) -> int:
        database.executemany(_INSERT, batch)
        last = int(database.execute("SELECT max(id) FROM call").fetchone()[0])
        if last // _PRUNING != self._seen // _PRUNING:
            database.execute(_PRUNE, (ROWS,))
        return last


def _left(rows: Iterable[Sequence[Any]]) -> Iterator[Written]:
    """Those of `rows` that are whole, as they were written."""
    for row in _read(row for row in rows if len(row) == len(_KINDS) and None not in row[:3]):
        values = _written(row)
        with suppress(UnicodeEncodeError):
            "".join(value for value in values if isinstance(value, str)).encode()
            yield values


def _written(row: CallRow) -> Written:
    return [v if type(v) in _PLAIN else _to_disk(v) for v in _values(row)]


def _to_disk(value: object) -> object:
    if isinstance(value, int):
        return value if -_LARGEST <= value <= _LARGEST else _LARGEST * (1 if value > 0 else -1)
    return to_nano(value) if isinstance(value, Decimal) else value


def _read(found: Iterable[Sequence[Any]]) -> Iterator[CallRow]:
    for row in found:
        # What was changed by hand is no row of ours.
        with suppress(TypeError, ValueError):
            yield CallRow(*map(_from_disk, _KINDS.values(), row))


def _from_disk(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind == "Decimal":
        return to_dollars(int(value))
    return {"float": float, "int": int, "bool": bool, "str": str}[kind](value)
