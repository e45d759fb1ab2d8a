"""Equal requests at the same time are one call: one pays, all get the answer."""

from __future__ import annotations

import asyncio
import concurrent.futures
import dataclasses
from decimal import Decimal
from typing import Any

import pytest

from orch_nb import Response, Session
from orch_nb.errors import ServerFailed, TimedOut
from session.conftest import Open
from session.test_asking import LUNA, OPUS
from stub.answer import digest
from stub.client import Stub

SLOW = "ok?words=40&delay=0.02"


def posts(stub: Stub) -> int:
    return sum(entry.method == "POST" for entry in stub.log())


async def until_asked(stub: Stub, count: int = 1) -> None:
    while (await asyncio.to_thread(posts, stub)) < count:
        await asyncio.sleep(0.01)


def begin(s: Session, **options: Any) -> asyncio.Task[Response]:
    return asyncio.create_task(s.aask("x", **{"model": LUNA, **options}))


@pytest.mark.parametrize("model", [LUNA, OPUS])
@pytest.mark.parametrize("cache", ["on", "off"])
def test_sixteen_threads_with_one_prompt_make_one_paid_call(
    open_session: Open, configured: Stub, model: str, cache: str
) -> None:
    s = open_session(budget={"session": 1}, **({"cache": "off"} if cache == "off" else {}))
    configured.rule("*", SLOW)
    shown: list[list[str]] = [[] for _ in range(16)]

    def ask(place: int) -> Response:
        return s.ask("x", model=model, on_text=shown[place].append)

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        responses = list(pool.map(ask, range(16)))
    assert posts(configured) == 1
    (paid,) = [response for response in responses if not response.cached]
    assert {response.text for response in responses} == {paid.text}
    assert {"".join(parts) for parts in shown} == {paid.text}
    assert [response.billed for response in responses].count(Decimal(0)) == 15
    assert s.ledger.spent.total == paid.cost
    assert sum(bill["calls"] for bill in configured.bill().values()) == 1


def test_a_failure_that_is_shared_is_one(s: Session, stub: Stub) -> None:
    stub.rule("openai", "no_done?words=20&delay=0.02")

    async def run() -> list[Response]:
        return list(await asyncio.gather(*(begin(s, model=[LUNA, OPUS]) for _ in range(6))))

    answers = asyncio.run(run())
    assert [answer.attempts[0].cause for answer in answers] == ["broken answer"] * 6
    assert sum(not answer.attempts[0].shared for answer in answers) == 1
    stats = s.ledger.by_model()
    assert (stats[LUNA].calls, stats[LUNA].success) == (1, 0.0)
    assert (stats[OPUS].calls, stats[OPUS].cached) == (1, 5)
    seen = s._memories.experience.tracks()
    assert (seen[LUNA].calls, seen[LUNA].successes) == pytest.approx((1, 0), abs=0.01)
    assert seen[OPUS].calls == pytest.approx(1, abs=0.01)


def test_who_comes_later_sees_what_had_arrived_and_then_the_rest(s: Session, stub: Stub) -> None:
    stub.rule("*", SLOW)
    first: list[str] = []
    second: list[str] = []
    with concurrent.futures.ThreadPoolExecutor(1) as pool:

        def show(text: str) -> None:
            first.append(text)
            if len(first) == 5:
                later.append(pool.submit(s.ask, "x", model=LUNA, on_text=second.append))

        later: list[concurrent.futures.Future[Response]] = []
        response = s.ask("x", model=LUNA, on_text=show)
        assert later[0].result().text == response.text
    assert "".join(second) == response.text
    assert len(second) > 1
    assert posts(stub) == 1


def test_a_stop_ends_nobody_elses_call_and_the_other_pays(s: Session, stub: Stub) -> None:
    stub.rule("*", SLOW)

    async def run() -> Response:
        first = begin(s)
        await until_asked(stub)
        second = begin(s)
        await asyncio.sleep(0.3)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        return await second

    response = asyncio.run(run())
    assert response.text.startswith(f"echo {digest('x')}")
    assert (response.cached, response.finish) == (False, "stop")
    assert posts(stub) == 1
    assert stub.log()[-1].hung_up is None
    stopped = s.ledger[0].response
    assert stopped is not None
    assert (stopped.finish, stopped.billed) == ("interrupted", Decimal(0))
    assert s.ledger.spent.total == response.cost


def test_the_last_stop_closes_the_connection(s: Session, stub: Stub) -> None:
    stub.rule("*", "hang")

    async def run() -> None:
        calls = [begin(s) for _ in range(3)]
        await until_asked(stub)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    asyncio.run(run())
    stub.wait_idle()
    assert posts(stub) == 1
    assert stub.log()[-1].hung_up is not None
    stub.rule("*", "ok")
    assert not s.ask("x", model=LUNA).cached


def test_anothers_deadline_is_not_mine(s: Session, stub: Stub) -> None:
    stub.rule("*", SLOW)

    async def run() -> Response:
        first = begin(s, deadline=0.4)
        await until_asked(stub)
        second = begin(s)
        with pytest.raises(TimedOut, match="deadline"):
            await first
        return await second

    assert asyncio.run(run()).finish == "stop"
    assert posts(stub) == 1


@pytest.mark.parametrize(
    ("one", "other", "calls"),
    [
        ({"cache": "bypass"}, {"cache": "bypass"}, 2),
        ({}, {"cache": "bypass"}, 2),
        ({}, {"cache": "refresh"}, 2),
        ({"cache": "refresh"}, {"cache": "refresh"}, 1),
        ({}, {"temperature": 0.5}, 2),
        ({}, {"model": OPUS}, 2),
        ({}, {"deadline": 30}, 1),
    ],
)
def test_what_is_shared(
    s: Session, stub: Stub, one: dict[str, Any], other: dict[str, Any], calls: int
) -> None:
    stub.rule("*", SLOW)

    async def run() -> None:
        await asyncio.gather(begin(s, **one), begin(s, **other))

    asyncio.run(run())
    assert posts(stub) == calls


def test_a_failure_is_shared_and_each_goes_on_by_itself(s: Session, stub: Stub) -> None:
    stub.rule("openai", "503")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: s.ask("x", model=[LUNA, OPUS]), range(8)))
    assert {answer.model for answer in answers} == {OPUS}
    assert {answer.trail for answer in answers} == {f"{LUNA} (503) → {OPUS}"}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        failed = [pool.submit(s.ask, "y", model=LUNA) for _ in range(8)]
    assert {type(one.exception()) for one in failed} == {ServerFailed}


@dataclasses.dataclass
class City:
    """A form of an answer."""

    name: str


def test_each_has_the_answer_in_its_own_class(s: Session, stub: Stub) -> None:
    stub.rule("*", 'ok?text={"name": "Rome"}&delay=0.05')

    async def run() -> list[Response]:
        return await asyncio.gather(*(begin(s, schema=City) for _ in range(4)))

    responses = asyncio.run(run())
    assert [response.parsed for response in responses] == [City("Rome")] * 4
    assert posts(stub) == 1
