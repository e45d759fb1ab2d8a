"""The file of calls beside other processes: killed, forked, and cleared by one of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from orch_nb.store.ledger import Ledger
from store.test_call_file import (
    MONEY,
    NOW,
    answered,
    execute,
    flock,
    kept,
    opened,
)

SCRIPT = """
import os, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from store.test_call_file import answered
from orch_nb.store.call_file import CallFile
from orch_nb.store.ledger import Ledger
file = CallFile(lambda: Path(sys.argv[1]))
ledger = Ledger(file, session=str(os.getpid()))
"""
TESTS = str(Path(__file__).parents[1])


def start(body: str, place: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SCRIPT + body, str(place), TESTS]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_kernels_write_side_by_side_and_at_their_end(tmp_path: Path) -> None:
    body = "for _ in range(30):\n    ledger.add(answered()); time.sleep(0.02)\n"
    writers = [start(body, tmp_path) for _ in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    rows = kept(tmp_path)
    assert len(rows) == 90
    assert sum(row.known for row in rows) == 90 * MONEY
    for writer in writers:
        own = [row.call for row in rows if row.session == str(writer.pid)]
        assert own == list(range(1, 31))
        writer.stdout.close()  # type: ignore[union-attr]


def test_what_was_added_a_while_ago_survives_a_kill(tmp_path: Path) -> None:
    with start("ledger.add(answered()); print(flush=True); time.sleep(60)", tmp_path) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        while not kept(tmp_path):
            time.sleep(0.05)
        writer.kill()
    assert len(kept(tmp_path)) == 1


def spooled(ledger: Ledger, place: Path) -> tuple[Path, bytes]:
    """A spool, and what is in it before it is written into the file."""
    while True:
        ledger.add(answered())
        with suppress(ValueError, FileNotFoundError):
            (spool,) = place.glob("*.spool")
            if left := spool.read_bytes():
                return spool, left


@flock
def test_what_was_just_added_survives_a_kill_and_is_there_once(tmp_path: Path) -> None:
    body = (
        "for n in range(40):\n"
        "    ledger.add(answered()); time.sleep(0.02 * (n < 30))\n"  # over half a second
        "os.kill(os.getpid(), 9)\n"
    )
    with start(body, tmp_path) as writer:
        assert writer.wait(60) == -9
    while len(kept(tmp_path)) < 40:  # until the kernel has closed what the dead had open
        time.sleep(0.05)
    assert [row.call for row in kept(tmp_path)] == list(range(1, 41))
    assert sum(row.known for row in kept(tmp_path)) == 40 * MONEY
    assert list(tmp_path.glob("*.spool")) == []


@flock
def test_a_kill_between_the_file_and_the_spool_counts_nothing_twice(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        spool, left = spooled(ledger, tmp_path)
        calls = len(ledger)
    assert list(tmp_path.glob("*.spool")) == []
    spool.write_bytes(left)
    assert len(kept(tmp_path)) == calls
    assert not spool.exists()


@flock
def test_others_take_over_while_they_run(tmp_path: Path) -> None:
    with opened(tmp_path, "living") as ledger:
        assert len(ledger.history()) == 0
        with start("ledger.add(answered()); os.kill(os.getpid(), 9)", tmp_path) as writer:
            writer.wait(60)
        ledger.add(answered())
        while len(ledger.history()) < 2:  # until the kernel has closed what the dead had open
            time.sleep(0.05)
        assert {row.session for row in ledger.history()} == {str(writer.pid), "living"}


@flock
def test_a_spool_that_somebody_else_wrote_holds_nothing_up(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        spool, left = spooled(ledger, tmp_path)
        row = json.loads(left.splitlines()[0])
    rows = [row[:5], [*row, 1], [[], *row[1:]], [NOW, "half \ud83d", *row[2:]], [NOW, {}, *row[2:]]]
    rows += [[NOW + 9, "good", *row[2:]], ["x"], [], [None] * len(row)]
    spool.write_text("\n".join(map(json.dumps, rows)))
    sessions = [row.session for row in kept(tmp_path)]
    assert sessions[0] == "s1"
    assert sessions[-1] == "good"
    assert "half \ud83d" not in sessions


@flock
def test_clearing_leaves_no_spool(tmp_path: Path) -> None:
    (tmp_path / "ledger-2.left.spool").write_bytes(b"[]")
    with opened(tmp_path) as ledger:
        ledger.add(answered())
        ledger.clear_history()
        assert list(tmp_path.glob("*.spool")) == []
    assert kept(tmp_path) == []


def test_a_process_killed_at_any_moment_harms_nothing(tmp_path: Path) -> None:
    body = (
        "for n in range(1000):\n"
        "    ledger.add(answered()); time.sleep(0.002)\n"
        "    if len(ledger) % 100 == 0: print(len(ledger.history()), flush=True)\n"
    )
    shown = 0
    for moment in (0.01, 0.13, 0.3):
        with start(body, tmp_path) as writer:
            assert writer.stdout is not None
            shown = int(writer.stdout.readline())
            time.sleep(moment)
            writer.kill()
    assert len(kept(tmp_path)) >= shown
    assert execute(tmp_path, "PRAGMA integrity_check") == [("ok",)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_writes_its_own_and_nothing_twice(tmp_path: Path) -> None:
    body = (
        "ledger.add(answered('before:m'))\n"
        "child = os.fork()\n"
        "ledger.add(answered('child:m' if child == 0 else 'parent:m'))\n"
        "file.close()\n"
        "os._exit(0 if child == 0 else os.waitpid(child, 0)[1])\n"
    )
    with start(body, tmp_path) as writer:
        assert writer.wait(60) == 0
    assert sorted(str(row.model) for row in kept(tmp_path)) == ["before:m", "child:m", "parent:m"]
