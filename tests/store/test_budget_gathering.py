"""What calls were settled for is written a moment later, together; nothing is ever too little."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import time
import warnings
from contextlib import closing
from pathlib import Path

import pytest

from orch_nb.settings import BudgetSettings
from orch_nb.store.budget import Budget, Reservation
from orch_nb.store.holding import BudgetWarning
from orch_nb.store.tally import Spent
from store.budgets import MODEL, D, Open, Purse, Timer, refused


@pytest.fixture
def timer() -> Timer:
    return Timer()


def reserve(purse: Purse, worst: str, timer: Timer | None = None) -> Reservation:
    return purse.budget.reserve(D(worst), model=MODEL, later=timer)


def spend(purse: Purse, timer: Timer, cost: str, worst: str) -> None:
    purse.budget.settle(reserve(purse, worst, timer), D(cost), "known", timer)


def hour(purse: Purse) -> Spent:
    return purse.budget.spent()["hour"]


def test_others_see_the_worst_case_until_the_cost_is_written(purse: Open, timer: Timer) -> None:
    mine, other = purse("one", hour="90"), purse("two", hour="90")
    spend(mine, timer, "0.2", "0.9")
    assert hour(other) == Spent(reserved=D("0.9"))
    timer.fire()
    assert hour(other) == Spent(known=D("0.2"))


def test_who_looks_has_all_written(purse: Open, timer: Timer) -> None:
    mine, other = purse("one", hour="90"), purse("two", hour="90")
    spend(mine, timer, "0.2", "0.9")
    assert hour(mine) == mine.budget.spent()["session"] == Spent(known=D("0.2"))
    assert hour(other) == Spent(known=D("0.2"))


def test_who_closes_has_all_written(purse: Open, timer: Timer) -> None:
    mine, other = purse("one", hour="90"), purse("two", hour="90")
    under_way = reserve(mine, "0.4")
    spend(mine, timer, "0.2", "0.9")
    mine.budget.close()
    assert hour(other) == Spent(known=D("0.2"), reserved=D("0.4"))
    mine.budget.settle(under_way, D("0.1"), "estimated", timer)
    timer.fire()
    assert hour(other) == Spent(known=D("0.2"), estimated=D("0.1"))


def test_where_a_limit_has_little_room_costs_are_written_at_once(purse: Open, timer: Timer) -> None:
    mine, other = purse("one", hour="10"), purse("two", hour="10")
    spend(mine, timer, "0.1", "0.6")
    assert hour(other) == Spent(reserved=D("0.6"))
    timer.fire()
    spend(mine, timer, "0.1", "0.7")
    assert hour(other) == Spent(known=D("0.2"))
    assert not timer.waiting


def test_one_timer_is_enough_and_a_loop_that_has_ended_is_not_relied_on(
    purse: Open, timer: Timer
) -> None:
    mine, other = purse("one", hour="9"), purse("two", hour="9")
    for _ in range(3):
        spend(mine, timer, "0.1", "0.3")
    assert len(timer.waiting) == 1
    another = Timer()
    spend(mine, another, "0.1", "0.3")
    another.fire()
    assert hour(other) == Spent(known=D("0.4"))


def test_calls_in_a_row_are_few_rows(purse: Open, home: Path, timer: Timer) -> None:
    mine = purse(hour="100", session="100")
    for _ in range(200):
        spend(mine, timer, "0.001", "0.1")
    with closing(sqlite3.connect(home / "spend.sqlite")) as file:
        rows = file.execute("SELECT state, sum(amount), count(*) FROM call GROUP BY state")
        written = {state: (D(amount) / 10**9, count) for state, amount, count in rows}
    assert written["known"][1] < 10
    assert written["known"][0] + written["reserved"][0] >= D("0.2")
    timer.fire()
    assert hour(purse("two", hour="1")) == Spent(known=D("0.2"))


def test_a_call_is_set_aside_ahead_only_where_there_is_room(purse: Open, timer: Timer) -> None:
    mine, other = purse("one", hour="10"), purse("two", hour="10")
    spend(mine, timer, "0.1", "0.1")
    under_way = reserve(mine, "0.1", timer)
    assert hour(other) == Spent(known=D("0.1"), reserved=D("0.2"))
    timer.fire()
    assert hour(other) == Spent(known=D("0.1"), reserved=D("0.1"))
    mine.budget.settle(under_way, D("0.1"), "known", timer)
    mine.change(hour="1")
    reserve(mine, "0.1", timer)
    assert hour(other) == Spent(known=D("0.2"), reserved=D("0.1"))


def test_calls_under_way_together_have_as_much_set_aside_ahead(purse: Open, timer: Timer) -> None:
    mine, other = purse("one", hour="100"), purse("two", hour="100")
    seen = []
    for _ in range(8):
        reserve(mine, "0.1", timer)
        seen.append(10 * hour(other).reserved)
    assert seen == [1, 4, 4, 4, 10, 10, 10, 10]
    timer.fire()
    assert hour(other).reserved == D("0.8")


@pytest.mark.parametrize("limits", [{"task": "1"}, {"session": "9"}, {"hour": "9", "task": "1"}])
def test_whatever_is_limited_calls_in_a_row_are_all_counted(
    purse: Open, timer: Timer, limits: dict[str, str]
) -> None:
    mine, other = purse("one", **limits), purse("two", hour="9")
    for _ in range(20):
        spend(mine, timer, "0.01", "0.1")
    timer.fire()
    assert hour(other) == mine.budget.spent()["session"] == Spent(known=D("0.2"))


def test_what_is_held_ahead_is_no_way_round_a_lower_limit(purse: Open, timer: Timer) -> None:
    mine = purse("one", hour="10")
    other = purse("two", hour="10")
    spend(mine, timer, "0.1", "0.1")
    spend(mine, timer, "0.0", "0.1")
    other.budget.settle(reserve(other, "0.5"), D("0.5"), "known")
    mine.change(hour="0.65")
    assert refused(mine, "0.1").spent == D("0.6")
    mine.change(hour="0.7")
    reserve(mine, "0.1", timer)


def test_what_is_held_for_a_call_is_no_way_round_a_lower_limit(purse: Open, timer: Timer) -> None:
    mine = purse("one", hour="100")
    first = reserve(mine, "5", timer)
    mine.change(hour="1")
    refused(mine, "0.5")
    mine.budget.settle(first, D("0.6"), "known", timer)
    assert refused(mine, "0.5").spent == D("0.6")
    reserve(mine, "0.4", timer)


def test_what_is_held_for_a_call_without_a_limit_is_no_way_round_one(
    purse: Open, timer: Timer
) -> None:
    mine = purse("one", hour="1")
    limited = reserve(mine, "0.05", timer)
    mine.change(hour=None)
    first = reserve(mine, "5", timer)
    mine.budget.settle(limited, D("0.05"), "known")
    mine.change(hour="1")
    mine.budget.settle(first, D("0.5"), "known", timer)
    assert refused(mine, "0.5").spent == D("0.55")


def test_what_costs_more_than_its_worst_case_is_written_at_once(purse: Open, timer: Timer) -> None:
    mine, other = purse("one", hour="90"), purse("two", hour="90")
    spend(mine, timer, "3", "0.9")
    assert hour(other) == Spent(known=D(3))


def test_a_session_of_several_processes_is_written_at_once(purse: Open, timer: Timer) -> None:
    mine, other = purse("one", hour="90"), purse("one", hour="90")
    mine.budget.shared = True
    spend(mine, timer, "0.2", "0.9")
    assert other.budget.spent()["session"] == Spent(known=D("0.2"))


def test_between_two_calls_what_is_left_is_known(purse: Open, timer: Timer) -> None:
    mine, other = purse("one", hour="90", session="50"), purse("two", hour="90")
    other.budget.settle(reserve(other, "1"), D(1), "known")
    for number in range(1, 5):
        spend(mine, timer, "1", "1")
        assert mine.budget.left() == 50 - number
    timer.fire()
    other.budget.settle(reserve(other, "84.5"), D("84.5"), "known")
    assert mine.budget.left() == D("0.5")


def test_after_a_refusal_what_is_left_is_known_anew(purse: Open, timer: Timer) -> None:
    mine, other = purse("one", hour="100"), purse("two", hour="100")
    spend(mine, timer, "1", "1")
    assert mine.budget.left() == 99
    spend(other, timer, "5", "5")
    spend(mine, timer, "1", "1")
    refused(mine, "94")
    assert mine.budget.left() == 93


def test_a_disk_that_fails_before_it_is_written_breaks_no_call(
    purse: Open, home: Path, timer: Timer
) -> None:
    mine = purse("one", hour="20", session="20")
    spend(mine, timer, "0.2", "0.9")
    shutil.rmtree(home)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        timer.fire()  # nobody is there to be warned
    with pytest.warns(BudgetWarning, match="holds for this session only"):
        spend(mine, timer, "0.3", "0.3")
    assert mine.budget.spent()["session"] == Spent(known=D("0.5"))
    assert refused(mine, "19.6").period == "session"


def test_a_loop_writes_it_soon(tmp_path: Path) -> None:
    def made(session: str) -> Budget:
        limits = BudgetSettings(hour=D(100))
        return Budget(limits, lambda: tmp_path, session=session, clock=time.time)

    async def run() -> None:
        mine, other = made("one"), made("two")
        later = asyncio.get_running_loop().call_later
        mine.settle(mine.reserve(D("0.9"), model=MODEL), D("0.2"), "known", later)
        while other.spent()["hour"].reserved:
            await asyncio.sleep(0.01)
        assert other.spent()["hour"] == Spent(known=D("0.2"))
        mine.close()
        other.close()

    asyncio.run(asyncio.wait_for(run(), 30))
