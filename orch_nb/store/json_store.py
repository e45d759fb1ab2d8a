"""The joblib store that keeps answers as signed JSON.

One entry is one file, ``location/<64 hex>.json``::

    magic | HMAC-SHA256(secret, name + schema + payload) | payload = [seconds since the epoch, item]

The name is a digest of joblib's call id. What does not verify (damaged, cut, written with another
secret, moved to another name) is a miss; nothing on disk is ever executed, and arguments are
never stored. Entries in folders of two hex digits are of an earlier layout: they are not read, but
counted and deleted with the others. Importing this module imports joblib, about 50 ms: do it on
first use.
"""

# joblib and scandir hand out strings, and a Path would double what a hit costs:
# ruff: noqa: PTH102, PTH105, PTH108, PTH112, PTH118, PTH120

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import joblib

# joblib documents backends by this class, and exports it from nowhere else.
from joblib._store_backends import CacheItemInfo, FileSystemStoreBackend
from joblib.memory import AsyncMemorizedFunc

from orch_nb.files import read_regular

BACKEND = "orch_json"

_SCHEMA = b"1"  # another number makes every older entry a miss
_MAGIC = b"orch\n\x00"
_HEAD = len(_MAGIC) + hashlib.sha256().digest_size
_LARGEST = 64 << 20  # bytes of one entry; answers are capped far below
_TOUCH = 60.0  # seconds; writing the time at every hit would double its cost
_STALE = 3600.0  # seconds after which nobody can still be writing a temporary file
_SHARE = 16  # the walk that enforces the limit is taken once per limit/16 bytes written

# A new file that no child inherits.
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
_NEW |= getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0)

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_ENTRY = re.compile(r"[0-9a-f]{64}\.json")
_FOLDER = re.compile(r"[0-9a-f]{2}")  # of entries in the earlier layout
_TEMPORARY = re.compile(r"[0-9a-f]{64}\.\w+\.tmp")


class JsonStore(FileSystemStoreBackend):  # type: ignore[misc]  # joblib is untyped
    """A `joblib` store backend; ``joblib.Memory(path, backend=BACKEND, backend_options={...})``.

    Options: ``secret`` (bytes, signs), ``ttl`` (seconds, or None), ``limit`` (bytes of all
    entries), ``clock`` (seconds since the epoch), and ``failed``, which is called with the error
    when an item could not be written: a cache that cannot write is slow, not broken.
    """

    def configure(
        self, location: str, verbose: int = 0, backend_options: dict[str, Any] | None = None
    ) -> None:
        """Take the options, all of which must be given. Nothing is created on disk yet."""
        options = backend_options or {}
        self.location, self.verbose = location, verbose
        self.compress, self.mmap_mode = False, None
        # To be copied, which takes less than to begin with the secret each time.
        self._signing = hmac.new(options["secret"], digestmod="sha256")
        self._ttl: float | None = options["ttl"]
        self._limit: int = options["limit"]
        self._clock: Callable[[], float] = options["clock"]
        self._failed: Callable[[Exception], None] = options["failed"]
        self._made = False

    def load_item(
        self,
        call_id: Sequence[str],
        verbose: int = 0,
        timestamp: float | None = None,
        metadata: object = None,
    ) -> object:
        """Return the item, or raise `KeyError` when there is none that is ours and fresh."""
        digest = _digest(call_id)
        path = self._path(digest)
        try:
            data, touched = read_regular(path, _HEAD + _LARGEST)
        except OSError:
            raise KeyError(digest) from None
        payload = data[_HEAD:]
        if not hmac.compare_digest(data[:_HEAD], self._head(digest, payload)):
            raise KeyError(digest)
        at, item = json.loads(payload)
        now = self._clock()
        # abs: an entry that was written under a wrong clock must not live until that time comes.
        if self._ttl is not None and abs(now - at) > self._ttl:
            raise KeyError(digest)
        if now - touched > _TOUCH:
            with suppress(OSError):
                os.utime(path, (now, now))
        return item

    def dump_item(self, call_id: Sequence[str], item: object, verbose: int = 0) -> None:
        """Write the item; on an error tell ``failed``. What a killed process cut is a miss."""
        digest = _digest(call_id)
        try:
            text = _ENCODER.encode([self._clock(), item])
            payload = text.encode("utf-8", "surrogatepass")
            self._write(digest, self._head(digest, payload) + payload)
        except (OSError, TypeError, ValueError, RecursionError) as error:
            self._failed(error)
        else:
            # The digest is the random source: uniform, and the same for every process, so that
            # many short ones keep the limit as well as one long one does.
            if int(digest[:8], 16) * self._limit < (len(payload) * _SHARE) << 32:
                self.enforce_store_limits(self._limit)

    def contains_item(self, call_id: Sequence[str]) -> bool:
        """Whether `load_item` would give an item."""
        # Verified here: joblib logs the arguments when a load fails that it thought it had.
        try:
            self.load_item(call_id)
        except KeyError:
            return False
        return True

    def clear_item(self, call_id: Sequence[str]) -> None:
        """Delete the item, if it is there."""
        self.clear_location(self._path(_digest(call_id)))

    def clear_path(self, call_id: Sequence[str]) -> None:
        """Clear everything: a store belongs to one function."""
        self.clear()

    def clear_location(self, location: str) -> None:
        """Delete one entry, or all entries of the store and nothing that is not ours."""
        doomed = [location]
        if location == self.location:
            doomed = [e.path for e in self._scan(_ENTRY)] + [e.path for e in self._scan(_TEMPORARY)]
        for path in doomed:
            with suppress(OSError):
                os.unlink(path)

    def enforce_store_limits(
        self,
        bytes_limit: int | str | None,
        items_limit: int | None = None,
        age_limit: timedelta | None = None,
    ) -> None:
        """Delete what was used longest ago, and what killed writers have left behind."""
        for entry in self._scan(_TEMPORARY):
            with suppress(OSError):
                if self._clock() - entry.stat(follow_symlinks=False).st_mtime > _STALE:
                    os.unlink(entry.path)
        super().enforce_store_limits(bytes_limit, items_limit, age_limit)

    def get_items(self) -> list[CacheItemInfo]:
        """Return (path, size in bytes, last access) of every entry, sound or not."""
        items = []
        for entry in self._scan(_ENTRY):
            with suppress(OSError):
                seen = entry.stat(follow_symlinks=False)
                # That of writing, which `load_item` sets anew: atime is off on many disks.
                used = datetime.fromtimestamp(seen.st_mtime)
                items.append(CacheItemInfo(entry.path, seen.st_size, used))
        return items

    # joblib would keep every argument as text, and wipe the cache when a source line changes.

    def get_metadata(self, call_id: Sequence[str]) -> dict[str, object]:
        """Nothing: none is stored."""
        return {}

    def store_metadata(self, call_id: Sequence[str], metadata: object) -> None:
        """Store nothing."""

    def store_cached_func_code(self, call_id: Sequence[str], func_code: object = None) -> None:
        """Store nothing."""

    def get_cached_func_code(self, call_id: Sequence[str]) -> str:
        """Raise OSError, which tells joblib that there is none."""
        raise OSError

    # Files

    def _path(self, digest: str) -> str:
        return f"{self.location}{os.sep}{digest}.json"

    def _head(self, digest: str, payload: bytes) -> bytes:
        signature = self._signing.copy()
        signature.update(digest.encode() + _SCHEMA + payload)
        return _MAGIC + signature.digest()

    def _write(self, digest: str, data: bytes) -> None:
        if len(data) > _HEAD + _LARGEST:
            raise ValueError(f"{len(data)} bytes are too many for one entry")
        path = self._path(digest)
        try:
            # In its place at once: as long as it is not whole it is a miss, as it was before.
            self._create(path, data)
        except FileExistsError:
            # Whoever looks meanwhile finds the old one or the new one.
            temporary = f"{self.location}{os.sep}{digest}.{os.urandom(8).hex()}.tmp"
            self._create(temporary, data)
            try:
                os.replace(temporary, path)
            except BaseException:  # a stop too must leave no temporary file behind
                with suppress(OSError):
                    os.unlink(temporary)
                raise

    def _create(self, path: str, data: bytes) -> None:
        """Write a file that is not there yet; on an error it is not there afterwards."""
        if not self._made:
            self.create_location(self.location)
            self._made = True
        try:
            handle = os.open(path, _NEW, 0o600)
        except FileNotFoundError:  # somebody has deleted the folder
            self.create_location(self.location)
            handle = os.open(path, _NEW, 0o600)
        try:
            try:
                _pour(handle, data)
            finally:
                os.close(handle)
        except BaseException:  # as above
            with suppress(OSError):
                os.unlink(path)
            raise

    def create_location(self, location: str) -> None:
        """Make the folder and those above it, for this user only, and keep it out of git."""
        missing = []
        while not os.path.isdir(location):
            missing.append(location)
            location = os.path.dirname(location)
        for folder in reversed(missing):
            # os.makedirs gives its mode to the last folder only.
            with suppress(FileExistsError):
                os.mkdir(folder, 0o700)
        with suppress(FileExistsError):
            ignore = os.path.join(self.location, ".gitignore")
            handle = os.open(ignore, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write("*\n")

    def _scan(self, wanted: re.Pattern[str]) -> Iterator[os.DirEntry[str]]:
        for entry in _entries(self.location):
            if wanted.fullmatch(entry.name):
                yield entry
            # Folders that are links are not entered: what they hold is not ours to delete.
            elif _FOLDER.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
                yield from (old for old in _entries(entry.path) if wanted.fullmatch(old.name))


class KeyedFunc(AsyncMemorizedFunc):  # type: ignore[misc]
    """An async function memorised under its first argument, a digest of the whole call.

    For `recall` and `call`. Stock joblib inspects the signature, pickles and hashes the arguments
    and reads metadata, most of what a hit costs, to compute a key that is already there.
    """

    def recall(self, key: str) -> object:
        """Return the stored result, or raise `KeyError`."""
        item: object = self.store_backend.load_item((self.func_id, key))
        return item

    async def call(self, key: str, *args: object) -> tuple[Any, dict[str, object]]:
        """Call the function, store its result, and return it, with no metadata."""
        output = await self.func(key, *args)
        self.store_backend.dump_item((self.func_id, key), output)
        return output, {}


def _digest(call_id: Sequence[str]) -> str:
    # Hashed, so that no name and no key can lead out of the folder.
    return hashlib.sha256("\0".join(call_id).encode("utf-8", "surrogatepass")).hexdigest()


def _pour(handle: int, data: bytes) -> None:
    # A file object would ask the system three questions about the file first.
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError:
        return []


joblib.register_store_backend(BACKEND, JsonStore)
