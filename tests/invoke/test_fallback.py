"""Which candidate is asked when, how often, and what is on the trail."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from orch_nb.errors import (
    AllFailed,
    Benched,
    BrokenAnswer,
    KeyRefused,
    OrchError,
    ProviderError,
    RateLimited,
    Rejected,
    ServerFailed,
    TimedOut,
    Unreachable,
)
from orch_nb.invoke.attempt import Progress
from orch_nb.invoke.fallback import Candidate, Trail, first_answer
from orch_nb.invoke.retry_budget import RetryBudget


class Model:
    """A candidate that gives its outcomes one after the other, the last for ever."""

    def __init__(
        self,
        name: str,
        *outcomes: str | ProviderError,
        retries: int = 0,
        benched: float = 0.0,
        budget: RetryBudget | None = None,
    ) -> None:
        self.name, self.outcomes, self.retries = name, outcomes, retries
        self.benched, self.budget = benched, budget
        self.asked = 0

    async def knock(self) -> str:
        """Ask, unless it is benched for some seconds."""
        if self.benched:
            raise Benched(self.name, "benched", self.benched)
        return await self.ask()

    async def ask(self) -> str:
        outcome = self.outcomes[min(self.asked, len(self.outcomes) - 1)]
        self.asked += 1
        if isinstance(outcome, ProviderError):
            raise outcome
        return outcome

    def candidate(self, longest_pause: float) -> Candidate[str]:
        return Candidate(self.name, self.retries, longest_pause, self.knock, self.ask, self.budget)


def run(
    *models: Model, trail: Trail | None = None, within: float = 60.0, longest_pause: float = 0.01
) -> str:
    async def once() -> str:
        deadline = asyncio.get_running_loop().time() + within
        candidates = [model.candidate(longest_pause) for model in models]
        made = Trail() if trail is None else trail
        return await first_answer(candidates, made, deadline=deadline, random=Random(0))

    return asyncio.run(once())


def down(model: str, kind: type[ProviderError] = ServerFailed) -> ProviderError:
    return kind(model, "down")


@pytest.mark.parametrize("kind", [Unreachable, TimedOut, RateLimited, ServerFailed, BrokenAnswer])
def test_what_may_pass_is_retried(kind: type[ProviderError]) -> None:
    trail, model = Trail(), Model("a", down("a", kind), down("a", kind), "yes", retries=2)
    assert run(model, trail=trail) == "yes"
    assert [attempt.error is None for attempt in trail.attempts] == [False, False, True]


def test_retries_are_counted_and_then_the_next_is_asked() -> None:
    trail = Trail()
    first, second = Model("a", down("a"), retries=2), Model("b", "yes")
    assert run(first, second, trail=trail) == "yes"
    assert (first.asked, second.asked) == (3, 1)
    assert [a.cause for a in trail.attempts] == ["server error"] * 3 + [None]


def test_a_refusal_is_not_retried() -> None:
    first, second = Model("a", down("a", KeyRefused), retries=5), Model("b", "yes")
    assert run(first, second) == "yes"
    assert first.asked == 1


def test_a_policy_refusal_ends_everything() -> None:
    first, second = Model("a", down("a", Rejected), retries=5), Model("b", "yes")
    with pytest.raises(Rejected):
        run(first, second)
    assert (first.asked, second.asked) == (1, 0)


def test_after_text_was_shown_nothing_restarts() -> None:
    trail = Trail(current=Progress("a", print, size=5))
    first, second = Model("a", down("a"), retries=5), Model("b", "yes")
    with pytest.raises(ServerFailed):
        run(first, second, trail=trail)
    assert (first.asked, second.asked) == (1, 0)


def test_one_candidate_fails_with_its_own_error() -> None:
    error = down("a")
    with pytest.raises(ServerFailed) as caught:
        run(Model("a", error, retries=1))
    assert caught.value is error


def test_several_fail_together_each_message_once() -> None:
    trail = Trail()
    models = [Model("a", down("a"), retries=1), Model("b", down("b", KeyRefused))]
    with pytest.raises(AllFailed) as caught:
        run(*models, trail=trail)
    assert str(caught.value) == "no model answered: a: down; b: down"
    assert caught.value.attempts == tuple(trail.attempts)
    assert [attempt.model for attempt in trail.attempts] == ["a", "a", "b", "a"]


def test_who_wants_to_be_left_alone_for_long_is_left_for_another() -> None:
    slow = RateLimited("a", "later", status=429, retry_after=3600.0)
    first, second = Model("a", slow, retries=2), Model("b", "yes")
    assert run(first, second, longest_pause=30.0) == "yes"
    assert first.asked == 1


def test_retries_take_no_more_than_half_of_the_time_while_another_follows() -> None:
    slow = RateLimited("a", "later", status=429, retry_after=4.0)
    first, second = Model("a", slow, retries=2), Model("b", "yes")
    assert run(first, second, within=6.0, longest_pause=30.0) == "yes"
    assert first.asked == 1


def test_who_is_asked_may_be_silent_for_half_of_the_time_and_the_last_for_all_of_it() -> None:
    trail, halves = Trail(), list[float]()

    class Late(Model):
        async def ask(self) -> str:
            halves.append(trail.patience - asyncio.get_running_loop().time())
            return await super().ask()

    models = [Late(name, down(name)) for name in "abc"]
    with pytest.raises(AllFailed):
        run(*models, trail=trail, within=80.0)
    assert [round(half, -1) for half in halves] == [40, 40, 80]


def test_no_candidate_is_an_error_of_ours() -> None:
    with pytest.raises(OrchError):
        run()


def test_a_pause_past_the_deadline_is_not_waited_for() -> None:
    slow = RateLimited("a", "later", status=429, retry_after=500.0)
    first, second = Model("a", slow, retries=3), Model("b", "yes")
    assert run(first, second, within=5.0, longest_pause=1000.0) == "yes"
    assert first.asked == 1


def test_the_servers_pause_is_capped() -> None:
    slow = RateLimited("a", "later", status=429, retry_after=1e9)
    assert run(Model("a", slow, "yes", retries=1), longest_pause=0.01) == "yes"


def test_after_the_deadline_no_other_model_is_asked() -> None:
    first, second = Model("a", down("a")), Model("b", "yes")
    with pytest.raises(ServerFailed):
        run(first, second, within=-1.0)
    assert second.asked == 0


def test_when_all_failed_each_is_asked_once_more() -> None:
    trail = Trail()
    first = Model("a", down("a"), down("a"), "yes", retries=1)
    second = Model("b", down("b"), retries=1)
    assert run(first, second, trail=trail) == "yes"
    assert [attempt.model for attempt in trail.attempts] == ["a", "a", "b", "b", "a"]


def test_the_second_lap_is_the_last() -> None:
    first, second = Model("a", down("a"), retries=1), Model("b", down("b"), retries=2)
    with pytest.raises(AllFailed):
        run(first, second)
    assert (first.asked, second.asked) == (3, 4)


def test_who_may_not_be_retried_is_asked_once() -> None:
    first, second = Model("a", down("a"), retries=0), Model("b", down("b"), "yes", retries=1)
    assert run(first, second) == "yes"
    assert first.asked == 1


def test_no_second_lap_past_the_deadline() -> None:
    slow = RateLimited("a", "later", status=429, retry_after=500.0)
    first, second = Model("a", slow, retries=1), Model("b", slow, retries=1)
    with pytest.raises(AllFailed):
        run(first, second, within=5.0, longest_pause=1000.0)
    assert (first.asked, second.asked) == (1, 1)


def test_on_the_second_lap_nobody_waits_for_a_server_that_asks_for_more_time() -> None:
    slow = RateLimited("a", "later", status=429, retry_after=30.0)
    first, second = Model("a", slow, retries=1), Model("b", down("b"), down("b"), "yes", retries=1)
    assert run(first, second, within=20.0, longest_pause=1000.0) == "yes"
    assert (first.asked, second.asked) == (1, 3)


def test_who_is_benched_is_passed_over_and_named() -> None:
    trail = Trail()
    first, second = Model("a", "no", benched=9.0), Model("b", "yes")
    assert run(first, second, trail=trail) == "yes"
    assert [(a.model, a.cause) for a in trail.attempts] == [("a", "benched"), ("b", None)]
    assert first.asked == 0


def test_when_all_are_benched_the_least_bad_is_asked() -> None:
    models = [Model(name, name, benched=wait) for name, wait in (("a", 9.0), ("b", 5.0))]
    assert run(*models) == "b"
    assert [model.asked for model in models] == [0, 1]


def test_who_is_benched_is_asked_when_all_others_failed() -> None:
    first, second = Model("a", "yes", benched=9.0), Model("b", down("b", KeyRefused))
    assert run(first, second) == "yes"


def test_a_benched_model_alone_fails_with_its_own_error() -> None:
    with pytest.raises(ServerFailed):
        run(Model("a", down("a"), benched=9.0))


def test_no_retry_without_a_budget_for_it() -> None:
    budget = RetryBudget(lambda: 0.0)
    while budget.withdraw():
        pass
    first, second = Model("a", down("a"), retries=5, budget=budget), Model("b", "yes")
    assert run(first, second) == "yes"
    assert first.asked == 1


def test_retries_of_a_dead_provider_are_a_fifth_of_the_calls() -> None:
    budget, model = RetryBudget(lambda: 0.0), Model("a", down("a"), retries=2)
    model.budget = budget
    for _ in range(100):
        with pytest.raises(ServerFailed):
            run(model, longest_pause=0.0)
    assert 100 + 20 <= model.asked <= 100 + 20 + 10
