"""Sessions and processes that write observations into one file."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from orch_nb.store.experience import Experience
from orch_nb.store.observation_file import ObservationFile
from orch_nb.types import Observation

NAME = ObservationFile.name
SCRIPT = """
import os, sys, time, warnings
from pathlib import Path
from orch_nb.store.experience import Experience
from orch_nb.types import Observation
warnings.simplefilter("always")
experience = Experience(lambda: Path(sys.argv[1]), clock=time.time)
def add(count, model="a:m"):
    for _ in range(count):
        experience.add(Observation(time.time(), model, "chat", "rating", ok=True, quality=1.0))
def ratings():
    return {m: t.quality["chat"].counts["rating"] for m, t in experience.tracks().items()}
"""


def command(body: str, place: Path) -> list[str]:
    return [sys.executable, "-c", SCRIPT + body, str(place)]


def run(body: str, place: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(body, place), capture_output=True, text=True, timeout=120, check=True
    )


def rating(model: str = "a:m", at: float | None = None) -> Observation:
    return Observation(time.time() if at is None else at, model, "chat", "rating", quality=1.0)


def ratings(experience: Experience) -> dict[str, int]:
    return {m: t.quality["chat"].counts["rating"] for m, t in experience.tracks().items()}


@contextmanager
def opened(place: Path) -> Iterator[Experience]:
    experience = Experience(lambda: place, clock=time.time)
    yield experience
    experience.close()


def kept(place: Path) -> dict[str, int]:
    with opened(place) as experience:
        return ratings(experience)


def rows(place: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(place / NAME, isolation_level=None)) as database:
        return database.execute(sql).fetchall()
