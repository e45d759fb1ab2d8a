"""Turns that several processes take together, under a clock of the test's."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from orch_nb.providers._turns import RateLimitWarning, SharedTurns

_OTHER = """
import asyncio, sys, time
from pathlib import Path
from orch_nb.providers._turns import SharedTurns

async def take(turns):
    for _ in range(4):
        async with turns:
            print(time.time(), flush=True)

asyncio.run(take(SharedTurns(Path(sys.argv[1]), "a", 6, clock=lambda: 10 * time.time())))
"""


class Clock:
    def __init__(self) -> None:
        self.now = 1e9

    def __call__(self) -> float:
        return self.now


def takes(turns: SharedTurns, at_most: int) -> int:
    """How many turns there are now."""

    async def take() -> int:
        taken = 0
        try:
            async with asyncio.timeout(0.2):
                while taken < at_most:
                    async with turns:
                        taken += 1
        except TimeoutError:
            pass
        return taken

    return asyncio.run(take())


def opened(home: Path, clock: Clock, place: str = "a", per_minute: int = 6) -> SharedTurns:
    return SharedTurns(home, place, per_minute, clock=clock)


def test_two_take_no_more_than_one_might(tmp_path: Path) -> None:
    clock = Clock()
    assert takes(opened(tmp_path, clock), 4) == 4
    assert takes(opened(tmp_path, clock), 9) == 2
    clock.now += 25
    assert takes(opened(tmp_path, clock), 9) == 2
    assert takes(opened(tmp_path, clock, "another place"), 9) == 6


def test_a_bucket_is_never_more_than_full(tmp_path: Path) -> None:
    clock = Clock()
    assert takes(opened(tmp_path, clock), 6) == 6
    clock.now -= 1e6  # the clock was set back: a minute later all is as it was
    assert takes(opened(tmp_path, clock), 1) == 0
    clock.now += 60
    assert takes(opened(tmp_path, clock), 9) == 6


def test_processes_wait_for_each_other(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _OTHER, str(tmp_path)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    times = sorted(float(line) for one in started for line in one.communicate()[0].split())
    assert len(times) == 8
    # Six at once; then one each ten seconds of a clock that runs ten times as fast.
    assert times[7] - times[0] >= 1.9


def test_without_a_disk_each_has_its_own(tmp_path: Path) -> None:
    (tmp_path / "turns.sqlite").write_text("this is no database, and never was one" * 40)
    turns = opened(tmp_path, Clock())
    with pytest.warns(RateLimitWarning, match="each process by itself"):
        assert takes(turns, 6) == 6


def test_who_gives_up_takes_no_turn(tmp_path: Path) -> None:
    clock = Clock()
    turns = opened(tmp_path, clock, per_minute=1)
    assert takes(turns, 5) == 1
    clock.now += 60
    assert takes(opened(tmp_path, clock, per_minute=1), 5) == 1
