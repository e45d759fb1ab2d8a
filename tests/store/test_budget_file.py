"""What of a budget is on disk, and disks that do not play along."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from orch_nb.store.account import Payment
from orch_nb.store.holding import BudgetWarning
from orch_nb.store.tally import Spent
from orch_nb.types import Usage
from store.budgets import MODEL, Clock, D, Open, Purse, refused, spend


def test_the_file_is_for_this_user_only(purse: Open, home: Path) -> None:
    mine = purse(hour="1")
    mine.budget.reserve(D("0.1"), model=MODEL)
    files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()}
    assert files["spend.sqlite"] == 0o600
    assert set(files.values()) == {0o600}
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_the_sums_are_those_of_the_rows(purse: Open, home: Path, clock: Clock) -> None:
    mine, other = purse("one", hour="9"), purse("two", hour="9")
    for number in range(40):
        clock.now += 200
        reservation = (mine, other)[number % 2].budget.reserve(D("0.1"), model=MODEL)
        cost, state = (D("0.03"), "known") if number % 3 else (None, "unknown")
        (mine, other)[number % 2].budget.settle(reservation, cost, state)  # type: ignore[arg-type]
    with closing(sqlite3.connect(home / "spend.sqlite")) as file:
        rows = file.execute("SELECT state, sum(amount) FROM call GROUP BY state").fetchall()
        kept = file.execute("SELECT count(*) FROM call").fetchone()
    spent = mine.budget.spent()["hour"]
    assert {state: D(amount) / 10**9 for state, amount in rows} == {
        "known": spent.known,
        "unknown": spent.unknown,
    }
    assert kept == (18,)


def test_without_a_folder_the_limits_hold_in_memory_with_one_warning(
    tmp_path: Path, clock: Clock
) -> None:
    (tmp_path / "file").write_text("in the way")
    mine = Purse(tmp_path / "file" / "home", clock, "one", session="1", hour="0.5")
    with pytest.warns(BudgetWarning, match="holds for this session only"):
        spend(mine, "0.4")
    assert refused(mine, "0.2").period == "hour"
    clock.now += 3661  # without the file, to the minute
    spend(mine, "0.4")
    clock.now += 3661
    assert refused(mine, "0.3").period == "session"


@pytest.mark.parametrize("content", [b"no database" * 500, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_file_is_left_alone_with_one_warning(
    purse: Open, home: Path, content: bytes
) -> None:
    home.mkdir(parents=True)
    (home / "spend.sqlite").write_bytes(content)
    mine = purse(session="1")
    with pytest.warns(BudgetWarning, match=r"delete spend\.sqlite there"):
        spend(mine, "0.9")
    assert refused(mine, "0.2").spent == D("0.9")
    assert (home / "spend.sqlite").read_bytes() == content


def test_a_folder_in_the_files_place_is_a_warning(purse: Open, home: Path) -> None:
    (home / "spend.sqlite").mkdir(parents=True)
    with pytest.warns(BudgetWarning, match="unable to open"):
        spend(purse(session="1"), "0.9")


def test_a_file_that_stays_locked_is_not_waited_for_without_end(purse: Open, home: Path) -> None:
    mine = purse(session="1")
    spend(mine, "0.5")
    with closing(sqlite3.connect(home / "spend.sqlite", isolation_level=None)) as greedy:
        greedy.execute("BEGIN IMMEDIATE")
        with pytest.warns(BudgetWarning, match="locked"):
            spend(mine, "0.4")
        assert refused(mine, "0.2").spent == D("0.9")


def test_a_lock_that_strikes_between_two_looks_settles_in_memory(purse: Open, home: Path) -> None:
    mine = purse(session="1")
    reservation = mine.budget.reserve(D("0.9"), model=MODEL)
    with closing(sqlite3.connect(home / "spend.sqlite", isolation_level=None)) as greedy:
        greedy.execute("BEGIN IMMEDIATE")
        with pytest.warns(BudgetWarning, match="locked"):
            mine.budget.settle(reservation, D("0.2"), "known")
    assert mine.budget.spent()["session"] == Spent(known=D("0.2"))
    assert purse("two", hour="1").budget.spent()["hour"].reserved == D("0.9")


def test_what_others_spent_for_the_session_counts_and_is_not_written_again(
    purse: Open, home: Path
) -> None:
    mine, other = purse("one"), purse("one")
    mine.budget.shared = other.budget.shared = True
    spend(other, "0.3")
    known, unsure = Usage(1, 1), Usage(1, 1, source="estimated")
    mine.budget.include(
        [
            Payment(MODEL, D("0.3"), known),
            Payment(MODEL, D("0.2"), unsure),
            Payment(MODEL, None, Usage(source="unknown"), most=D("0.1")),
            Payment(MODEL, None, known),
        ]
    )
    expected = Spent(known=D("0.3"), estimated=D("0.2"), unknown=D("0.1"), unpriced=1)
    assert mine.budget.spent()["session"] == expected
    spend(mine, "0.1")
    assert purse("two", hour="1").budget.spent()["hour"].known == D("0.4")
    mine.change(session="1")
    assert refused(mine, "0.5").spent == D("0.7")


def test_without_a_limit_a_shared_budget_is_written_all_the_same(purse: Open) -> None:
    mine, other = purse("one"), purse("one")
    mine.budget.shared = other.budget.shared = True
    spend(other, "0.3")
    assert mine.budget.spent()["session"].known == D("0.3")
