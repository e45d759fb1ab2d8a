"""What is reserved, what is spent, and what a limit lets through, within one process."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing, suppress
from pathlib import Path

import pytest

from orch_nb.errors import BudgetExceeded
from orch_nb.store.tally import PERIODS, Spent, Tally
from store.budgets import MODEL, Clock, D, Open, refused, spend


@pytest.mark.parametrize("period", PERIODS)
def test_a_reservation_counts_until_it_is_settled_for_less(purse: Open, period: str) -> None:
    mine = purse(**{period: "1"})
    within = [Tally("task"), Tally("pipeline")]
    first = mine.budget.reserve(D("0.7"), model=MODEL, periods=within)
    error = refused(mine, "0.4", *within)
    assert (error.period, error.limit, error.worst) == (period, D(1), D("0.4"))
    assert (error.spent, error.reserved) == (D(0), D("0.7"))
    mine.budget.settle(first, D("0.5"), "known")
    assert mine.budget.left(within) == D("0.5")
    spend(mine, "0.1", "0.5", *within)
    assert mine.budget.spent(within)["session"].known == D("0.6")
    assert refused(mine, "0.400000001", *within).spent == D("0.6")
    spend(mine, "0.4", None, *within)


def test_a_task_is_one_call_with_all_its_attempts(purse: Open) -> None:
    mine = purse(task="0.1")
    task = Tally("task")
    spend(mine, "0.06", None, task)
    assert refused(mine, "0.06", task).period == "task"
    spend(mine, "0.06", None, Tally("task"))


def test_what_is_free_always_fits_and_is_not_written_down(purse: Open, home: Path) -> None:
    mine = purse(session="0", hour="0", task="0")
    spend(mine, "0", None, Tally("task"))
    assert refused(mine, "0.000000001").limit == D(0)
    assert not home.exists()
    assert mine.budget.left() == D(0)


def test_without_a_limit_nothing_is_written_and_all_is_counted(purse: Open, home: Path) -> None:
    mine = purse()
    spend(mine, "5")
    assert not mine.budget.limited
    assert mine.budget.left() is None
    assert mine.budget.spent()["session"].known == D(5)
    assert not home.exists()
    mine.change(session="6")  # what was spent before counts
    assert mine.budget.left() == D(1)
    assert refused(mine, "1.5").spent == D(5)


def test_each_way_of_settling(purse: Open) -> None:
    mine = purse(hour="10")
    ways = [("known", D(0)), ("estimated", D("0.2")), ("unknown", None), ("released", None)]
    for state, cost in ways:
        reservation = mine.budget.reserve(D(1), model=MODEL)
        mine.budget.settle(reservation, cost, state)  # type: ignore[arg-type]
    expected = Spent(D(0), D("0.2"), D(1), D(0))
    assert mine.budget.spent() == {"session": expected, "hour": expected}
    assert (expected.settled, expected.total) == (D("1.2"), D("1.2"))
    mine.budget.settle(mine.budget.reserve(D(8), model=MODEL), None, "released")


def test_settling_twice_is_an_error_and_changes_nothing(purse: Open) -> None:
    mine = purse(session="1")
    reservation = mine.budget.reserve(D("0.5"), model=MODEL)
    mine.budget.settle(reservation, D("0.1"), "known")
    with pytest.raises(RuntimeError, match="settled already, as known"):
        mine.budget.settle(reservation, D("0.1"), "known")
    with pytest.raises(RuntimeError):
        mine.budget.settle(reservation, None, "released")
    with pytest.raises(ValueError, match="has a cost"):
        mine.budget.settle(mine.budget.reserve(D(0), model=MODEL), None, "known")
    assert mine.budget.spent()["session"].known == D("0.1")


def test_a_bill_above_the_worst_case_counts_in_full(purse: Open) -> None:
    mine = purse(session="1")
    spend(mine, "3", "0.5")
    assert mine.budget.left() == D(0)
    assert refused(mine, "0.1").spent == D(3)


def test_an_unknown_price_is_refused_under_a_budget_unless_allowed(purse: Open) -> None:
    assert purse("free").budget.reserve(None, model=MODEL).amount is None
    mine = purse(hour="1")
    with pytest.raises(BudgetExceeded, match=r"a:m: its price is unknown.*unpriced: allow"):
        mine.budget.reserve(None, model=MODEL)
    mine.change(hour="1", unpriced="allow")
    reservation = mine.budget.reserve(None, model=MODEL)
    mine.budget.settle(reservation, None, "known")
    assert mine.budget.spent()["session"] == Spent(unpriced=1)


def test_the_hour_holds_for_all_sessions_and_slides(purse: Open, clock: Clock) -> None:
    one, two = purse("one", hour="1"), purse("two", hour="1", session="5")
    spend(one, "0.6")
    clock.now += 1800
    spend(two, "0.3")
    assert refused(two, "0.2").period == "hour"
    assert one.budget.spent()["session"].known == D("0.6")
    assert one.budget.spent()["hour"].known == two.budget.spent()["hour"].known == D("0.9")
    clock.now += 1799
    assert refused(one, "0.2").spent == D("0.9")
    clock.now += 1
    spend(one, "0.2")
    assert one.budget.spent()["hour"].known == D("0.5")
    assert one.budget.spent()["session"].known == D("0.8")
    clock.now += 3600
    assert one.budget.left() == D(1)


def test_a_call_under_way_counts_for_the_hour_in_which_it_ends(purse: Open, clock: Clock) -> None:
    mine = purse(hour="1")
    slow = mine.budget.reserve(D("0.8"), model=MODEL)
    clock.now += 4000
    assert refused(mine, "0.3").reserved == D("0.8")
    mine.budget.settle(slow, D("0.8"), "known")
    clock.now += 3599
    assert refused(mine, "0.3").spent == D("0.8")
    clock.now += 1
    spend(mine, "0.3")


def test_a_clock_that_was_wrong_does_not_spend_the_hour_for_years(
    purse: Open, clock: Clock
) -> None:
    mine = purse(hour="1")
    clock.now += 10**8
    spend(mine, "1")
    clock.now -= 10**8
    spend(mine, "1")


def test_threads_side_by_side_never_pass_the_limit(purse: Open) -> None:
    mine = purse(session="1", hour="1")
    fitted: list[int] = []

    def call() -> None:
        for _ in range(5):
            with suppress(BudgetExceeded):
                spend(mine, "0.01", "0.05")
                fitted.append(1)

    threads = [threading.Thread(target=call) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spent = mine.budget.spent()["hour"]
    assert spent.total == spent.known == len(fitted) * D("0.01") <= D(1)
    assert spent == mine.budget.spent()["session"]


@pytest.mark.parametrize("state", ["known", "estimated", "unknown"])
def test_a_limit_of_the_hour_counts_what_was_spent_before_it_was_set(
    purse: Open, clock: Clock, state: str
) -> None:
    mine, other = purse(), purse("two", hour="1")
    for _ in range(3):
        reservation = mine.budget.reserve(D("0.3"), model=MODEL)
        cost = None if state == "unknown" else D("0.3")
        mine.budget.settle(reservation, cost, state)  # type: ignore[arg-type]
        clock.now += 1200
    mine.change(hour="1")
    left = mine.budget.left()
    assert left == other.budget.left() == D("0.4")  # the first is an hour ago
    assert getattr(other.budget.spent()["hour"], state) == D("0.6")
    assert mine.budget.spent()["session"].total == D("0.9")
    clock.now += 1261
    assert mine.budget.left() == D("0.7")


def test_calls_under_way_when_a_limit_is_set_count_as_reserved_and_then_as_they_end(
    purse: Open, home: Path
) -> None:
    mine, other = purse(), purse("two", hour="1")
    under_way = mine.budget.reserve(D("0.7"), model=MODEL)
    mine.change(hour="1")
    assert refused(mine, "0.4").reserved == D("0.7")
    assert other.budget.left() == D("0.3")
    mine.budget.settle(under_way, D("0.1"), "known")
    assert other.budget.spent()["hour"] == Spent(known=D("0.1"))


def test_what_is_spent_while_the_limit_is_off_counts_when_it_is_on_again(
    purse: Open, clock: Clock
) -> None:
    mine = purse(hour="1")
    spend(mine, "0.2")
    mine.change(hour=None)
    for _ in range(100):
        spend(mine, "0.001")
        clock.now += 1
    free = mine.budget.reserve(D(0), model=MODEL)
    mine.budget.settle(free, D(0), "known")
    mine.change(hour="1", session="1")
    assert mine.budget.left() == D("0.7")
    spend(mine, "0.1")
    assert mine.budget.spent()["session"].known == mine.budget.spent()["hour"].known == D("0.4")


def test_a_long_unlimited_session_is_few_numbers(purse: Open, clock: Clock, home: Path) -> None:
    mine = purse()
    for _ in range(3000):
        spend(mine, "0.001")
        clock.now += 10
    mine.change(hour="1")
    assert mine.budget.left() == D("0.640")  # to the minute, and not less
    with closing(sqlite3.connect(home / "spend.sqlite")) as file:
        assert file.execute("SELECT count(*) FROM call").fetchone()[0] <= 61
    assert mine.budget.spent()["session"].known == D(3)
