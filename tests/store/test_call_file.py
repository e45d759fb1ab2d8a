"""The file of calls: what is in it, several processes, and disks that fail."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from orch_nb.errors import OrchError
from orch_nb.store.call_file import ROWS, CallFile, LedgerWarning
from orch_nb.store.call_row import CallRow
from orch_nb.store.ledger import Ledger
from orch_nb.types import (
    Attempt,
    Decision,
    Message,
    Record,
    Request,
    Response,
    TaskProfile,
    Usage,
)

NOW = 1_800_000_000.0
DAY = 86_400.0
KEY = "team-0123456789"
REQUEST = Request((Message("user", "a prompt to keep quiet"),), system="quiet rules")
DECISION = Decision("cost", "strategy", TaskProfile("code", 5, 5), ())
MONEY = Decimal("0.000123456")


def answered(model: str = "a:m", at: float = NOW, cost: Decimal | None = MONEY) -> Record:
    attempts = (Attempt("b:m", 0.1, "b:m: down", "503"), Attempt(model, 1.0))
    response = Response(
        "a quiet answer",
        model,
        Usage(10, 20, 4),
        cost,
        "stop",
        1.5,
        0.25,
        False,
        DECISION,
        attempts,
    )
    return Record(at, REQUEST, DECISION, attempts, response)


def failed(error: str = "b:m: down", at: float = NOW) -> Record:
    attempt = Attempt("b:m", 0.1, error, "503")
    return Record(at, REQUEST, None, (attempt,), None, error, "ServerFailed")


flock = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no flock")


@contextmanager
def opened(place: Path, session: str = "s1") -> Iterator[Ledger]:
    file = CallFile(lambda: place)
    yield Ledger(file, session=session, clock=lambda: NOW)
    file.close()


def kept(place: Path) -> list[CallRow]:
    with opened(place, "reader") as ledger:
        return list(ledger.history())


def execute(place: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(place / CallFile.name, isolation_level=None)) as database:
        return database.execute(sql).fetchall()


def test_a_row_comes_back_as_it_is_in_the_session(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        for record in (answered(), failed(), answered(cost=None)):
            ledger.add(record)
        rows = ledger.to_records()
        assert ledger.history().to_records() == rows
    with opened(tmp_path, "s2") as other:
        assert other.to_records() == []
        assert other.history().to_records() == rows
    assert [(row["session"], row["call"]) for row in rows] == [("s1", 1), ("s1", 2), ("s1", 3)]
    assert rows[0]["billed"] == MONEY
    assert (rows[1]["error_type"], rows[1]["error"]) == ("ServerFailed", "b:m: down")


def test_no_text_reaches_the_disk(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        ledger.add(answered())
    assert b"quiet" not in (tmp_path / CallFile.name).read_bytes()
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [CallFile.name]


def test_only_the_user_may_read(tmp_path: Path) -> None:
    place = tmp_path / "data" / "orch"
    old = os.umask(0)
    try:
        with opened(place) as ledger:
            ledger.add(answered())
    finally:
        os.umask(old)
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert stat.S_IMODE((place / CallFile.name).stat().st_mode) == 0o600


def test_secrets_are_masked_and_what_is_hidden_is_seen(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        ledger.secrets = frozenset({KEY})
        ledger.add(failed(f"b:m: wrong key {KEY} or sk-ant-98765432\n\x1b[31m\ud800"))
        ledger.add(answered(f"a:{KEY}\u202e"))
        rows = ledger.history().to_records()
        assert rows == ledger.to_records()
    assert rows[0]["error"] == "b:m: wrong key ••• or ••• \\x1b[31m\\ud800"
    assert rows[1]["model"] == "a:•••\\u202e"
    assert KEY.encode() not in (tmp_path / CallFile.name).read_bytes()


def test_a_time_says_what_is_shown(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        for days in (3, 2, 1, 0):
            ledger.add(answered(at=NOW - days * DAY))
        assert len(ledger.history()) == 4
        assert len(ledger.history(days=1.5)) == 2
        since = datetime.fromtimestamp(NOW - 2 * DAY, UTC)
        assert len(ledger.history(since=since)) == 3
        assert len(ledger.history(since=since.astimezone().replace(tzinfo=None))) == 3
        assert len(ledger.history(since=since, days=0.5)) == 1


def test_sums_are_those_of_the_session_to_the_nano_dollar(tmp_path: Path) -> None:
    known, guessed = Usage(5, 5), Usage(5, 5, source="estimated")
    drafts = (
        Attempt("a:m", 1.0, cause="no agreement", usage=known, cost=MONEY),
        Attempt("b:m", 1.0, cause="no agreement", usage=Usage(source="unknown")),
        Attempt("c:m", 1.0, usage=guessed, cost=2 * MONEY),
    )
    cascade = answered("c:m")
    assert cascade.response is not None
    whole = replace(cascade.response, attempts=drafts, cost=3 * MONEY)
    stopped = replace(cascade.response, finish="interrupted", usage=guessed)
    with opened(tmp_path) as ledger:
        for record in (
            replace(cascade, attempts=drafts, response=whole),
            replace(cascade, attempts=drafts, response=None, error="none", error_type="AllFailed"),
            replace(cascade, response=replace(cascade.response, cached=True)),
            replace(cascade, response=stopped, error="interrupted", error_type="Interrupted"),
            answered(cost=None),
            failed(),
        ):
            ledger.add(record)
        assert ledger.spent.total == 7 * MONEY
        assert ledger.spent.unknown_calls == 3
        assert ledger.history().spent == ledger.spent


def test_json_is_exact(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        ledger.add(answered())
        (row,) = json.loads(ledger.history().to_json())
        assert json.loads(ledger.to_json()) == [row]
    assert (row["billed"], row["seconds"], row["cached"]) == (str(MONEY), 1.5, False)


def test_a_frame_has_the_columns_of_a_row(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        assert list(ledger.history().to_pandas().columns) == list(CallRow.__slots__)
        ledger.add(answered())
        assert ledger.history().to_pandas()["billed"].sum() == float(MONEY)


def test_clearing_leaves_nothing_on_the_disk(tmp_path: Path) -> None:
    with opened(tmp_path, "an-old-session") as ledger:
        ledger.clear_history()
        assert not (tmp_path / CallFile.name).exists()
        for _ in range(500):
            ledger.add(answered("a:telling"))
        assert len(ledger.history()) == 500
        ledger.add(failed())
        ledger.clear_history()
        assert len(ledger.history()) == 0
        assert len(ledger) == 501
    content = (tmp_path / CallFile.name).read_bytes()
    assert b"telling" not in content
    assert b"an-old-session" not in content


def test_without_a_file_the_history_is_the_session() -> None:
    ledger = Ledger(session="s", clock=lambda: NOW)
    ledger.add(answered(at=NOW - 2 * DAY))
    ledger.add(answered())
    assert [row.call for row in ledger.history()] == [1, 2]
    assert [row.call for row in ledger.history(days=1)] == [2]
    ledger.clear_history()


def test_the_newest_stay(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        ledger.add(answered())
    execute(
        tmp_path,
        "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < "
        f"{ROWS + 1500}) INSERT INTO call (at, session, call, known, estimated, unknown, trail) "
        f"SELECT {NOW}, 'many', i, 0, 0, 0, '' FROM n",
    )
    with opened(tmp_path) as ledger:
        ledger.add(answered())
        rows = list(ledger.history())
    assert len(rows) == ROWS
    assert rows[0].session == "many"
    assert rows[-1].session == "s1"


def test_numbers_that_no_file_holds(tmp_path: Path) -> None:
    record = answered(cost=Decimal(10) ** 30)
    assert record.response is not None
    usage = Usage(10**30, 20, 4)
    with opened(tmp_path) as ledger:
        ledger.add(replace(record, response=replace(record.response, usage=usage)))
        ledger.add(answered())
        assert [row.input_tokens for row in ledger.history()] == [2**53, 10]


def test_damaged_rows_are_passed_over(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        for _ in range(3):
            ledger.add(answered())
    execute(tmp_path, "UPDATE call SET known = 'much' WHERE id = 1")
    execute(tmp_path, "UPDATE call SET at = 'noon' WHERE id = 2")
    assert [row.call for row in kept(tmp_path)] == [3]


# -- processes

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


# -- disks that fail


def add_and_look(ledger: Ledger) -> None:
    for calls in (1, 2):
        ledger.add(answered())
        assert len(ledger.history()) == len(ledger) == calls


@pytest.mark.parametrize("damage", ["damaged", "folder", "version"])
def test_without_a_disk_there_is_one_warning_and_the_sessions_own_calls(
    tmp_path: Path, damage: str
) -> None:
    path = tmp_path / CallFile.name
    if damage == "damaged":
        path.write_bytes(b"no database" * 1000)
    elif damage == "folder":
        path.mkdir()
    else:
        execute(tmp_path, "PRAGMA user_version = 7")
    with opened(tmp_path) as ledger:
        with pytest.warns(LedgerWarning, match="are not kept: .*; delete .*ORCH_HOME") as caught:
            add_and_look(ledger)
        assert len(caught) == 1
    with pytest.raises(OrchError, match=f"not cleared: .*; delete .*{CallFile.name}"):
        ledger.clear_history()


def test_a_locked_file_holds_nobody_up_and_is_written_later(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        ledger.add(answered())
    with closing(sqlite3.connect(tmp_path / CallFile.name, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with opened(tmp_path) as ledger:
            ledger.add(answered("b:m"))
            other.execute("ROLLBACK")
    assert [row.model for row in kept(tmp_path)] == ["a:m", "b:m"]
