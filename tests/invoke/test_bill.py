"""One call's money: reserved before it is sent, settled by what came back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from invoke.streams import END, USAGE, stream
from orch_nb.errors import (
    BrokenAnswer,
    BudgetExceeded,
    KeyRefused,
    ProviderError,
    RateLimited,
    Rejected,
    ServerFailed,
    TimedOut,
    Unreachable,
)
from orch_nb.invoke.attempt import Progress, attempt
from orch_nb.invoke.bill import Bill, Charge, estimate
from orch_nb.invoke.worst_case import worst_case
from orch_nb.settings import BudgetSettings, Limits
from orch_nb.store.budget import Budget
from orch_nb.store.tally import Spent, Tally
from orch_nb.types import Delta, Message, ModelCard, Parameters, Prices, Request, Usage

D = Decimal
CARD = ModelCard("a", "m", prices=Prices(D(2), D(10)), max_output=2000)
FREE = replace(CARD, name="free", prices=Prices(D(0), D(0)))
REQUEST = Request((Message("user", "hello"),))
WORST = worst_case(REQUEST, CARD, 2000) or D(0)

Parts = Sequence[str | float | Delta | Exception]


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Budget]:
    def make(**limits: str) -> Budget:
        given = BudgetSettings(**{name: D(limit) for name, limit in limits.items()})
        return Budget(given, lambda: tmp_path, session="one", clock=time.time)

    return make


async def pay(
    bill: Bill,
    parts: Parts,
    card: ModelCard = CARD,
    request: Request = REQUEST,
    *,
    within: float = 60.0,
) -> Charge:
    """One attempt, made as the invoker makes it."""
    progress = Progress(card.id)
    deadline = asyncio.get_running_loop().time() + within
    charging = bill.charge(request, card, progress, deadline)
    async with charging as charge:
        answer = await attempt(stream(parts), progress, Limits(), deadline)
        charge.pay(answer.usage or estimate(answer.text, request))
    return charge


def test_the_worst_case_is_reserved_while_the_answer_comes(made: Callable[..., Budget]) -> None:
    budget = made(session="1")
    seen: list[Spent] = []

    async def watched() -> AsyncGenerator[Delta]:
        seen.append(budget.spent()["session"])
        yield Delta("hi")
        yield END

    async def run() -> None:
        progress = Progress(CARD.id)
        async with Bill(budget).charge(REQUEST, CARD, progress, 1e9) as charge:
            answer = await attempt(watched(), progress, Limits(), 1e9)
            assert answer.usage == USAGE
            charge.pay(answer.usage)

    asyncio.run(run())
    assert seen == [Spent(reserved=WORST)]
    assert budget.spent()["session"] == Spent(known=D(3 * 2 + 2 * 10) / 10**6)


@pytest.mark.parametrize(
    ("parts", "state"),
    [
        (["hi", Delta(finish="stop")], "estimated"),
        (["hi", Delta(usage=Usage(0, 0), finish="stop")], "known"),
        ([ServerFailed("a:m", "x", status=503)], "released"),
        ([RateLimited("a:m", "x", status=429)], "released"),
        ([KeyRefused("a:m", "no key")], "released"),
        ([Unreachable("a:m", "x")], "released"),
        ([ServerFailed("a:m", "said so in the answer")], "unknown"),
        ([TimedOut("a:m", "x")], "unknown"),
        ([Rejected("a:m", "filtered")], "unknown"),
        ([0.001, Delta(""), Unreachable("a:m", "broke")], "unknown"),
        (["  ", BrokenAnswer("a:m", "x")], "estimated"),
        (["hi", Unreachable("a:m", "broke")], "estimated"),
        (["hi"], "estimated"),  # no end mark
    ],
)
def test_what_becomes_of_the_money(made: Callable[..., Budget], parts: Parts, state: str) -> None:
    budget = made(session="1", hour="1")
    with suppress(ProviderError):
        asyncio.run(pay(Bill(budget), parts))
    spent = budget.spent()
    assert spent["session"] == spent["hour"]
    expected = {
        "known": Spent(),
        "released": Spent(),
        "unknown": Spent(unknown=WORST),
        "estimated": Spent(estimated=spent["hour"].estimated),
    }
    assert spent["hour"] == expected[state]
    assert (spent["hour"].estimated > 0) == (state == "estimated")


def test_no_estimate_is_more_than_the_worst_case(made: Callable[..., Budget]) -> None:
    budget = made(session="1")
    with suppress(ProviderError):
        asyncio.run(pay(Bill(budget), ["word " * 9000, BrokenAnswer("a:m", "x")]))
    assert budget.spent()["session"] == Spent(estimated=WORST)


@pytest.mark.parametrize(("parts", "state"), [(["hi", 60.0], "estimated"), ([60.0], "unknown")])
def test_a_stopped_call_is_settled(made: Callable[..., Budget], parts: Parts, state: str) -> None:
    budget = made(session="1")

    async def stopped() -> None:
        task = asyncio.create_task(pay(Bill(budget), parts))
        await asyncio.sleep(0.05)
        assert budget.spent()["session"].reserved == WORST
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(stopped())
    spent = budget.spent()["session"]
    assert spent.reserved == 0
    assert getattr(spent, state) == spent.total > 0


def test_all_attempts_of_a_call_are_one_task(made: Callable[..., Budget]) -> None:
    budget = made(task=str(WORST * 3 / 2))
    bill = Bill(budget)
    with pytest.raises(TimedOut):
        asyncio.run(pay(bill, [TimedOut("a:m", "x")]))
    request = replace(REQUEST, parameters=Parameters(max_tokens=2000))
    with pytest.raises(BudgetExceeded, match=r"budget\.task") as caught:
        asyncio.run(pay(bill, ["hi", END], request=request))
    assert caught.value.spent == WORST
    assert bill.refused == [caught.value]
    asyncio.run(pay(Bill(budget), ["hi", END], request=request))
    assert asyncio.run(pay(bill, ["hi", END], FREE)).card == FREE


def test_a_pipeline_counts_its_calls_together(made: Callable[..., Budget]) -> None:
    budget, run = made(pipeline="0.00004"), Tally("pipeline")
    request = replace(REQUEST, parameters=Parameters(max_tokens=1))
    card = replace(CARD, prices=Prices(D("0.1"), D(10)))
    asyncio.run(pay(Bill(budget, [run]), ["hi", END], card, request))
    asyncio.run(pay(Bill(budget, [run]), ["hi", END], card, request))
    with pytest.raises(BudgetExceeded, match=r"budget\.pipeline"):
        asyncio.run(pay(Bill(budget, [run]), ["hi", END], card, request))
    asyncio.run(pay(Bill(budget, [Tally("pipeline")]), ["hi", END], card, request))


# -- models without a limit of their own


@pytest.mark.parametrize(
    ("limit", "max_output", "sent"),
    [
        ("1", 2000, None),  # its own limit fits: the request stays as it is
        ("1", None, 8192),  # nobody limits it but we
        ("0.05", 100_000, 4900),  # what is left pays for that
        ("1", 1_000_000, 8192),
    ],
)
def test_an_answer_is_bounded_by_what_the_budget_pays(
    made: Callable[..., Budget], limit: str, max_output: int | None, sent: int | None
) -> None:
    budget = made(session=limit)
    card = replace(CARD, max_output=max_output)
    charge = asyncio.run(pay(Bill(budget), ["hi", END], card))
    given = charge.request.parameters.max_tokens
    assert charge.bounded == (sent is not None)
    assert given == (None if sent is None else pytest.approx(sent, rel=0.02))
    assert charge.card is card


def test_without_a_budget_requests_stay_as_they_are(made: Callable[..., Budget]) -> None:
    budget = made()
    charge = asyncio.run(pay(Bill(budget), ["hi", END], replace(CARD, max_output=None)))
    assert charge.request is REQUEST
    assert budget.spent()["session"].known > 0


def test_free_models_are_never_bounded(made: Callable[..., Budget]) -> None:
    budget = made(session="0", task="0")
    assert asyncio.run(pay(Bill(budget), ["hi", END], FREE)).request is REQUEST
    assert budget.spent()["session"] == Spent()


def test_an_answer_too_short_to_be_worth_it_is_not_paid_for(made: Callable[..., Budget]) -> None:
    budget = made(session="0.01")  # pays for less than 1024 tokens
    card = replace(CARD, max_output=None)
    with pytest.raises(BudgetExceeded, match=r"max_tokens=9\d\d would fit"):
        asyncio.run(pay(Bill(budget), ["hi", END], card))
    request = replace(REQUEST, parameters=Parameters(max_tokens=900))
    assert not asyncio.run(pay(Bill(budget), ["hi", END], card, request)).bounded


# -- refusals


def test_a_refusal_names_what_would_fit(made: Callable[..., Budget]) -> None:
    budget = made(session="0.01")

    def others() -> Iterable[ModelCard]:
        small = replace(CARD, name="small", prices=Prices(D("0.1"), D("0.4")))
        return [CARD, replace(small, name="embedding", unranked="no chat model"), small]

    request = replace(REQUEST, parameters=Parameters(max_tokens=1500))
    with pytest.raises(BudgetExceeded) as caught:
        asyncio.run(pay(Bill(budget, others=others), ["hi", END], request=request))
    assert str(caught.value) == (
        "a:m: could cost up to $0.015, and budget.session is $0.010, of which $0 is spent and $0 "
        "reserved; max_tokens=992 or a:small (up to $0.00060) would fit"
    )
    fits = replace(request, parameters=Parameters(max_tokens=992))
    asyncio.run(pay(Bill(budget), ["hi", END], request=fits))


def test_an_unknown_price_is_refused_by_name(made: Callable[..., Budget]) -> None:
    unpriced = replace(CARD, prices=None)
    with pytest.raises(BudgetExceeded, match=r"price is unknown.*a:free \(up to \$0\) would fit"):
        asyncio.run(pay(Bill(made(hour="1"), others=lambda: [FREE]), ["hi", END], unpriced))
    budget = made()
    asyncio.run(pay(Bill(budget), ["hi", END], unpriced))
    assert budget.spent()["session"].unpriced == 1


def test_calls_wait_for_reservations_that_are_settled_for_less(
    made: Callable[..., Budget],
) -> None:
    budget = made(session=str(WORST * 2))

    async def all_at_once() -> None:
        calls = [pay(Bill(budget), ["hi", 0.02, END]) for _ in range(12)]
        charges = await asyncio.gather(*calls)
        assert not any(charge.bounded for charge in charges)

    asyncio.run(all_at_once())
    assert budget.spent()["session"] == Spent(known=12 * CARD_COST)


def test_nobody_waits_past_the_deadline(made: Callable[..., Budget]) -> None:
    budget = made(session=str(WORST))
    budget.reserve(WORST, model="b:m")
    with pytest.raises(BudgetExceeded) as caught:
        asyncio.run(pay(Bill(budget), ["hi", END], within=0.05))
    assert caught.value.reserved == WORST


CARD_COST = CARD.prices.charge(USAGE) if CARD.prices else D(0)
