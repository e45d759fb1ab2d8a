"""Discovery with a provider that hangs, and a catalog of ten thousand models."""

from __future__ import annotations

import itertools
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import orch_nb
from benchmarks.figures import Figure, figure, part
from orch_nb.registry.catalog import Catalog
from orch_nb.registry.memory import Memory, Remembered
from orch_nb.types import ModelCard
from stub.client import running

_MODELS = 10_000
_ROUNDS = 5
_LOADS = 10
_LOOKUPS = 10_000


class _Place:
    """A configured provider that is never asked."""

    vendor: str | None = None
    base_url: str | None = "http://127.0.0.1:9/v1"
    place = "bench"
    official = probed = False
    priority = 100

    @property
    def provider(self) -> _Place:
        return self

    async def list_models(self) -> list[ModelCard]:
        return []


def measure(share: float = 1.0) -> list[Figure]:
    """Seconds of waiting for three servers, and CPU for a catalog that was remembered."""
    return [*_discovery(part(_ROUNDS, share, 1)), *_large_catalog(part(_LOADS, share))]


def _discovery(rounds: int) -> Iterator[Figure]:
    with running() as stub, _session_home() as home:
        stub.rule("hung", "hang", wire="models")
        rows = {
            name: {"type": "compatible", "base_url": stub.url(name, "/v1")}
            for name in ("one", "two", "hung")
        }
        waits, knows = [], []
        for _ in range(rounds):
            with orch_nb.Session({"providers": rows}, directory=home) as session:
                waits.append(_seconds(session.refresh))
            with orch_nb.Session({"providers": rows}, directory=home) as session:
                knows.append(_seconds(partial(session.select, "hello")))
        yield figure("discovery of three providers, one hanging", waits, "s", "≤ 5.2 s")
        yield figure("first choice of the next session, one hanging", knows, "s")


def _large_catalog(rounds: int) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        memory = Memory(lambda: Path(folder))
        cards = tuple(ModelCard("bench", f"org/some-model-{i}-8b", 32_768) for i in range(_MODELS))
        memory.save({"bench": Remembered(time.time(), reachable=True, cards=cards)})
        loads, lookups = [], []
        for _ in range(rounds):
            catalog = Catalog({"bench": _Place()}, {}, memory)
            started = time.process_time()
            assert len(catalog.cards()) == _MODELS
            loads.append(time.process_time() - started)
            names = itertools.islice(itertools.cycle(card.name for card in cards), _LOOKUPS)
            started = time.process_time()
            for name in names:
                catalog.resolve(name)
            lookups.append(1e6 * (time.process_time() - started) / _LOOKUPS)
        yield figure("catalog of 10 000 models, from disk", loads, "s CPU", "≤ 0.2 s")
        yield figure("lookup by bare name among 10 000", lookups, "µs CPU", "≤ 50 µs")


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


@contextmanager
def _session_home() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ORCH_HOME"] = folder
        yield folder
