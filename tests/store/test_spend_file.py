"""What may become of the spend file: no call breaks, the session's own limit holds, one warning."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from orch_nb.errors import BudgetExceeded
from orch_nb.store.holding import BudgetWarning
from orch_nb.store.tally import Spent
from store.budgets import Clock, D, Purse, start

NAME = "spend.sqlite"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "orch"


@pytest.fixture
def purse(home: Path) -> Iterator[Purse]:
    """A budget of a dollar, of which 0.4 are spent."""
    made = Purse(home, Clock(), "one", session="1", hour="5")
    spend(made, "0.4")
    yield made
    made.budget.close()


def spend(purse: Purse, cost: str) -> None:
    purse.budget.settle(purse.budget.reserve(D(cost), model="a:m"), D(cost), "known")


@contextmanager
def warned(count: int) -> Iterator[list[str]]:
    """At most `count` warnings, all of them ours; what they said."""
    said: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield said
    said += [str(one.message) for one in caught if one.category is BudgetWarning]
    assert len(caught) == len(said) <= count


def holds(purse: Purse) -> None:
    """What was spent before counts, and what is spent from now on."""
    for _ in range(4):
        spend(purse, "0.1")
    with pytest.raises(BudgetExceeded, match="session"):
        purse.budget.reserve(D("0.3"), model="a:m")
    assert purse.budget.spent()["session"] == Spent(known=D("0.8"))


def deleted(home: Path) -> None:
    for path in home.iterdir():
        path.unlink()


def made_anew(home: Path) -> None:
    deleted(home)
    other = Purse(home, Clock(), "two", hour="5")
    spend(other, "0.1")
    other.budget.close()


def folder_deleted(home: Path) -> None:
    shutil.rmtree(home)


def overwritten(home: Path) -> None:
    with (home / NAME).open("r+b") as file:
        file.write(b"\xff" * 9000)


def cut(home: Path) -> None:
    os.truncate(home / NAME, 100)


def with_words_for_sums(home: Path) -> None:
    with closing(sqlite3.connect(home / NAME, isolation_level=None)) as file:
        file.execute("UPDATE total SET amount = 'much'")


def without_tables(home: Path) -> None:
    with closing(sqlite3.connect(home / NAME, isolation_level=None)) as file:
        file.execute("DROP TABLE total")


@pytest.mark.skipif(sys.platform == "win32", reason="an open file stays there")
@pytest.mark.parametrize(
    "happen",
    [
        deleted,
        made_anew,
        folder_deleted,
        overwritten,
        cut,
        with_words_for_sums,
        without_tables,
    ],
)
@pytest.mark.parametrize("when", ["between two calls", "in mid-call", "closed"])
def test_what_happens_to_an_open_file(
    purse: Purse, home: Path, happen: Callable[[Path], None], when: str
) -> None:
    with warned(1) as said:
        if when == "in mid-call":
            under_way = purse.budget.reserve(D("0.2"), model="a:m")
            happen(home)
            purse.budget.settle(under_way, None, "released")
        else:
            if when == "closed":
                purse.budget.close()
            happen(home)
        holds(purse)
    if happen in (deleted, made_anew, folder_deleted) and when != "closed":
        assert said
    if said:
        assert "holds for this session only" in said[0]


def test_flipped_bits_break_no_call(tmp_path: Path) -> None:
    clock, first = Clock(), Purse(tmp_path / "whole", Clock(), "one", hour="9", session="9")
    for number in range(6):
        reservation = first.budget.reserve(D("0.1"), model="a:m")
        if number % 3:
            first.budget.settle(reservation, D("0.05"), "known")
    first.budget.close()
    data, random, lost = (tmp_path / "whole" / NAME).read_bytes(), Random(1), 0
    places = [place for place, byte in enumerate(data) if byte]
    for number in range(300):
        changed = bytearray(data)
        for place in random.sample(places, random.randint(1, 3)):
            changed[place] ^= 1 << random.randrange(8)
        home = tmp_path / str(number)
        home.mkdir()
        (home / NAME).write_bytes(changed)
        purse = Purse(home, clock, "one", hour="9", session="9")
        with warned(1) as said:
            with suppress(BudgetExceeded):
                spend(purse, "0.1")
            assert purse.budget.spent()["session"].total
        lost += bool(said)
        purse.budget.close()
    assert 0 < lost < 300


@pytest.mark.skipif(sys.platform == "win32", reason="has no such file system of SQLite's")
def test_a_disk_without_shared_memory_keeps_a_rollback_journal(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect

    def connect_as_to_a_network_disk(path: Path, **options: Any) -> sqlite3.Connection:
        return connect(f"{path.as_uri()}?vfs=unix-dotfile", uri=True, **options)

    monkeypatch.setattr(sqlite3, "connect", connect_as_to_a_network_disk)
    with warned(0):
        first, second = (Purse(home, Clock(), name, hour="1") for name in ("one", "two"))
        for _ in range(3):
            spend(first, "0.1")
            spend(second, "0.2")
        assert second.budget.left() == D("0.1")
        with pytest.raises(BudgetExceeded, match="hour"):
            spend(first, "0.2")
        first.budget.close()
        second.budget.close()
    with closing(connect(home / NAME)) as file:
        assert file.execute("PRAGMA journal_mode").fetchone() == ("delete",)


class WithoutLog(sqlite3.Connection):
    """As on a disk that has no place for a write-ahead log."""

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        return super().execute(sql.replace("= WAL", "= DELETE"), *values)


def test_with_a_rollback_journal_a_call_waits_for_who_reads(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", partial(connect, factory=WithoutLog))
    purse = Purse(home, Clock(), "one", session="1")
    spend(purse, "0.1")
    with closing(connect(home / NAME, isolation_level=None, check_same_thread=False)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM call").fetchone() == (1,)
        read = threading.Timer(0.3, reader.execute, ["COMMIT"])
        read.start()
        with warned(0):
            spend(purse, "0.2")
        read.join()
        rows = reader.execute("SELECT state, amount FROM call").fetchall()
    assert rows == [("known", 10**8), ("known", 2 * 10**8)]
    purse.budget.close()


READ_ONLY = """
import psutil, warnings
import orch_nb.store.spend_file
if not os.geteuid():  # root may write everywhere
    os.setresuid(65534, 65534, 65534)
budget = made("one", session="1", hour="1")
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for _ in range(3):
        budget.settle(budget.reserve(D("0.3"), model="a:m"), D("0.3"), "known")
try:
    budget.reserve(D("0.2"), model="a:m")
except BudgetExceeded as error:
    print(error.spent, [warning.category.__name__ for warning in caught])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="folders have no such mode")
@pytest.mark.parametrize("there", [False, True])
def test_a_folder_that_may_only_be_read(there: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        if there:
            before = Purse(home, Clock(), "before", hour="1")
            spend(before, "0.1")
            before.budget.close()
            (home / NAME).chmod(0o444)
        home.chmod(0o555)
        with start(home, READ_ONLY) as worker:
            out, _ = worker.communicate(timeout=120)
        home.chmod(0o700)
    assert out == "0.900000000 ['BudgetWarning']\n"


@pytest.mark.parametrize("disk", [True, False])
@pytest.mark.parametrize("hours", [0.5, 3, 10_000])
def test_a_clock_that_goes_back(tmp_path: Path, disk: bool, hours: float) -> None:
    if not disk:
        (tmp_path / "orch").write_text("in the way")
    clock = Clock()
    purse = Purse(tmp_path / "orch", clock, "one", session="3", hour="1")
    clock.now += hours * 3600
    with warned(0 if disk else 1):
        spend(purse, "0.6")
        clock.now -= hours * 3600
        if hours < 1:
            with pytest.raises(BudgetExceeded, match="hour"):
                spend(purse, "0.6")
        else:
            spend(purse, "0.6")
        clock.now += 2 * 3600
        spend(purse, "0.6")
    assert purse.budget.spent()["session"].known >= D("1.2")
    purse.budget.close()
