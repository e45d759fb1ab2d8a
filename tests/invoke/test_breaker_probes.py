"""When a model that was left alone is asked again, and by how many."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from invoke.breakers import A, Clock, call, fail, succeed, wait
from orch_nb.errors import Benched, ProviderError, RateLimited, ServerFailed, TimedOut, Unreachable
from orch_nb.invoke.breaker import Breakers
from orch_nb.settings import BreakerSettings


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
