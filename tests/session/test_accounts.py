"""However a call ends: report, ledger, budget and spend file say the same, to the nano-dollar."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from decimal import Decimal
from math import ceil
from pathlib import Path
from random import Random

import pytest

from orch_nb import Response, Session
from orch_nb.errors import AllFailed, ProviderError, TimedOut
from orch_nb.store.account import Spend
from orch_nb.store.tally import Spent
from orch_nb.types import total_cost
from session.conftest import Open
from session.test_asking import LUNA, SOL
from stub.client import Stub

#: A server of ours, so that a token costs a fraction of a nano-dollar.
CHEAP, OTHER = "here:cheap", "here:other"
PRICES = {
    CHEAP: {"price": {"input": Decimal("0.0375"), "output": Decimal("0.1503")}},
    OTHER: {"price": {"input": Decimal("0.0007"), "output": Decimal("0.0011")}},
}
SLOW = "ok?words=200&delay=0.02"

Sums = tuple[Decimal, Decimal, Decimal]


class Caller:
    """Asks in every way there is; each call has a prompt of its own."""

    def __init__(self, s: Session, stub: Stub) -> None:
        self._s, self._stub, self._asked = s, stub, 0

    def _prompt(self) -> str:
        self._asked += 1
        return f"What is {self._asked} + 2?"

    def _behave(self, cheap: str, others: str = "ok") -> None:
        self._stub.rule("*", others)
        self._stub.rule("here", cheap, model="cheap")

    async def _asked_for(self, *models: str, **options: object) -> Response:
        return await self._s.aask(self._prompt(), model=list(models), max_tokens=400, **options)  # type: ignore[arg-type]

    async def _stopped(
        self, ready: Callable[[], Awaitable[bool]], *models: str, **options: object
    ) -> None:
        call = asyncio.create_task(self._asked_for(*models, **options))
        while not await ready():
            assert not call.done()
            await asyncio.sleep(0.01)
        await self._cancelled(call)

    async def _cancelled(self, call: asyncio.Task[Response]) -> None:
        recorded = len(self._s.ledger)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        while len(self._s.ledger) == recorded:
            await asyncio.sleep(0.01)

    def _posts(self) -> int:
        return sum(entry.method == "POST" for entry in self._stub.log())

    async def _busy(self) -> bool:
        return bool((await asyncio.to_thread(self._stub.stats)).inflight)

    async def answered(self) -> None:
        self._behave("ok")
        assert (await self._asked_for(CHEAP)).usage.source == "known"

    async def uncounted(self) -> None:
        self._behave("no_usage")
        assert (await self._asked_for(CHEAP)).usage.source == "estimated"

    async def retried_after_text(self) -> None:
        self._stub.plan("here", "close_mid?after=3", "ok")
        response = await self._asked_for(CHEAP)
        first, last = response.attempts
        assert first.error
        assert first.usage is not None
        assert first.usage.source == "estimated"
        assert response.billed == (first.cost or 0) + (last.cost or 0) > (response.cost or 0) > 0

    async def fell_back(self) -> None:
        self._behave("err_mid?after=4")
        assert (await self._asked_for(CHEAP, SOL)).model == SOL

    async def refused_then_answered(self) -> None:
        self._behave("429")
        assert (await self._asked_for(CHEAP, OTHER)).model == OTHER

    async def hung_then_answered(self) -> None:
        self._behave("hang")
        assert (await self._asked_for(CHEAP, OTHER, deadline=20)).model == OTHER

    async def all_failed(self) -> None:
        self._behave("no_done", "close_mid?after=2")
        with pytest.raises((AllFailed, ProviderError)):
            await self._asked_for(CHEAP, LUNA)

    async def stopped_before_text(self) -> None:
        self._behave("hang")
        await self._stopped(self._busy, CHEAP)

    async def stopped_in_the_answer(self) -> None:
        self._behave(SLOW)

        async def late() -> bool:
            await asyncio.sleep(0.3)
            return await self._busy()

        await self._stopped(late, CHEAP)

    async def timed_out(self) -> None:
        self._behave("hang_mid?after=3")
        with pytest.raises((TimedOut, AllFailed)):
            await self._asked_for(CHEAP, deadline=0.5)

    async def kept(self) -> None:
        self._behave("ok")
        prompt = self._prompt()
        first = await self._s.aask(prompt, model=CHEAP)
        again = await self._s.aask(prompt, model=CHEAP)
        assert again.cached
        assert (again.billed, again.cost) == (Decimal(0), first.cost)

    async def failed_and_found(self) -> None:
        self._behave("ok")
        prompt = self._prompt()
        await self._s.aask(prompt, model=OTHER)
        self._behave("no_done")
        again = await self._s.aask(prompt, model=[CHEAP, OTHER])
        assert again.cached
        assert again.billed == total_cost(again.attempts[:-1]) != 0

    async def shared(self) -> None:
        self._behave("ok?words=20&delay=0.02")
        prompt = self._prompt()
        calls = [self._s.aask(prompt, model=CHEAP) for _ in range(4)]
        answers = await asyncio.gather(*calls)
        assert sorted(answer.billed != 0 for answer in answers) == [False] * 3 + [True]

    async def shared_failure(self) -> None:
        self._behave("no_done?words=20&delay=0.02")
        prompt = self._prompt()
        calls = [self._s.aask(prompt, model=[CHEAP, OTHER]) for _ in range(4)]
        before = self._posts()
        made = [a for answer in await asyncio.gather(*calls) for a in answer.attempts]
        paid = [attempt for attempt in made if attempt.usage]
        assert len(paid) == sum(not attempt.shared for attempt in made) == self._posts() - before
        assert len(paid) < len(made)

    async def left_to_another(self) -> None:
        self._behave(SLOW)
        prompt = self._prompt()
        calls = [asyncio.create_task(self._s.aask(prompt, model=CHEAP)) for _ in range(2)]
        while not await self._busy():
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        await self._cancelled(calls[0])
        assert (await calls[1]).billed

    async def cascade(self) -> None:
        self._behave("ok?text=4", "no_usage?text=5")
        response = await self._asked_for(CHEAP, OTHER, SOL, strategy="cascade")
        assert response.model == SOL
        assert len([attempt for attempt in response.attempts if attempt.usage]) == 3

    async def stopped_cascade(self) -> None:
        self._behave("ok?text=4", "ok?text=5")
        self._stub.rule("openai", SLOW)

        before = self._stub.stats("openai").requests

        async def escalated() -> bool:
            await asyncio.sleep(0.2)
            now = await asyncio.to_thread(self._stub.stats, "openai")
            return now.requests > before

        await self._stopped(escalated, CHEAP, OTHER, SOL, strategy="cascade")

    async def unpriced(self) -> None:
        self._behave("ok")
        assert (await self._asked_for("here:nobody-knows")).billed is None


#: After these, what is known is what the server charged.
EXACT = ("answered", "refused_then_answered", "kept", "shared")
WAYS = [name for name in vars(Caller) if not name.startswith("_")]


def charged(stub: Stub) -> Decimal:
    """Dollars that the server charged for the models of its own, in whole nano-dollars."""
    nano = 0
    for entry in stub.log("here"):
        price = PRICES.get(f"here:{entry.model}", {}).get("price")
        if price is not None:
            cost = entry.billed_input * price["input"]
            cost += entry.billed_output * price["output"]
            nano += ceil(cost * 1000)
    return Decimal(nano) / 10**9


def of_budget(spent: Spent) -> Sums:
    assert spent.reserved == 0
    return spent.known, spent.estimated, spent.unknown


def of_calls(spent: Spend) -> Sums:
    return spent.known, spent.estimated, spent.unknown


def of_file(key: str) -> Sums:
    with closing(sqlite3.connect(Path(os.environ["ORCH_HOME"]) / "spend.sqlite")) as file:
        rows = dict(file.execute(f"SELECT state, amount FROM total WHERE key {key}"))
    assert rows.pop("reserved", 0) == 0
    known, estimated, unknown = (
        Decimal(rows.get(state, 0)) / 10**9 for state in ("known", "estimated", "unknown")
    )
    return known, estimated, unknown


def of_frame(s: Session) -> Sums:
    frame = s.ledger.to_pandas()
    known, estimated, unknown = (
        Decimal(round(sum(frame[column]) * 10**9)) / 10**9
        for column in ("known", "estimated", "unknown_cost")
    )
    return known, estimated, unknown


def agreed(s: Session) -> Sums:
    """What all accounts of a session say that it has spent."""
    sums = of_budget(s.budget.spent()["session"])
    accounts = {
        "hour": of_budget(s.budget.spent()["hour"]),
        "report": of_calls(s.report().spent),
        "ledger": of_calls(s.ledger.spent),
        "calls on disk": of_calls(s.ledger.history().spent),
        "frame": of_frame(s),
        "file": of_file("<> 'hour'"),
        "hour of the file": of_file("= 'hour'"),
    }
    assert accounts == dict.fromkeys(accounts, sums)
    return sums


def test_all_accounts_agree_however_calls_end(configured: Stub, open_session: Open) -> None:
    here = {"type": "compatible", "base_url": configured.url("here", "/v1"), "max_retries": 1}
    s = open_session(
        providers={"here": here},
        models=PRICES,
        budget={"session": 10, "hour": 10, "unpriced": "allow"},
        breaker="off",
        limits={"first_token": 2},
    )
    s.models()
    random, caller = Random(5), Caller(s, configured)
    ways = [*WAYS, *random.choices(WAYS, k=4)]
    random.shuffle(ways)
    sums = (Decimal(0),) * 3
    for way in ways:
        before, bill = sums, charged(configured)
        asyncio.run(getattr(caller, way)())
        sums = agreed(s)
        if way in EXACT:
            assert sums[0] - before[0] == charged(configured) - bill > 0
    assert all(sums)
    assert s.budget.spent()["session"].unpriced == ways.count("unpriced")
