"""The files of a recording: for everybody to read, and for git, while the cache beside is not."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from orch_nb.files import read_regular

_LARGEST = 32 << 20  # bytes of one file; an answer is capped far below
# The cache, in the same folder, keeps all of it out of git; the recording belongs there.
_IGNORED = "*\n"
_IGNORED_BUT = "*\n!/recording/\n!/recording/*.json\n"


def read_file(folder: Path, name: str) -> bytes:
    """The bytes of the file `name`. Raises `OSError`."""
    return read_regular(folder / f"{name}.json", _LARGEST)[0]


def write_file(folder: Path, name: str, data: bytes) -> None:
    """Make `data` the file `name`, at once and as a whole, unless it is. Raises `OSError`."""
    _prepare(folder)
    try:
        if read_file(folder, name) == data:
            return
    except OSError:
        pass  # there is none, or none that is good
    handle, temporary = tempfile.mkstemp(".tmp", f"{name}.", folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).chmod(0o644)  # as everything that is committed
        Path(temporary).replace(folder / f"{name}.json")
    finally:
        Path(temporary).unlink(missing_ok=True)


def _prepare(folder: Path) -> None:
    """Make the folders; git is to see the recording, and nothing else of theirs."""
    above = folder.parent
    if above.is_symlink() or folder.is_symlink():
        # It came with the notebook, and leads out of its folder.
        raise OSError("the folder is a link")
    above.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(exist_ok=True)
    ignore = above / ".gitignore"
    known = not ignore.is_symlink() and ignore.is_file()
    if not known or ignore.read_bytes() == _IGNORED.encode():
        ignore.unlink(missing_ok=True)
        ignore.write_text(_IGNORED_BUT, encoding="utf-8")
