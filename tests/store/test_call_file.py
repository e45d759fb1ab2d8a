"""The file of calls: what is in it, several processes, and disks that fail."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
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
