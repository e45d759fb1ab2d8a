"""Retries are a fifth of the calls, and a few more for those who call seldom."""

from __future__ import annotations

import itertools

from orch_nb.invoke.retry_budget import RetryBudget


def test_without_calls_there_are_ten_and_no_more() -> None:
    budget = RetryBudget(lambda: 0.0)
    assert sum(budget.withdraw() for _ in range(100)) == 10


def test_in_the_long_run_one_for_five_calls() -> None:
    budget, retries = RetryBudget(lambda: 0.0), 0
    for _ in range(1000):
        budget.deposit()
        retries += budget.withdraw() + budget.withdraw()
    assert 200 <= retries <= 210


def test_calls_without_a_retry_are_not_saved_up() -> None:
    budget = RetryBudget(lambda: 0.0)
    for _ in range(1000):
        budget.deposit()
    assert sum(budget.withdraw() for _ in range(100)) == 10


def test_time_brings_them_back() -> None:
    seconds = itertools.chain([0.0] * 12, itertools.repeat(31.0))
    budget = RetryBudget(lambda: next(seconds))
    assert sum(budget.withdraw() for _ in range(11)) == 10
    assert sum(budget.withdraw() for _ in range(11)) == 5
