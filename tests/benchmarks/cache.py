"""CPU of one answer from the cache, beside what others keep results in.

`diskcache` takes part where it is installed.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import importlib.util
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import cycle
from pathlib import Path

import joblib

import orch_nb
from benchmarks.figures import Figure, figure, side_by_side
from orch_nb.store.cache import ResponseCache
from stub.client import Stub, running

_ROUNDS = 25
_HITS = 200  # per round
_ASKED = 25
_PROMPTS = 100  # asked in turn: more than a session knows the analysis of
_STARTS = 15
_SIZES = (1, 10_000, 100_000)
_PAYLOAD: dict[str, object] = {
    "text": "An answer of a hundred words or so, as they are. " * 10,
    "usage": {"input_tokens": 30, "output_tokens": 110, "cached_tokens": 0, "source": "known"},
    "cost": "0.000123",
    "finish": "stop",
    "seconds": 1.234,
    "ttft": 0.321,
    "calls": [],
}
_SECRET = b"s" * 32

_FIRST = """
import sys, time
from pathlib import Path
import orch_nb.store.json_store
from benchmarks.cache import opened
cache = opened(Path(sys.argv[1]))
started = time.process_time()
found = cache.recall(sys.argv[2])
print(time.process_time() - started)
assert found
"""

Lookup = Callable[[str], object]


def measure() -> Iterator[Figure]:
    """Raw look-ups by the number of entries, then a whole `Session.ask`, then a first look-up."""
    for size in _SIZES:
        with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
            keys = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(size)]
            lookups = dict(_lookups(Path(folder), keys, stack))
            subjects = {name: _timed(find, keys) for name, find in lookups.items()}
            for name, values in side_by_side(subjects, _ROUNDS).items():
                goal = "≤ 40 µs" if name == "orch_nb" else ""
                yield figure(f"look-up, {name}, {size} entries", values, "µs CPU", goal)
            if size == _SIZES[1]:
                yield _first(Path(folder) / "orch", keys)
    yield from _asked()


def opened(folder: Path) -> ResponseCache:
    """The cache as a session has it, with a secret of its own."""
    return ResponseCache(folder, lambda: _SECRET, ttl=None, limit=1 << 40, clock=time.time)


def _lookups(folder: Path, keys: Sequence[str], stack: ExitStack) -> Iterator[tuple[str, Lookup]]:
    """Each way of keeping the same payload under `keys`, and how it is found again."""
    ours = opened(folder / "orch")
    _fill(ours, keys)
    yield "orch_nb", ours.recall
    yield "SQLite and JSON", _sqlite(folder / "sqlite", keys, stack)
    if len(keys) == 1:  # it makes a folder for each entry, which takes milliseconds
        stock = joblib.Memory(folder / "joblib", verbose=0).cache(_payload)
        for key in keys:
            stock(key)
        yield "stock joblib", stock
    if importlib.util.find_spec("diskcache") is not None:
        kept = importlib.import_module("diskcache").Cache(str(folder / "diskcache"))
        stack.callback(kept.close)
        for key in keys:
            kept[key] = _PAYLOAD
        yield "diskcache", kept.__getitem__


def _payload(key: str) -> dict[str, object]:
    return _PAYLOAD


def _fill(cache: ResponseCache, keys: Sequence[str]) -> None:
    async def compute() -> dict[str, object]:
        return _PAYLOAD

    async def fill() -> None:
        for key in keys:
            await cache.answer(key, compute, refresh=True)

    asyncio.run(fill())


def _sqlite(path: Path, keys: Sequence[str], stack: ExitStack) -> Lookup:
    database = stack.enter_context(closing(sqlite3.connect(path)))
    database.execute("CREATE TABLE kept (key TEXT PRIMARY KEY, payload TEXT) WITHOUT ROWID")
    text = json.dumps(_PAYLOAD)
    database.executemany("INSERT INTO kept VALUES (?, ?)", ((key, text) for key in keys))
    database.commit()
    select = "SELECT payload FROM kept WHERE key = ?"
    return lambda key: json.loads(database.execute(select, (key,)).fetchone()[0])


def _timed(find: Lookup, keys: Sequence[str]) -> Callable[[], float]:
    """Microseconds of one look-up of keys that are drawn anew in each round."""
    draw = random.Random(0)

    def measure_cpu() -> float:
        wanted = draw.choices(keys, k=_HITS)
        started = time.process_time()
        for key in wanted:
            find(key)
        return 1e6 * (time.process_time() - started) / _HITS

    return measure_cpu


def _first(folder: Path, keys: Sequence[str]) -> Figure:
    """The first look-up of a fresh process, after its imports."""
    tests = str(Path(__file__).resolve().parent.parent)
    command = [sys.executable, "-c", _FIRST, str(folder)]
    times = []
    for key in keys[:_STARTS]:
        done = subprocess.run(
            [*command, key], cwd=tests, capture_output=True, text=True, check=True
        )
        times.append(1e3 * float(done.stdout))
    return figure("first look-up of a process", times, "ms CPU", "≤ 1 ms")


def _asked() -> Iterator[Figure]:
    """A whole `Session.ask` whose answer is kept, of a named model and of ten."""
    with running() as stub, tempfile.TemporaryDirectory() as folder:
        os.environ["ORCH_HOME"] = folder
        with orch_nb.Session(config=_config(stub), directory=folder) as session:

            def asking(model: str | None) -> Callable[[], float]:
                prompts = [
                    f"What is kept on disk in folder {number}, and for how long, {model}?"
                    for number in range(_PROMPTS)
                ]
                for prompt in prompts * 2:  # who is best may change with the first answers
                    session.ask(prompt, model=model)
                following = cycle(prompts)

                def measure_cpu() -> float:
                    started = time.process_time()
                    for _ in range(_ASKED):
                        if not session.ask(next(following), model=model).cached:
                            raise RuntimeError("the answer was not kept")
                    return 1e6 * (time.process_time() - started) / _ASKED

                return measure_cpu

            subjects = {"named model": asking("alpha:m0"), "best of ten": asking(None)}
            for name, values in side_by_side(subjects, _ROUNDS).items():
                yield figure(f"`ask` from the cache, {name}", values, "µs CPU")


def _config(stub: Stub) -> dict[str, object]:
    provider = {"type": "compatible", "base_url": stub.url("alpha", "/v1")}
    price = {"price": {"input": 1, "output": 2}}
    models = {f"alpha:m{number}": price for number in range(10)}
    return {"providers": {"alpha": provider}, "models": models, "probe": False}
