"""The key that signs what this user's sessions keep on disk."""

from __future__ import annotations

import os
import secrets
import tempfile
import warnings
from contextlib import suppress
from pathlib import Path

from orch_nb.files import read_regular
from orch_nb.sanitize import one_line
from orch_nb.store.cache import CacheWarning

_BYTES = 32
_NAME = "signing.key"


def signing_key(home: Path) -> bytes:
    """Return the 32 bytes in ``home/signing.key``, made on first use (0600, `home` 0700).

    Processes that start together agree on one key. A file that is unreadable, a link, or of
    another length is replaced: a new key costs nothing but misses. Where `home` cannot be written
    the key is this call's own, with one `CacheWarning`.
    """
    path = home / _NAME
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _read(path) or _create(path)
    except OSError as error:
        reason = one_line(str(error))
        warnings.warn(
            f"cached answers will not be found again: {reason}; set ORCH_HOME to a folder of yours",
            CacheWarning,
            stacklevel=2,
        )
        return secrets.token_bytes(_BYTES)


def _read(path: Path) -> bytes | None:
    try:
        key, _ = read_regular(path, _BYTES)
    except OSError:
        return None
    return key if len(key) == _BYTES else None


def _create(path: Path) -> bytes:
    handle, name = tempfile.mkstemp(".tmp", f"{_NAME}.", path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(_BYTES))
        # A link appears whole and only once, where O_EXCL would show others an empty file.
        with suppress(FileExistsError):
            path.hardlink_to(temporary)
        key = _read(path)
        if key is None:
            temporary.replace(path)
            key = _read(path)
    finally:
        temporary.unlink(missing_ok=True)
    if key is None:
        raise OSError(f"{path} cannot be read")
    return key
