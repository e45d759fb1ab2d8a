"""CPU of one answer from the cache, beside what others keep results in."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from itertools import cycle

import orch_nb
from benchmarks.figures import Figure, figure, part, side_by_side
from benchmarks.server import TESTS
from benchmarks.stores import key_of
from benchmarks.workers import Way, Worker, ready, start, turn
from stub.client import Stub, running

_ROUNDS = 25
_HITS = 200  # per round
_ASKED = 25
_PROMPTS = 100  # asked in turn: more than a session knows the analysis of
_STARTS = 15
_SIZES = (1, 100, 10_000, 100_000)
_JOBLIB = 100  # it makes a folder for each entry, which takes milliseconds
_OURS = "orch-nb"
_STORES = {
    _OURS: Way("orch_nb", ours=True),
    "SQLite and JSON": Way("sqlite", ours=True),
    "stock joblib": Way("joblib", ours=True),
    "diskcache": Way("diskcache"),
}

_FIRST = """
import sys, time
from pathlib import Path
import orch_nb.store.json_store
from benchmarks.stores import cache
kept = cache(Path(sys.argv[1]))
started = time.process_time()
found = kept.recall(sys.argv[2])
print(time.process_time() - started)
assert found
"""


def measure(share: float = 1.0) -> Iterator[Figure]:
    """Raw look-ups by the number of entries, then a first look-up, then a whole `Session.ask`."""
    with ExitStack() as stack:
        workers, folders = {}, {}
        for name, way in _STORES.items():
            folder = folders[name] = stack.enter_context(tempfile.TemporaryDirectory())
            process = start(name, way, ["benchmarks.stores", way.module, folder], stack)
            if process and ready(name, worker := Worker(process), way):
                workers[name] = worker
        for size in _SIZES:
            entries = max(1, int(size * min(1, share)))
            yield from _lookups(workers, size, entries, share)
        yield _first(folders[_OURS], entries, share)
    yield from _asked(share)


def _lookups(
    workers: Mapping[str, Worker], size: int, entries: int, share: float
) -> Iterator[Figure]:
    taking = {n: w for n, w in workers.items() if n != "stock joblib" or size <= _JOBLIB}
    for worker in taking.values():
        worker.measure("fill", entries=entries)
    times = part(_HITS, share)
    subjects = {name: turn(worker, "find", "cpu", times=times) for name, worker in taking.items()}
    for name, values in side_by_side(subjects, part(_ROUNDS, share)).items():
        place = {"chart": "CPU of a look-up, by the number of entries", "row": name, "column": size}
        goal = "≤ 40 µs" if name == _OURS else ""
        took = [1e6 * value for value in values]
        yield figure(f"look-up, {name}, {size:,} entries", took, "µs CPU", goal, **place)


def _first(folder: str, entries: int, share: float) -> Figure:
    """The first look-up of a fresh process, after its imports."""
    command = [sys.executable, "-c", _FIRST, folder]
    times = []
    for number in range(part(_STARTS, share)):
        done = subprocess.run(
            [*command, key_of(number % entries)],
            cwd=TESTS,
            capture_output=True,
            text=True,
            check=True,
        )
        times.append(1e3 * float(done.stdout))
    return figure("first look-up of a process", times, "ms CPU", "≤ 1 ms")


def _asked(share: float) -> Iterator[Figure]:
    """A whole `Session.ask` whose answer is kept, of a named model and of ten."""
    with running() as stub, tempfile.TemporaryDirectory() as folder:
        os.environ["ORCH_HOME"] = folder
        with orch_nb.Session(config=_config(stub), directory=folder) as session:

            def asking(model: str | None) -> Callable[[], float]:
                prompts = [
                    f"What is kept on disk in folder {number}, and for how long, {model}?"
                    for number in range(part(_PROMPTS, share))
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
            for name, values in side_by_side(subjects, part(_ROUNDS, share)).items():
                yield figure(f"`ask` from the cache, {name}", values, "µs CPU")


def _config(stub: Stub) -> dict[str, object]:
    provider = {"type": "compatible", "base_url": stub.url("alpha", "/v1")}
    price = {"price": {"input": 1, "output": 2}}
    models = {f"alpha:m{number}": price for number in range(10)}
    return {"providers": {"alpha": provider}, "models": models, "probe": False}
