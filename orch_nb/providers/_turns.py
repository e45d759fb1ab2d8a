"""Turns under a provider's rate limit that several processes take together.

As in one process they are a leaky bucket: a minute's requests may go at once, then one at a time.
"""

from __future__ import annotations

import asyncio
import sqlite3
import warnings
import weakref
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from orch_nb.files import create_private
from orch_nb.sanitize import one_line

_NAME = "turns.sqlite"
_MINUTE = 60.0
# Seconds that a turn waits for other processes, which hold the file for less than 1 ms each.
_PATIENCE = 1.0
_SCHEMA = """CREATE TABLE IF NOT EXISTS turn (
    place TEXT PRIMARY KEY, empty REAL NOT NULL) WITHOUT ROWID"""
_EMPTY = "SELECT empty FROM turn WHERE place = ?"
_KEEP = "INSERT OR REPLACE INTO turn VALUES (?, ?)"


class RateLimitWarning(UserWarning):
    """The rate limit holds, but for each process by itself."""


class SharedTurns(AbstractAsyncContextManager[None]):
    """The turns of all processes that name the same `place`. Entering waits for the next one.

    What is kept is one number a place: when its bucket will have run empty, which is the generic
    cell rate algorithm (GCRA, ITU-T I.371). Where the disk fails each process has its own turns,
    with one `RateLimitWarning`.

    Parameters
    ----------
    home
        The user's data folder, on a disk of this machine.
    place
        Who is asked: a provider and its address.
    per_minute
        Requests.
    clock
        Seconds since the epoch: the same for all processes.
    """

    def __init__(
        self, home: Path, place: str, per_minute: int, *, clock: Callable[[], float]
    ) -> None:
        self._path, self._place, self._clock = home / _NAME, place, clock
        self._per_minute = per_minute
        self._queue = asyncio.Lock()  # one of this process looks, the others stand behind it
        self._db: sqlite3.Connection | None = None
        self._own: AbstractAsyncContextManager[None] | None = None

    async def __aenter__(self) -> None:
        async with self._queue:
            while self._own is None and (wait := self._try()):
                await asyncio.sleep(wait)
        if self._own is not None:
            await self._own.__aenter__()

    async def __aexit__(self, *_: object) -> None:
        """A turn is over when it has begun."""

    def _try(self) -> float:
        """Take a turn and return 0, or the seconds after which there may be one."""
        try:
            return self._take(self._open())
        except (sqlite3.Error, OSError, ValueError) as error:
            from aiolimiter import AsyncLimiter  # noqa: PLC0415 - for disks that fail

            self._own = AsyncLimiter(self._per_minute, _MINUTE)
            warnings.warn(
                f"rate_limit_per_minute holds for each process by itself: {one_line(str(error))}; "
                f"delete {_NAME} in ORCH_HOME, or see to the folder",
                RateLimitWarning,
                stacklevel=2,
            )
            return 0.0

    def _take(self, db: sqlite3.Connection) -> float:
        db.execute("BEGIN IMMEDIATE")
        try:
            now = self._clock()
            found = db.execute(_EMPTY, (self._place,)).fetchone()
            # More than a full bucket was written under a clock that was set back since.
            empty = now if found is None else min(max(now, float(found[0])), now + _MINUTE)
            then = empty + _MINUTE / self._per_minute
            wait = then - _MINUTE - now
            db.execute(_KEEP, (self._place, empty if wait > 0 else then))
            return max(wait, 0.0)
        finally:
            db.execute("COMMIT")

    def _open(self) -> sqlite3.Connection:
        if self._db is None:
            create_private(self._path)
            db = sqlite3.connect(self._path, timeout=_PATIENCE, isolation_level=None)
            weakref.finalize(self, db.close)
            db.execute("PRAGMA journal_mode = WAL").fetchone()
            db.execute("PRAGMA synchronous = OFF")  # of what a crash loses a minute knows no more
            db.execute(_SCHEMA)
            self._db = db
        return self._db
