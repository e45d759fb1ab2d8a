"""Rows on disk before they are anywhere else: what a process that is killed leaves to others.

A line in a file of one's own costs a few microseconds, where a row in a database that others use
as well takes hundreds, and may have to wait. The kernel writes it even if the process is killed;
an end of the machine can lose what was written in its last seconds.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: what is not in the database yet dies with its process
    fcntl = None  # type: ignore[assignment]

_SUFFIX = ".spool"
# Bytes that are read back at most: a process whose disk failed for a day does not write more.
_LARGEST = 64 << 20


class Spool:
    """One file of rows, which its process holds locked for as long as it lives.

    Not safe to use from several threads at once. Make one by `begin` or `abandoned`.
    """

    def __init__(self, path: str | Path, handle: int) -> None:
        self._path, self._handle = path, handle

    @classmethod
    def begin(cls, folder: Path, name: str) -> Spool | None:
        """An empty one, mode 0600, its folder made with 0700; None where the disk has no place."""
        if fcntl is None:
            return None
        with suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, path = tempfile.mkstemp(".new", f"{name}.", folder)
            spool = cls(path, handle)
            # It gets its name when it is locked: before that it would be anybody's.
            if spool._lock():
                spool._path = path.removesuffix(".new") + _SUFFIX
                os.rename(path, spool._path)  # noqa: PTH104 - as mkstemp names it
                return spool
            spool.end()
        return None

    def write(self, row: Sequence[object]) -> None:
        """Add `row`, of what JSON has; a disk that is full keeps what it can."""
        with suppress(OSError):
            os.write(self._handle, json.dumps(row).encode() + b"\n")

    def rows(self) -> Iterator[list[object]]:
        """What is in it; a line that was cut is left out."""
        os.lseek(self._handle, 0, os.SEEK_SET)
        with os.fdopen(os.dup(self._handle), "rb") as file:
            for line in file.read(_LARGEST).splitlines():
                with suppress(ValueError, RecursionError):
                    row = json.loads(line)
                    if isinstance(row, list):
                        yield row

    def end(self) -> None:
        """Delete the file: its rows are where they belong."""
        with suppress(OSError):
            os.unlink(self._path)  # noqa: PTH108 - as mkstemp names it
        self.leave()

    def leave(self) -> None:
        """Close the file, and leave it to whoever comes."""
        with suppress(OSError):
            os.close(self._handle)

    def _lock(self) -> bool:
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


def abandoned(folder: Path, name: str) -> Iterator[Spool]:
    """The spools `name` in `folder` whose process is gone; nobody else gets them meanwhile."""
    flags = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    if fcntl is None:
        return
    for path in folder.glob(f"{name}.*{_SUFFIX}"):
        with suppress(OSError):
            spool = Spool(path, os.open(path, flags))
            if spool._lock():
                yield spool
            else:
                spool.leave()
