"""When a model is left alone, for how long, and what does not count against it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

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

A, B, OTHER = "p:a", "p:b", "q:c"


class Clock:
    """Seconds, moved by the test."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breakers(clock: Clock) -> Breakers:
    return Breakers(clock)


async def call(
    breakers: Breakers, model: str, error: ProviderError | None = None, *, probe: bool = False
) -> None:
    deadline = asyncio.get_running_loop().time() + 20
    async with breakers.permit(model, deadline, probe=probe) as permit:
        if error is None:
            permit.succeeded()
        else:
            permit.failed(error)


def fail(breakers: Breakers, times: int, model: str = A, *, probe: bool = False) -> None:
    for _ in range(times):
        asyncio.run(call(breakers, model, ServerFailed(model, "down", status=500), probe=probe))


def succeed(breakers: Breakers, model: str = A) -> None:
    asyncio.run(call(breakers, model))


def wait(breakers: Breakers, model: str = A) -> float:
    error = breakers.benched(model)
    return 0.0 if error is None else error.wait


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


def test_one_probe_when_the_cool_down_is_over(breakers: Breakers, clock: Clock) -> None:
    fail(breakers, 5)
    clock.now += 30

    async def three() -> list[bool]:
        ended = asyncio.Event()
        deadline = asyncio.get_running_loop().time() + 20

        async def probe() -> None:
            async with breakers.permit(A, deadline) as permit:
                await ended.wait()
                permit.succeeded()

        first = asyncio.create_task(probe())
        await asyncio.sleep(0)
        others = await asyncio.gather(call(breakers, A), call(breakers, A), return_exceptions=True)
        ended.set()
        await first
        return [isinstance(error, Benched) for error in others]

    assert asyncio.run(three()) == [True, True]
    assert breakers.benched(A) is None
    fail(breakers, 4)
    assert breakers.benched(A) is None


def test_the_cool_down_doubles_with_each_failed_probe_up_to_ten_times(
    breakers: Breakers, clock: Clock
) -> None:
    fail(breakers, 5)
    waits = []
    for _ in range(6):
        waits.append(wait(breakers))
        clock.now += waits[-1]
        fail(breakers, 1)
    assert waits == [30, 60, 120, 240, 300, 300]
    clock.now += 300
    succeed(breakers)
    fail(breakers, 5)
    assert wait(breakers) == 30


@pytest.mark.parametrize(("wanted", "waits"), [(10.0, 30), (45.0, 45), (3600.0, 300)])
def test_who_asks_for_more_time_has_it_up_to_ten_cool_downs(
    breakers: Breakers, wanted: float, waits: float
) -> None:
    fail(breakers, 4)
    slow_down = RateLimited(A, "slow down", status=429, retry_after=wanted)
    asyncio.run(call(breakers, A, slow_down))
    assert wait(breakers) == waits


def test_the_longest_that_calls_under_way_are_told_counts(breakers: Breakers) -> None:
    async def run() -> None:
        deadline = asyncio.get_running_loop().time() + 20
        first = [breakers.permit(A, deadline) for _ in range(5)]
        permits = [await permit.__aenter__() for permit in first]
        for seconds in (100.0, 200.0):
            slow_down = RateLimited(A, "slow down", status=429, retry_after=seconds)
            for permit in permits:
                permit.failed(slow_down)
        for permit in first:
            await permit.__aexit__(None, None, None)

    asyncio.run(run())
    assert wait(breakers) == 200


def test_a_probe_that_is_interrupted_leaves_the_next_call_to_probe(
    breakers: Breakers, clock: Clock
) -> None:
    fail(breakers, 5)
    clock.now += 30

    async def interrupted() -> None:
        async with breakers.permit(A, asyncio.get_running_loop().time() + 20):
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(interrupted())
    succeed(breakers)
    assert breakers.benched(A) is None


def test_an_early_probe_closes_it_or_changes_nothing(breakers: Breakers, clock: Clock) -> None:
    fail(breakers, 5)
    clock.now += 10
    fail(breakers, 3, probe=True)
    assert wait(breakers) == 20
    asyncio.run(call(breakers, A, probe=True))
    assert breakers.benched(A) is None


def test_early_probes_at_once_are_one(breakers: Breakers) -> None:
    fail(breakers, 5)

    async def many(outcome: ProviderError | None) -> tuple[int, int]:
        asked = 0

        async def probe() -> None:
            nonlocal asked
            deadline = asyncio.get_running_loop().time() + 20
            async with breakers.permit(A, deadline, probe=True) as permit:
                asked += 1
                await asyncio.sleep(0.01)
                if outcome is None:
                    permit.succeeded()
                else:
                    permit.failed(outcome)

        ended = await asyncio.gather(*(probe() for _ in range(64)), return_exceptions=True)
        return asked, sum(isinstance(error, Benched) for error in ended)

    assert asyncio.run(many(ServerFailed(A, "down"))) == (1, 63)
    assert asyncio.run(many(None)) == (64, 0)


def ask_at_once(
    breakers: Breakers, count: int, ask: Callable[[int], Awaitable[ProviderError | None]]
) -> int:
    """How many of `count` calls were admitted."""
    asked = 0

    async def one() -> None:
        nonlocal asked
        deadline = asyncio.get_running_loop().time() + 20
        async with breakers.permit(A, deadline) as permit:
            number, asked = asked, asked + 1
            error = await ask(number)
            if error is None:
                permit.succeeded()
            else:
                permit.failed(error)

    async def run() -> None:
        await asyncio.gather(*(one() for _ in range(count)), return_exceptions=True)

    asyncio.run(run())
    return asked


@pytest.mark.parametrize("kind", [Unreachable, ServerFailed])
def test_a_dead_model_is_asked_five_times_by_sixty_four_callers(
    breakers: Breakers, kind: type[ProviderError]
) -> None:
    async def down(_: int) -> ProviderError:
        await asyncio.sleep(0.001)
        return kind(A, "down")

    assert ask_at_once(breakers, 64, down) == 5


def test_a_model_that_answers_is_asked_by_all(breakers: Breakers) -> None:
    async def well(_: int) -> None:
        await asyncio.sleep(0)

    assert ask_at_once(breakers, 64, well) == 64


def test_the_first_word_is_a_sign_of_life(breakers: Breakers) -> None:
    async def run() -> None:
        deadline = asyncio.get_running_loop().time() + 20
        first = [breakers.permit(A, deadline) for _ in range(5)]
        permits = [await permit.__aenter__() for permit in first]
        sixth = asyncio.create_task(call(breakers, A))
        await asyncio.sleep(0.01)
        assert not sixth.done()
        permits[0].alive()
        await sixth
        for permit in first:
            await permit.__aexit__(None, None, None)

    asyncio.run(run())


def test_nobody_waits_for_a_sign_of_life_past_the_deadline(breakers: Breakers) -> None:
    async def run() -> None:
        now = asyncio.get_running_loop().time()
        async with breakers.permit(A, now + 20), breakers.permit(A, now + 20):
            with pytest.raises(TimedOut, match="before the deadline"):
                async with breakers.permit(A, now + 0.01):
                    pass

    breakers.settings = BreakerSettings(failures=2)
    asyncio.run(run())


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
