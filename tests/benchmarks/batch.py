"""Batches and pipelines: what they add to the calls that they make, and what they keep in memory.

Rows that wait for a server are counted by the clock, against the bare SDK, side by side; all else
by the CPU of this process.
"""

from __future__ import annotations

import gc
import itertools
import os
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import openai

import orch_nb
from benchmarks.figures import Figure, figure, part, ratios, side_by_side
from stub.client import Stub, running

_MODEL = "bench-model"
_CACHED = 1000
_ROWS, _WORKERS, _DELAY = 1000, 32, 0.05
_STEPS = 200
_ROUNDS = 3
# Of the 100 000 that the goal speaks of, which would take half an hour under tracemalloc.
_KEPT = 10_000


def measure(share: float = 1.0) -> Iterator[Figure]:
    """Each subject in rounds; those that are compared take turns."""
    with running() as stub:
        stub.rule("alpha", "ok?words=20")
        with _session(stub) as session:
            yield _cached(session, share)
            yield from _steps(session, share)
            yield _memory(session, share)
        stub.rule("alpha", f"slow?s={_DELAY}&words=20")
        with _session(stub) as session:
            yield from _throughput(stub, session, share)


@contextmanager
def _session(stub: Stub) -> Iterator[orch_nb.Session]:
    row = {
        "type": "compatible",
        "base_url": stub.url("alpha", "/v1"),
        "max_connections": _WORKERS,
    }
    price = {"price": {"input": 0.1, "output": 0.1}}
    config = {"providers": {"alpha": row}, "models": {f"alpha:{_MODEL}": price}, "probe": False}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ORCH_HOME"] = str(Path(folder, "home"))
        with orch_nb.Session(config=config, directory=folder) as session:
            yield session


def _map(session: orch_nb.Session, items: list[str], **options: object) -> object:
    return session.map(
        items,
        "About {{ item }}",
        model=f"alpha:{_MODEL}",
        progress=False,
        ask_above=None,
        **options,  # type: ignore[arg-type]
    )


def _cached(session: orch_nb.Session, share: float) -> Figure:
    items = [f"river {number}" for number in range(part(_CACHED, share))]
    _map(session, items, n_jobs=_WORKERS)
    times = []
    for _ in range(part(7, share)):
        started = time.process_time()
        _map(session, items)
        times.append(time.process_time() - started)
    return figure(f"map, {_CACHED:,} cached rows", times, "s CPU", "≤ 1.5 s")


def _throughput(stub: Stub, session: orch_nb.Session, share: float) -> Iterator[Figure]:
    rows = part(_ROWS, share)
    sdk = openai.OpenAI(base_url=stub.url("alpha", "/v1"), api_key="none", max_retries=0)
    numbers = itertools.count()

    def create(prompt: str) -> None:
        sdk.chat.completions.create(model=_MODEL, messages=[{"role": "user", "content": prompt}])

    def stream(prompt: str) -> None:
        chunks = sdk.chat.completions.create(
            model=_MODEL,
            messages=[{"role": "user", "content": prompt}],
            stream=True,
            stream_options={"include_usage": True},
        )
        "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)

    def pooled(ask: Callable[[str], None]) -> Callable[[list[str]], None]:
        def run(prompts: list[str]) -> None:
            with ThreadPoolExecutor(_WORKERS) as pool:
                list(pool.map(ask, prompts))

        return run

    def mapped(*, stream: bool) -> Callable[[list[str]], None]:
        def run(prompts: list[str]) -> None:
            _map(session, prompts, n_jobs=_WORKERS, stream=stream)

        return run

    def rate(run: Callable[[list[str]], None]) -> Callable[[], float]:
        def once() -> float:
            prompts = [f"river {next(numbers)}" for _ in range(rows)]
            started = time.perf_counter()
            run(prompts)
            return rows / (time.perf_counter() - started)

        return once

    measured = side_by_side(
        {
            "map": rate(mapped(stream=True)),
            "map, `stream=False`": rate(mapped(stream=False)),
            "SDK, streamed": rate(pooled(stream)),
            "SDK, whole": rate(pooled(create)),
        },
        part(_ROUNDS, share),
    )
    sdk.close()
    what = f"{_ROWS:,} rows, {1000 * _DELAY:.0f} ms each, {_WORKERS} at a time"
    for name, values in measured.items():
        yield figure(f"{name}, {what}", values, "rows/s")
    for name, against in (("map", "SDK, streamed"), ("map, `stream=False`", "SDK, whole")):
        yield figure(f"{name} ÷ {against}, {what}", ratios(measured, name, against), "×", "≥ 0.8")


def _steps(session: orch_nb.Session, share: float) -> Iterator[Figure]:
    steps = part(_STEPS, share)
    numbers = itertools.count()

    def prompts() -> list[str]:
        return [f"step {next(numbers)} of a benchmark" for _ in range(steps)]

    def plain() -> float:
        asked = prompts()
        started = time.process_time()
        with ThreadPoolExecutor(8) as pool:  # as many as a pipeline has side by side
            list(pool.map(lambda prompt: session.ask(prompt, model=f"alpha:{_MODEL}"), asked))
        return 1e3 * (time.process_time() - started) / steps

    def piped() -> float:
        step = "  - {{id: s{}, prompt: '{}', model: 'alpha:" + _MODEL + "'}}"
        lines = itertools.starmap(step.format, enumerate(prompts()))
        pipeline = session.pipeline("\n".join(["steps:", *lines, ""]))
        started = time.process_time()
        pipeline.run()
        return 1e3 * (time.process_time() - started) / steps

    measured = side_by_side({"ask": plain, "pipeline": piped}, part(5, share))
    for name, values in measured.items():
        yield figure(f"{name}, {_STEPS} independent steps", values, "ms CPU a step")
    added = [a - b for a, b in zip(measured["pipeline"], measured["ask"], strict=True)]
    yield figure("pipeline − ask", added, "ms CPU a step", "≤ 2 ms")


def _memory(session: orch_nb.Session, share: float) -> Figure:
    """What a batch takes at its most, against what its answers take, all that they refer to."""
    rows = part(_KEPT, share, 100)
    items = [f"river {number}" for number in range(rows)]
    _map(session, items[:1000], cache="bypass", n_jobs=_WORKERS)
    gc.collect()
    tracemalloc.start()
    answers = _map(session, items, cache="bypass", n_jobs=_WORKERS)
    gc.collect()
    held, peak = tracemalloc.get_traced_memory()
    del answers
    gc.collect()
    size = held - tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    name = f"map, {_KEPT:,} rows: most memory ÷ its answers ({size / rows / 1000:.1f} kB each)"
    return figure(name, [peak / size], "×", "≤ 1.3")
