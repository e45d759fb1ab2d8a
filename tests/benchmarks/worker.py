"""One way of asking, measured in a process of its own, on what the other side of a pipe says.

``python -m benchmarks.worker MODULE OPTIONS`` makes `benchmarks.peers.MODULE`'s Subject with the
JSON in OPTIONS, reads a JSON line for each measurement and writes one with its numbers.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import itertools
import json
import os
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

_NUMBERS = itertools.count()


def _prompt() -> str:
    return f"prompt {next(_NUMBERS)} for a benchmark: how deep is the sea, and why is it salt?"


def measure_calls(subject: Any, model: str, calls: int, *, stream: bool) -> dict[str, float]:
    """CPU and clock seconds of one call, the mean of `calls` one after the other."""
    expected = _expected(model)
    cpu, clock = time.process_time(), time.perf_counter()
    for _ in range(calls):
        if stream:
            pieces: list[str] = []
            subject.stream(_prompt(), model, pieces.append)
            text = "".join(pieces)
        else:
            text = subject.ask(_prompt(), model)
        if text != expected:
            raise RuntimeError(f"{text[:200]!r} is not what {model} answers")
    clocked = time.perf_counter() - clock
    return {"cpu": (time.process_time() - cpu) / calls, "clock": clocked / calls}


def measure_first(subject: Any, model: str, calls: int) -> dict[str, float]:
    """Clock seconds until the first text, the median of `calls`."""

    def once() -> float:
        seen: list[float] = []
        started = time.perf_counter()
        subject.stream(_prompt(), model, lambda _: seen.append(time.perf_counter()))
        return seen[0] - started

    return {"clock": median(once() for _ in range(calls))}


def measure_flight(
    subject: Any, model: str, calls: int, flying: int, loop: asyncio.AbstractEventLoop
) -> dict[str, float]:
    """CPU and clock seconds of one call with `flying` of them at a time."""
    expected, rest = _expected(model), iter(range(calls))

    async def caller() -> None:
        for _ in rest:
            if await subject.aask(_prompt(), model) != expected:
                raise RuntimeError(f"this is not what {model} answers")

    async def run() -> None:
        await asyncio.gather(*(caller() for _ in range(flying)))

    cpu, clock = time.process_time(), time.perf_counter()
    loop.run_until_complete(run())
    clocked = time.perf_counter() - clock
    return {"cpu": (time.process_time() - cpu) / calls, "clock": clocked / calls}


def _expected(model: str) -> str:
    from benchmarks.server import text_of

    return text_of(int(model.split("-")[1]))


def main() -> None:
    """Answer line by line; what a subject prints goes nowhere."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    module = importlib.import_module(f"benchmarks.peers.{sys.argv[1]}")
    subject = module.Subject(**json.loads(sys.argv[2]))
    loop = asyncio.new_event_loop()
    ways: dict[str, Callable[..., dict[str, float]]] = {
        "calls": measure_calls,
        "first": measure_first,
        "flight": lambda *a, **k: measure_flight(*a, **k, loop=loop),
    }
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        gc.collect()
        print(json.dumps(ways[asked.pop("what")](subject, **asked)), file=answers, flush=True)
    if hasattr(subject, "aclose"):
        loop.run_until_complete(subject.aclose())
    subject.close()


if __name__ == "__main__":
    main()
