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
# ruff: noqa: S608 - the names in these statements are our own
_SCHEMA = ", ".join(f"{name} {_TYPES[kind]}" for name, kind in _KINDS.items())
_INSERT = f"INSERT INTO call ({_COLUMNS}) VALUES ({', '.join('?' * len(_KINDS))})"
_SINCE = f"SELECT {_COLUMNS} FROM call WHERE at >= ? ORDER BY at, id"
_PRUNE = "DELETE FROM call WHERE id <= (SELECT id FROM call ORDER BY id DESC LIMIT 1 OFFSET ?)"


class LedgerWarning(UserWarning):
    """The calls of this session are not kept on disk. They still are in memory."""


class Entry(NamedTuple):
    """A call that is to be written, and what `orch_nb.store.call_row.summarise` needs."""

    record: Record
    session: str
    call: int
    secrets: Collection[str]


class CallFile(Journal[Entry]):
    """The file of calls, one row each; money in it is whole nano-dollars."""

    name = "ledger.sqlite"
    version = 2
    schema = f"CREATE TABLE call (id INTEGER PRIMARY KEY AUTOINCREMENT, {_SCHEMA})"
    limit = _WAITING
    lost = "the calls of this session are not kept"
    warning = LedgerWarning

    def rows(self, since: float) -> list[CallRow] | None:
        """All calls from `since` on, in seconds since the epoch; None if the disk failed."""
        self.open()
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
            self._pending.clear()
            try:
                if self.path.exists():
                    with self._transaction() as database:
                        database.execute("PRAGMA secure_delete = ON")
                        database.execute("DELETE FROM call")
            except disk_errors() as error:
                raise OrchError(f"not cleared: {error}; delete {self.path}") from None

    def _write(self, database: sqlite3.Connection, batch: Sequence[Entry]) -> int:
        database.executemany(_INSERT, (_written(summarise(*entry)) for entry in batch))
        last = int(database.execute("SELECT max(id) FROM call").fetchone()[0])
        if last // _PRUNING != self._seen // _PRUNING:
            database.execute(_PRUNE, (ROWS,))
        return last


def _written(row: CallRow) -> list[object]:
    return [_to_disk(value) for value in attrgetter(*_KINDS)(row)]


def _to_disk(value: object) -> object:
    if isinstance(value, Decimal):
        return to_nano(value)
    if isinstance(value, int):
        return max(-_LARGEST, min(value, _LARGEST))
    return value


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
