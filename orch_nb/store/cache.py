"""The response cache: the whole request as the key, `joblib.Memory` underneath."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from orch_nb.sanitize import one_line
from orch_nb.settings import CacheSettings
from orch_nb.types import Request

if TYPE_CHECKING:
    import joblib

    from orch_nb.store.json_store import KeyedFunc

_VERSION = 1  # of what the key is made of and of what callers store under it

Payload = dict[str, object]
Compute = Callable[[], Awaitable[Payload]]


class CacheWarning(UserWarning):
    """Answers are not kept on disk. They are still given."""


@dataclass(frozen=True, slots=True)
class CacheStats:
    """What lies in the folder, and what this cache has found there since it was made.

    A refresh looks nothing up, so it is neither a hit nor a miss.
    """

    entries: int
    bytes: int
    hits: int
    misses: int


class ResponseCache:
    """Answers on disk, signed with a secret; see `orch_nb.store.json_store` for the files.

    Nothing is read, written or created before the first answer, and joblib (about 50 ms) is
    imported then.

    Parameters
    ----------
    directory
        Made when first written to, mode 0700. Several processes may share it.
    secret
        Gives the key that entries are signed with; those signed with another one are misses.
    ttl
        Seconds for which an entry is good; None is for ever.
    limit
        Bytes of all entries. Enforced about once per limit/16 bytes written, by deleting what was
        used longest ago (to the minute).
    clock
        Seconds since the epoch.
    """

    def __init__(
        self,
        directory: Path,
        secret: Callable[[], bytes],
        *,
        ttl: float | None,
        limit: int,
        clock: Callable[[], float],
    ) -> None:
        self._directory, self._secret = directory, secret
        self._ttl, self._limit, self._clock = ttl, limit, clock
        self._hits = self._misses = 0
        self._warned = False

    async def answer(
        self, key: str, compute: Compute, *, refresh: bool = False
    ) -> tuple[Payload, bool]:
        """Return the payload for `key`, and whether it came from disk.

        `compute` makes it on a miss; it is plain JSON. What it raises propagates and nothing is
        stored. A disk that cannot be written costs one `CacheWarning` and no answer. `refresh`
        computes and replaces.
        """
        if not refresh and (known := self.recall(key)) is not None:
            return known, True
        payload, _ = await self._answers.call(key, compute)
        return payload, False

    def recall(self, key: str) -> Payload | None:
        """Return the payload for `key`, None where there is none."""
        try:
            payload = cast(Payload, self._answers.recall(key))
        except KeyError:
            self._misses += 1
            return None
        self._hits += 1
        return payload

    def clear(self) -> int:
        """Delete every entry and return how many there were."""
        entries = self.stats().entries
        self._memory.clear(warn=False)
        return entries

    def stats(self) -> CacheStats:
        """Count what is there. Walks the folder: about 6 µs an entry."""
        items = self._memory.store_backend.get_items()
        return CacheStats(len(items), sum(i.size for i in items), self._hits, self._misses)

    @cached_property
    def _memory(self) -> joblib.Memory:
        import joblib  # noqa: PLC0415 - costs 50 ms that %load_ext does not have

        from orch_nb.store.json_store import BACKEND  # noqa: PLC0415 - imports joblib as well

        options = {
            "secret": self._secret(),
            "ttl": self._ttl,
            "limit": self._limit,
            "clock": self._clock,
            "failed": self._warn,
        }
        location = self._directory.absolute()
        return joblib.Memory(location, backend=BACKEND, verbose=0, backend_options=options)

    @cached_property
    def _answers(self) -> KeyedFunc:
        from orch_nb.store.json_store import KeyedFunc  # noqa: PLC0415 - imports joblib

        # `Memory.cache` with another class, which joblib has no parameter for.
        return KeyedFunc(_ask, self._memory.store_backend, verbose=0)

    def _warn(self, error: Exception) -> None:
        if self._warned:
            return
        self._warned = True
        reason = one_line(str(error)) or type(error).__name__
        warnings.warn(
            f"answers are not kept: {reason}; set another cache folder or switch the cache off",
            CacheWarning,
            stacklevel=2,
        )


async def _ask(key: str, compute: Compute) -> Payload:
    """Make the payload for `key`. Without this line joblib looks for comments in this file."""
    return await compute()


def _by_field(value: Any) -> dict[str, object]:
    """A dataclass of `orch_nb.types` by its fields; those in it are left to the encoder."""
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


_ENCODER = json.JSONEncoder(default=_by_field, sort_keys=True, ensure_ascii=False)


def request_key(request: Request, model: str, endpoint: str) -> str:
    """SHA-256, in hex, of everything that influences what `model` is sent.

    That is every field of `request` but ``wants``, the full model id (``provider:model``) and the
    address it is asked at (without credentials). A field added to `Request` or `Parameters` is
    part of the key without a change here.
    """
    parts = _by_field(request)
    del parts["wants"]
    whole = {"version": _VERSION, "model": model, "endpoint": endpoint, "request": parts}
    text = _ENCODER.encode(whole)
    # Escaped, two lone surrogates would be the same text as the one character they stand for.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def open_cache(
    settings: CacheSettings,
    directory: Path,
    *,
    secret: Callable[[], bytes],
    clock: Callable[[], float],
) -> ResponseCache | None:
    """The cache that `settings` describe, in the notebook's `directory`; None where it is off."""
    if not settings.enabled:
        return None
    return ResponseCache(
        directory / settings.dir, secret, ttl=settings.ttl, limit=settings.limit, clock=clock
    )
