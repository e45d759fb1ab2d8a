"""When a model is left alone, and what does not count against it."""

from __future__ import annotations

import asyncio

import pytest

from invoke.breakers import OTHER, A, B, Clock, call, fail, succeed
from orch_nb.errors import (
    Benched,
    BrokenAnswer,
    BudgetExceeded,
    ContextTooLong,
    KeyRefused,
    ModelNotFound,
    ProviderError,
    QuotaSpent,
    RateLimited,
    Rejected,
    RequestRefused,
    ServerFailed,
    TimedOut,
    Unreachable,
)
from orch_nb.invoke.breaker import Breakers
from orch_nb.settings import BreakerSettings


def test_five_failures_in_a_row_bench_a_model_and_say_so(breakers: Breakers, clock: Clock) -> None:
    fail(breakers, 4)
    assert breakers.benched(A) is None
    fail(breakers, 1)
    clock.now += 18
    assert str(breakers.benched(A)) == "p:a: benched for 12 s after 5 failures (500)"
    with pytest.raises(Benched) as caught:
        succeed(breakers)
    assert (caught.value.retryable, caught.value.falls_back, caught.value.cause) == (
        False,
        True,
        "benched",
    )
    assert breakers.benched(B) is None


def test_a_success_in_between_starts_the_count_anew(breakers: Breakers) -> None:
    fail(breakers, 4)
    succeed(breakers)
    fail(breakers, 4)
    assert breakers.benched(A) is None


@pytest.mark.parametrize("kind", [TimedOut, RateLimited, ServerFailed, BrokenAnswer, Unreachable])
def test_what_may_pass_counts(breakers: Breakers, kind: type[ProviderError]) -> None:
    for _ in range(5):
        asyncio.run(call(breakers, A, kind(A, "down")))
    assert breakers.benched(A)


@pytest.mark.parametrize(
    "kind", [ContextTooLong, RequestRefused, Rejected, ModelNotFound, BudgetExceeded]
)
def test_what_the_request_is_to_blame_for_does_not(
    breakers: Breakers, kind: type[ProviderError]
) -> None:
    for _ in range(20):
        asyncio.run(
            call(
                breakers,
                A,
                kind(A, "no", status=400)
                if kind is not BudgetExceeded
                else BudgetExceeded(A, "no"),
            )
        )
    assert breakers.benched(A) is None


def test_an_interrupt_does_not_count_and_leaves_nothing_behind(breakers: Breakers) -> None:
    async def interrupted() -> None:
        async with breakers.permit(A, asyncio.get_running_loop().time() + 20):
            raise asyncio.CancelledError

    for _ in range(20):
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(interrupted())
    assert breakers.benched(A) is None
    fail(breakers, 4)
    assert breakers.benched(A) is None


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyRefused(A, "no", status=401), "401"),
        (QuotaSpent(A, "no", status=402), "402"),
        (QuotaSpent(A, "no"), "quota spent"),
    ],
)
def test_a_refused_key_and_an_empty_account_bench_the_provider_at_once(
    breakers: Breakers, error: ProviderError, said: str
) -> None:
    asyncio.run(call(breakers, A, error))
    assert str(breakers.benched(B)) == (
        f"p:b: its provider is benched for 30 s after 1 failure ({said})"
    )
    assert breakers.benched(OTHER) is None


def test_a_key_that_may_not_use_one_model_may_use_others(breakers: Breakers) -> None:
    asyncio.run(call(breakers, A, KeyRefused(A, "no", status=403)))
    assert breakers.benched(A)
    assert breakers.benched(B) is None


def test_a_server_that_is_not_there_benches_all_its_models(breakers: Breakers) -> None:
    for _ in range(5):
        asyncio.run(call(breakers, A, Unreachable(A, "down")))
    assert breakers.benched(B)
    assert breakers.benched(OTHER) is None


def test_failures_of_several_models_in_a_row_are_their_providers(breakers: Breakers) -> None:
    fail(breakers, 3, A)
    fail(breakers, 2, B)
    assert breakers.benched("p:never-asked")


def test_one_model_that_fails_for_ever_does_not_hold_up_its_siblings(breakers: Breakers) -> None:
    fail(breakers, 5, A)
    succeed(breakers, B)
    assert breakers.benched(A)


def test_switched_off_it_never_opens(clock: Clock) -> None:
    breakers = Breakers(clock, BreakerSettings(enabled=False))
    fail(breakers, 20)
    assert breakers.benched(A) is None


def test_another_key_or_address_is_another_chance_and_nothing_else_is(breakers: Breakers) -> None:
    breakers.keep({"p": "key 1", "q": "key"})
    fail(breakers, 5, A)
    fail(breakers, 5, OTHER)
    breakers.keep({"p": "key 1", "q": "key", "r": "new"})
    assert breakers.benched(A)
    breakers.keep({"p": "key 2", "q": "key"})
    assert breakers.benched(A) is None
    assert breakers.benched(OTHER)
    breakers.clear()
    assert breakers.benched(OTHER) is None
