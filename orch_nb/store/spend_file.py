"""What all of a user's processes spend, in one SQLite file: two sums, and what the hour is made of.

A row of ``call`` is what a session's process has set aside, before anything is sent, for all of its
calls under way; or what some of them were settled for, that ended within a moment. What a process
that is gone had set aside becomes unknown, all of it, with the next process that opens the file.
The sums in ``total`` are kept along with the rows, so that a reservation takes the same time after
ten thousand calls as after the first; a row leaves the hour's sum when it leaves the window.
"""

from __future__ import annotations

import os
import sqlite3
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from orch_nb.files import create_private
from orch_nb.store.disk import disk_errors
from orch_nb.store.tally import HOUR, Period, State, Tally

# Seconds that a call waits for other processes, which hold the file for 0.1 ms each. On a busy
# machine one that holds it may have to wait itself: who gives up has a budget of its own.
_PATIENCE = 5.0
# Seconds between two tries. SQLite's own pauses grow to 0.1 s, which is how one process starves
# beside others that come more often.
_PAUSE = 0.002
# Seconds by which two looks at the start of one process may differ when the clock was set.
_SAME_START = 5.0
# Seconds after which nobody asks for the sum of a session again.
_FORGOTTEN = 30 * 86_400.0

_NUMBERS = (int, float)
_HOUR_KEY = "hour"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS call (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, session TEXT NOT NULL,
    pid INTEGER NOT NULL, started REAL NOT NULL, state TEXT NOT NULL, amount INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS call_at ON call (at);
CREATE TABLE IF NOT EXISTS total (
    key TEXT NOT NULL, state TEXT NOT NULL, amount INTEGER NOT NULL, seen REAL NOT NULL,
    PRIMARY KEY (key, state)) WITHOUT ROWID;
"""
_ADD = """INSERT INTO total VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET amount = amount + excluded.amount, seen = excluded.seen"""

Sums = Mapping[Period, Tally]
#: What to set aside; it may ask for the sums of the session and of the hour.
Choose = Callable[[Callable[[], Sums]], int]


@dataclass(frozen=True, slots=True)
class Held:
    """What a process has set aside for its calls under way: its row, and nano-dollars."""

    row: int
    amount: int


class SpendFile:
    """The file at `path`, opened by this process for the session with the id `session`.

    Every method raises one of `orch_nb.store.disk.disk_errors` where the disk does not play along.
    To be used by one thread at a time, and closed before the process forks.
    """

    def __init__(self, path: Path, session: str, now: float) -> None:
        self._session = session
        self._process = (os.getpid(), _start(os.getpid()) or 0.0)
        create_private(path)
        self._db = sqlite3.connect(
            path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
        )
        self._closed = weakref.finalize(self, self._db.close)
        self._closed.atexit = False  # by then the session that ends writes into it
        try:
            self._prepare(now)
            self._path, self._place = path, _place(path)
        except disk_errors():
            self.close()
            raise

    def close(self) -> None:
        """Close the connection; the file stays."""
        with suppress(sqlite3.Error):
            self._closed()

    def exchange(
        self,
        settled: Iterable[tuple[float, State, int]],
        held: Held | None,
        choose: Choose,
        now: float,
    ) -> Held | None:
        """Write what was `settled`, and set aside what `choose` says instead of what is `held`.

        `settled` are time, state and amount: what is older than an hour is the session's alone.
        The sums that `choose` gets are of the hour before `now`, seconds since the epoch, without
        what is `held`; nobody changes them until all is written. The result is what is held from
        now on; None is nothing.
        """
        with self._shared():
            held = self._confirmed(held, now)
            for at, state, amount in settled:
                keys = [self._session]
                if now - HOUR < at <= now + HOUR:
                    self._insert(state, amount, at)
                    keys.append(_HOUR_KEY)
                self._add(keys, state, amount, now)
            amount = choose(lambda: self._totals(held, now))
            return self._set_aside(held, amount, now)

    def _prepare(self, now: float) -> None:
        # Of a new file: a page that a call changes is written whole, and rows are short.
        self._db.execute("PRAGMA page_size = 1024")
        # A disk without shared memory keeps SQLite's own journal; so does this look at a file that
        # another process is changing over right now, and the next one finds it changed.
        with suppress(sqlite3.OperationalError):
            self._db.execute("PRAGMA journal_mode = WAL").fetchone()
        # What this process was told to be written survives its death, if not that of the machine.
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("PRAGMA busy_timeout = 0")  # from here on `_patiently` waits
        with self._transaction():
            for statement in _SCHEMA.split(";\n"):
                self._db.execute(statement)
            self._db.execute(
                "DELETE FROM total WHERE key <> ? AND seen < ?", (_HOUR_KEY, now - _FORGOTTEN)
            )
            self._recover(now)

    def _shared(self) -> AbstractContextManager[None]:
        """A transaction in the file that others have, too: SQLite goes on with a deleted one."""
        if _place(self._path) != self._place:
            raise OSError(f"{self._path.name} was deleted and made anew")
        return self._transaction()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._patiently("BEGIN IMMEDIATE")
            yield
            self._patiently("COMMIT")  # SQLite's own journal waits for who reads
        finally:
            if self._db.in_transaction:  # also after a stop
                with suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")

    def _patiently(self, statement: str) -> None:
        late = time.monotonic() + _PATIENCE
        while not self._done(statement, late):
            time.sleep(_PAUSE)

    def _done(self, statement: str, late: float) -> bool:
        try:
            self._db.execute(statement)
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY  # or one of its kinds
            if not busy or time.monotonic() > late:
                raise
            return False
        return True

    def _totals(self, held: Held | None, now: float) -> Sums:
        self._expire(now)
        found: dict[Period, Tally] = {"session": Tally("session"), "hour": Tally("hour")}
        for key, state, amount in self._db.execute(
            "SELECT key, state, amount FROM total WHERE key IN (?, ?)", (_HOUR_KEY, self._session)
        ):
            _check_numbers(amount)
            found["hour" if key == _HOUR_KEY else "session"].add(state, amount)
        for tally in found.values():
            tally.add("reserved", -held.amount if held else 0)
        return found

    def _insert(self, state: State, amount: int, at: float) -> int:
        inserted = self._db.execute(
            "INSERT INTO call (at, session, pid, started, state, amount) VALUES (?, ?, ?, ?, ?, ?)",
            (at, self._session, *self._process, state, amount),
        )
        return inserted.lastrowid or 0

    def _confirmed(self, held: Held | None, now: float) -> Held | None:
        """What is `held` as far as the file has it.

        Where others thought this process dead, it may be unknown by now, or gone.
        """
        if held is None:
            return None
        found = self._db.execute(
            "SELECT state, amount FROM call WHERE id = ? AND session = ? AND pid = ?",
            (held.row, self._session, self._process[0]),
        ).fetchone()
        if found is None:
            return None
        state, amount = found
        _check_numbers(amount)
        if state == "reserved":
            return Held(held.row, amount)
        self._add((_HOUR_KEY, self._session), state, -amount, now)
        self._db.execute("DELETE FROM call WHERE id = ?", (held.row,))
        return None

    def _set_aside(self, held: Held | None, amount: int, now: float) -> Held | None:
        before = held.amount if held else 0
        if amount == before:
            return held
        self._add((_HOUR_KEY, self._session), "reserved", amount - before, now)
        if held is None:
            return Held(self._insert("reserved", amount, now), amount)
        if not amount:
            self._db.execute("DELETE FROM call WHERE id = ?", (held.row,))
            return None
        self._db.execute("UPDATE call SET at = ?, amount = ? WHERE id = ?", (now, amount, held.row))
        return Held(held.row, amount)

    def _add(self, keys: Iterable[str], state: str, amount: int, now: float) -> None:
        """Count `amount` as `state` in each of the sums with these `keys`."""
        self._db.executemany(_ADD, [(key, state, amount, now) for key in keys])

    def _expire(self, now: float) -> None:
        """Take what has left the window out of the hour's sum, but for calls under way.

        What lies more than an hour ahead was written under a wrong clock.
        """
        outside = "at <= ? OR at > ?"
        window = (now - HOUR, now + HOUR)
        query = f"SELECT 1 FROM call WHERE {outside} LIMIT 1"  # noqa: S608 - our own words
        if self._db.execute(query, window).fetchone() is None:
            return
        self._recover(now)
        rows = self._db.execute(
            f"SELECT id, state, amount FROM call WHERE ({outside}) AND state <> 'reserved'",  # noqa: S608
            window,
        ).fetchall()
        for row, state, amount in rows:
            _check_numbers(amount)
            self._add([_HOUR_KEY], state, -amount, now)
            self._db.execute("DELETE FROM call WHERE id = ?", (row,))

    def _recover(self, now: float) -> None:
        """Keep the worst case of calls whose process is gone: it may have been billed."""
        rows = self._db.execute(
            "SELECT id, session, amount, pid, started FROM call WHERE state = 'reserved'"
        ).fetchall()
        for _, _, *numbers in rows:
            _check_numbers(*numbers)
        gone = {process for process in {row[3:] for row in rows} if _is_gone(*process)}
        for row, session, amount, *process in rows:
            if tuple(process) not in gone:
                continue
            self._add((_HOUR_KEY, session), "reserved", -amount, now)
            self._add((_HOUR_KEY, session), "unknown", amount, now)
            self._db.execute("UPDATE call SET state = 'unknown' WHERE id = ?", (row,))


def _place(path: Path) -> tuple[int, int]:
    seen = path.stat()
    return seen.st_dev, seen.st_ino


def _check_numbers(*values: object) -> None:
    """Raise for what damage has made into something else, as SQLite does for what it notices."""
    if not all(isinstance(value, _NUMBERS) for value in values):
        raise sqlite3.DatabaseError("a number in it is none")


def _start(pid: int) -> float | None:
    """When the process started, in seconds since the epoch; None where none runs."""
    import psutil  # noqa: PLC0415 - 10 ms that those without a budget need not pay

    try:
        process = psutil.Process(pid)
        dead = process.status() == psutil.STATUS_ZOMBIE  # killed, and its parent has not looked
        return None if dead else process.create_time()
    except psutil.Error:
        return None


def _is_gone(pid: int, started: float) -> bool:
    now = _start(pid)
    return now is None or abs(now - started) > _SAME_START
