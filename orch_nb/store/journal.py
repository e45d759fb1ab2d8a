"""Observations on disk: one SQLite file for all of a user's kernels, and the thread that writes it.

Every exchange with the file is one short connection: read what others have added, add what is
new here. So nothing is open in between, a fork carries no connection along, and a file in a
folder that cannot be written can still be read. That is why the file keeps SQLite's rollback
journal: a write-ahead log would have to be folded in at the end of each connection, which makes
it no quicker, needs a writable folder to be read at all, and must not lie on a network disk.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import fields
from operator import attrgetter
from pathlib import Path

from orch_nb.errors import InputError, OrchError
from orch_nb.sanitize import one_line
from orch_nb.types import Observation

# Seconds for which a first observation waits for others to be written with: what `kill -9` loses.
_GATHERING = 0.5
# Seconds until a disk that failed is tried again, and for which a lock of others is waited for.
_AGAIN = 30.0
_BUSY = 2.0
# Seconds that `close` has for the last write; what is stuck is left to the thread.
_GRACE = 1.0
# Rows kept: reading them all takes about 0.1 s, and a file is at most about 1 MB. A batch of
# thousands of calls must not push out the evaluations, hence the second bound.
ROWS = 10_000
CALLS_PER_MODEL = 100
_PRUNING = 500  # rows between two prunings

_VERSION = 1
_NAMES = [field.name for field in fields(Observation)]
_COLUMNS = ", ".join(_NAMES)
_row = attrgetter(*_NAMES)
_TABLE = """CREATE TABLE observation (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, model TEXT NOT NULL, kind TEXT NOT NULL,
    source TEXT NOT NULL, ok INTEGER, quality REAL, seconds REAL, ttft REAL,
    output_tokens INTEGER, estimated_tokens INTEGER, input_tokens INTEGER)"""
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


class Journal:
    """Reads and writes the file at `path` on a thread of its own, from now until `close`.

    ``news`` is what others have written, in their order; ``read`` is set once the file has been
    looked at; ``problem`` says in one line why that failed, or a write did. What could not be
    written is tried again later.
    """

    def __init__(self, path: Path, seen: int = 0) -> None:
        self.path, self.seen = path, seen
        self.news: deque[Observation] = deque()
        self.read = threading.Event()
        self.problem: str | None = None
        self._pending: deque[Observation] = deque(maxlen=ROWS)
        self._disk = threading.Lock()
        self._wake, self._closing = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._serve, name="orch_nb experience", daemon=True)
        self._thread.start()

    def put(self, observation: Observation) -> None:
        """Have `observation` written soon."""
        self._pending.append(observation)
        self.look()

    def look(self) -> None:
        """Have the file looked at soon."""
        if not self._wake.is_set():
            self._wake.set()

    def close(self) -> None:
        """Write what is left and end the thread, within a second."""
        self._closing.set()
        self._wake.set()
        self._thread.join(_GRACE)
        if self._thread.is_alive():
            self.problem = self.problem or "the disk did not answer in time"

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
            except (sqlite3.Error, OSError) as error:
                raise OrchError(f"not forgotten: {error}; delete {self.path}") from None

    def _serve(self) -> None:
        while True:
            last = self._closing.is_set()
            done = self._exchange()
            if last:
                return
            if not done and self._pending:
                self._closing.wait(_AGAIN)
                self._wake.set()
            self._wake.wait()
            self._closing.wait(_GATHERING)
            self._wake.clear()

    def _exchange(self) -> bool:
        with self._disk:
            batch = []
            while self._pending:
                batch.append(self._pending.popleft())
            try:
                if batch:
                    with self._transaction() as database:
                        self._read(database)
                        written = self._write(database, batch)
                    self.seen = written
                elif self.path.exists():
                    with closing(self._connect()) as database:
                        if _version(database):
                            self._read(database)
            except (sqlite3.Error, OSError) as error:
                self.problem = one_line(str(error)) or type(error).__name__
                self._pending.extendleft(reversed(batch))
                return False
            finally:
                self.read.set()
        return True

    def _read(self, database: sqlite3.Connection) -> None:
        for number, *row in reversed(database.execute(_NEWER, (self.seen,)).fetchall()):
            self.seen = number
            # What is damaged, or written by hand, is no observation.
            with suppress(InputError, TypeError):
                self.news.append(Observation(*row))

    def _write(self, database: sqlite3.Connection, batch: list[Observation]) -> int:
        for observation in batch:
            with suppress(UnicodeEncodeError):  # a server's idea of a name
                database.execute(_INSERT, _row(observation))
        last = database.execute("SELECT last_insert_rowid()").fetchone()[0] or self.seen
        if last // _PRUNING != self.seen // _PRUNING:
            database.execute(_PRUNE_CALLS, (CALLS_PER_MODEL,))
            database.execute(_PRUNE_ROWS, (ROWS,))
        return last

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            # SQLite would make it readable to others. An existing file is never opened and closed
            # here: that would end the locks that other connections of this process hold.
            os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(self._connect()) as database:
            # Whoever cannot write may still read.
            if _version(database):
                self._read(database)
            database.execute("BEGIN IMMEDIATE")
            if not _version(database):
                database.execute(_TABLE)
                database.execute(f"PRAGMA user_version = {_VERSION}")
            yield database
            database.execute("COMMIT")

    def _connect(self) -> sqlite3.Connection:
        if not stat.S_ISREG(self.path.lstat().st_mode):
            raise OSError(f"{self.path} is not a regular file")
        return sqlite3.connect(self.path, timeout=_BUSY, isolation_level=None)


def _version(database: sqlite3.Connection) -> int:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version not in (0, _VERSION):
        raise sqlite3.DatabaseError("experience.sqlite was written by another version of orch_nb")
    return int(version)
