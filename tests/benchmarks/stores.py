"""One way of keeping answers, whose look-ups are timed in a process of its own.

``python -m benchmarks.stores NAME FOLDER`` reads JSON lines: ``fill`` with a number of entries, of
which those that are there stay, and ``find`` with a number of look-ups.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

PAYLOAD: dict[str, object] = {
    "text": "An answer of a hundred words or so, as they are. " * 10,
    "usage": {"input_tokens": 30, "output_tokens": 110, "cached_tokens": 0, "source": "known"},
    "cost": "0.000123",
    "finish": "stop",
    "seconds": 1.234,
    "ttft": 0.321,
    "calls": [],
}

Fill = Callable[[Iterable[str]], None]
Find = Callable[[str], object]


def key_of(number: int) -> str:
    """The digest under which an entry lies."""
    return hashlib.sha256(str(number).encode()).hexdigest()


def cache(folder: Path) -> Any:
    """Ours as a session has it, with a secret of its own."""
    from orch_nb.store.cache import ResponseCache

    return ResponseCache(folder, lambda: b"s" * 32, ttl=None, limit=1 << 40, clock=time.time)


def _orch_nb(folder: Path) -> tuple[Fill, Find]:
    kept = cache(folder)

    async def compute() -> dict[str, object]:
        return PAYLOAD

    async def fill(keys: Iterable[str]) -> None:
        for key in keys:
            await kept.answer(key, compute, refresh=True)

    return lambda keys: asyncio.run(fill(keys)), kept.recall


def _sqlite(folder: Path) -> tuple[Fill, Find]:
    kept = sqlite3.connect(folder / "kept")
    kept.execute("CREATE TABLE kept (key TEXT PRIMARY KEY, payload TEXT) WITHOUT ROWID")
    text, select = json.dumps(PAYLOAD), "SELECT payload FROM kept WHERE key = ?"

    def fill(keys: Iterable[str]) -> None:
        kept.executemany("INSERT INTO kept VALUES (?, ?)", ((key, text) for key in keys))
        kept.commit()

    return fill, lambda key: json.loads(kept.execute(select, (key,)).fetchone()[0])


def _joblib(folder: Path) -> tuple[Fill, Find]:
    import joblib

    def payload(key: str) -> dict[str, object]:
        return PAYLOAD

    kept = joblib.Memory(folder, verbose=0).cache(payload)
    return lambda keys: [kept(key) for key in keys] and None, kept


def _diskcache(folder: Path) -> tuple[Fill, Find]:
    import diskcache

    kept = diskcache.Cache(str(folder))

    def fill(keys: Iterable[str]) -> None:
        with kept.transact():
            for key in keys:
                kept[key] = PAYLOAD

    return fill, kept.__getitem__


STORES: Mapping[str, Callable[[Path], tuple[Fill, Find]]] = {
    "orch_nb": _orch_nb,
    "sqlite": _sqlite,
    "joblib": _joblib,
    "diskcache": _diskcache,
}


def main() -> None:
    """Keys are drawn anew for each round of look-ups."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    fill, find = STORES[sys.argv[1]](Path(sys.argv[2]))
    print(json.dumps({"ready": True}), file=answers, flush=True)
    draw, size = random.Random(0), 0
    for line in sys.stdin:
        asked, took = json.loads(line), 0.0
        if asked["what"] == "fill":
            fill(map(key_of, range(size, asked["entries"])))
            size = asked["entries"]
        else:
            keys = [key_of(draw.randrange(size)) for _ in range(asked["times"])]
            started = time.process_time()
            for key in keys:
                find(key)
            took = (time.process_time() - started) / len(keys)
        print(json.dumps({"cpu": took}), file=answers, flush=True)


if __name__ == "__main__":
    main()
