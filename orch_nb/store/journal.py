"""Entries on disk: one SQLite file for all of a user's kernels, and the thread that writes it.

Every exchange with the file is one short connection: read what others have added, add what is
new here. So nothing is open in between, a fork carries no connection along, and a file in a
folder that cannot be written can still be read. That is why the file keeps SQLite's rollback
journal: a write-ahead log would have to be folded in at the end of each connection, which makes
it no quicker, needs a writable folder to be read at all, and must not lie on a network disk.
"""

from __future__ import annotations

import stat
import threading
import warnings
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from operator import methodcaller
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from orch_nb.files import create_private
from orch_nb.forking import renew_after_fork
from orch_nb.sanitize import one_line
from orch_nb.store.disk import disk_errors

if TYPE_CHECKING:
    import sqlite3

# Seconds for which a first entry waits for others to be written with: what `kill -9` loses.
_GATHERING = 0.5
# Seconds until a disk that failed is tried again, and for which a lock of others is waited for.
_AGAIN = 30.0
_BUSY = 2.0
# Seconds that `close` has for the last write; what is stuck is left to the thread.
_GRACE = 1.0

T = TypeVar("T")


class Journal(ABC, Generic[T]):
    """Reads and writes a file on a thread of its own, from the first use until `close`.

    ``problem`` says in one line why the file could not be read, or written to: that is tried again
    later. ``read`` is set once it has been looked at since it was opened. A forked process starts
    its own thread, and leaves what was not written yet to its parent. Safe to use from any thread.

    A kind of file names itself, and what is lost without it, for the one warning that this costs;
    ``schema`` makes its table. ``limit`` is how many entries wait for a disk that fails.

    Parameters
    ----------
    place
        Names the folder, made with 0700 when first written to.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    schema: ClassVar[str]
    limit: ClassVar[int]
    lost: ClassVar[str]
    warning: ClassVar[type[UserWarning]]
    path: Path
    _thread: threading.Thread | None

    def __init__(self, place: Callable[[], Path]) -> None:
        self._place = place
        self.problem: str | None = None
        self._warned, self._seen = False, 0
        self._start_anew()
        renew_after_fork(self, methodcaller("_start_anew"))

    def open(self) -> None:
        """Have the file looked at, unless it is open."""
        with self._lock:
            self._open()

    def put(self, entry: T) -> None:
        """Have `entry` written soon."""
        with self._lock:
            self._open()
            self._pending.append(entry)
            if not self._wake.is_set():  # it is cleared before what waits is taken
                self._wake.set()

    def look(self) -> None:
        """Have the file looked at soon."""
        with self._lock:
            self._open()
            self._wake.set()

    def close(self) -> None:
        """Write what is left and end the thread, within a second. It opens again when used."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._closing.set()
            self._wake.set()
        # The garbage collector may end a session on this very thread: it writes what is left.
        if thread is threading.current_thread():
            return
        if thread is not None:
            thread.join(_GRACE)
        elif self._pending and self.problem is None:
            self._exchange()
        if thread is not None and thread.is_alive():
            self.problem = self.problem or "the disk did not answer in time"

    def warn(self) -> None:
        """Say what is lost, once, if the disk has failed."""
        if self._warned or self.problem is None:
            return
        self._warned = True
        warnings.warn(
            f"{self.lost}: {self.problem}; delete {self.path} or set ORCH_HOME to a folder of "
            "yours",
            self.warning,
            stacklevel=3,
        )

    @abstractmethod
    def _write(self, database: sqlite3.Connection, batch: Sequence[T]) -> int:
        """Add `batch`, in a transaction; the number of the last row."""

    def _read(self, database: sqlite3.Connection) -> None:
        """Take in what others have added since the row with the number `_seen`."""

    def _begin(self) -> None:
        """Find out what else is to be written. ``_disk`` is held, as by those that follow."""

    def _take(self) -> list[T]:
        """All that waits to be written, which no longer does."""
        batch = []
        while self._pending:
            batch.append(self._pending.popleft())
        return batch

    def _done(self) -> None:
        """What was taken is in the file."""

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """A connection that may write. ``_disk`` must be held."""
        create_private(self.path)
        with closing(self._connect()) as database:
            # Whoever cannot write may still read.
            if self._version(database):
                self._read(database)
            database.execute("BEGIN IMMEDIATE")
            if not self._version(database):
                database.execute(self.schema)
                database.execute(f"PRAGMA user_version = {self.version}")
            yield database
            database.execute("COMMIT")

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        """A connection for reading, None where there is nothing yet. ``_disk`` must be held."""
        if not self.path.exists():
            yield None
            return
        with closing(self._connect()) as database:
            yield database if self._version(database) else None

    def _exchange(self) -> bool:
        with self._disk:
            batch: list[T] = []
            try:
                self._begin()
                batch = self._take()
                if batch:
                    with self._transaction() as database:
                        self._read(database)
                        written = self._write(database, batch)
                    self._seen = written
                else:
                    with self._reading() as found:
                        if found is not None:
                            self._read(found)
                self._done()
            except disk_errors() as error:
                self.problem = one_line(str(error)) or type(error).__name__
                self._pending.extendleft(reversed(batch))
                return False
            finally:
                self.read.set()
        return True

    def _start_anew(self) -> None:
        # Who closes may be the garbage collector, in the middle of anything.
        self._lock, self._disk = threading.RLock(), threading.Lock()
        self._wake, self._closing = threading.Event(), threading.Event()
        self.read = threading.Event()
        self._pending: deque[T] = deque(maxlen=self.limit)
        self._thread = None

    def _open(self) -> None:
        if self._thread is not None:
            return
        self.path = self._place() / self.name
        self._wake, self._closing = threading.Event(), threading.Event()
        self.read = threading.Event()
        thread = threading.Thread(
            target=self._serve,
            args=(self._wake, self._closing),
            name=f"orch_nb {self.name}",
            daemon=True,
        )
        # An interpreter that ends starts no threads: `close` writes what it is given then.
        with suppress(RuntimeError):
            thread.start()
            self._thread = thread

    def _serve(self, wake: threading.Event, ending: threading.Event) -> None:
        while True:
            last = ending.is_set()
            done = self._exchange()
            if last:
                return
            if not done and self._pending:
                ending.wait(_AGAIN)
                wake.set()
            wake.wait()
            ending.wait(_GATHERING)
            wake.clear()

    def _connect(self) -> sqlite3.Connection:
        if not stat.S_ISREG(self.path.lstat().st_mode):
            raise OSError(f"{self.path} is not a regular file")
        import sqlite3  # noqa: PLC0415 - see `disk_errors`

        return sqlite3.connect(self.path, timeout=_BUSY, isolation_level=None)

    def _version(self, database: sqlite3.Connection) -> int:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version not in (0, self.version):
            raise OSError(f"{self.name} was written by another version of orch_nb")
        return int(version)
