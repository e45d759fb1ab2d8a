"""Reading what may have been planted, and writing what is nobody else's to read."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

# O_NONBLOCK: opening a named pipe must not hold the kernel. Windows has none of these but O_BINARY.
_FLAGS = os.O_RDONLY
for _name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):
    _FLAGS |= getattr(os, _name, 0)


def read_regular(path: str | os.PathLike[str], limit: int) -> tuple[bytes, float]:
    """Return the bytes and the modification time (seconds since the epoch) of a regular file.

    Raises `OSError` for anything else, and for a file of more than `limit` bytes.
    """
    handle = os.open(path, _FLAGS)
    try:
        seen = os.fstat(handle)
        if not stat.S_ISREG(seen.st_mode) or seen.st_size > limit:
            raise OSError("not a regular file of the expected size")
        return os.read(handle, seen.st_size), seen.st_mtime
    finally:
        os.close(handle)


def create_private(path: Path) -> None:
    """Make an empty file at `path`, mode 0600, its folder with 0700. What is there is left alone.

    It is not even opened: to close it again would end the locks that SQLite's connections of this
    process hold on it. Raises `OSError`.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def write_private(path: Path, content: bytes) -> None:
    """Replace the file at `path` at once and as a whole: mode 0600, its folder made with 0700.

    Raises `OSError`.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(".tmp", f"{path.name}.", path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
