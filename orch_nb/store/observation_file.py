"""Observations of models on disk: what the user's kernels learn from each other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import fields
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from orch_nb.errors import InputError, OrchError
from orch_nb.store.disk import disk_errors
from orch_nb.store.journal import Journal
from orch_nb.types import Observation

if TYPE_CHECKING:
    import sqlite3

# Rows kept: reading them all takes about 0.1 s, and a file is at most about 1 MB. A batch of
# thousands of calls must not push out the evaluations, hence the second bound.
ROWS = 10_000
CALLS_PER_MODEL = 100
_PRUNING = 500  # rows between two prunings

_NAMES = [field.name for field in fields(Observation)]
_COLUMNS = ", ".join(_NAMES)
_row = attrgetter(*_NAMES)
# ruff: noqa: S608 - the names in these statements are our own
_INSERT = f"INSERT INTO observation ({_COLUMNS}) VALUES ({', '.join('?' * len(_NAMES))})"
_NEWER = f"""SELECT id, {_COLUMNS} FROM observation
    WHERE id > ? AND typeof(model) = 'text' AND typeof(kind) = 'text'
    ORDER BY id DESC LIMIT {ROWS}"""
_PRUNE_CALLS = """DELETE FROM observation WHERE id IN (
    SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY model ORDER BY id DESC) AS place
                    FROM observation WHERE source = 'call') WHERE place > ?)"""
_PRUNE_ROWS = """DELETE FROM observation WHERE id <= (
    SELECT id FROM observation ORDER BY id DESC LIMIT 1 OFFSET ?)"""


class ExperienceWarning(UserWarning):
    """What is learned about models is not kept on disk. It still counts in this session."""


class ObservationFile(Journal[Observation]):
    """The file of observations. ``news`` is what others have written, in their order."""

    name = "experience.sqlite"
    version = 1
    schema = """CREATE TABLE observation (
        id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, model TEXT NOT NULL,
        kind TEXT NOT NULL, source TEXT NOT NULL, ok INTEGER, quality REAL, seconds REAL,
        ttft REAL, output_tokens INTEGER, estimated_tokens INTEGER, input_tokens INTEGER)"""
    limit = ROWS
    lost = "what is learned about models is not kept"
    warning = ExperienceWarning

    def __init__(self, place: Callable[[], Path]) -> None:
        super().__init__(place)
        self.news: deque[Observation] = deque()

    def forget(self, model: str | None) -> None:
        """Delete what is known of `model`, or everything. Raises `OrchError` if that failed."""
        with self._disk:
            for _ in range(len(self._pending)):
                waiting = self._pending.popleft()
                if model not in (None, waiting.model):
                    self._pending.append(waiting)
            try:
                if self.path.exists():
                    with self._transaction() as database:
                        database.execute(
                            "DELETE FROM observation WHERE ?1 IS NULL OR model = ?1", (model,)
                        )
            except disk_errors() as error:
                raise OrchError(f"not forgotten: {error}; delete {self.path}") from None

    def _read(self, database: sqlite3.Connection) -> None:
        for number, *row in reversed(database.execute(_NEWER, (self._seen,)).fetchall()):
            self._seen = number
            # What is damaged, or written by hand, is no observation.
            with suppress(InputError, TypeError):
                self.news.append(Observation(*row))

    def _write(self, database: sqlite3.Connection, batch: Sequence[Observation]) -> int:
        for observation in batch:
            with suppress(UnicodeEncodeError):  # a server's idea of a name
                database.execute(_INSERT, _row(observation))
        last = int(database.execute("SELECT last_insert_rowid()").fetchone()[0]) or self._seen
        if last // _PRUNING != self._seen // _PRUNING:
            database.execute(_PRUNE_CALLS, (CALLS_PER_MODEL,))
            database.execute(_PRUNE_ROWS, (ROWS,))
        return last
