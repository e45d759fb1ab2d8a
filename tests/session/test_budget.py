"""What a session may spend: over sockets, with the server's own bill beside ours."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from decimal import Decimal

import pytest

from orch_nb import Session
from orch_nb.errors import AllFailed, BudgetExceeded, Interrupted, OrchError, ServerFailed
from orch_nb.store.tally import Spent
from session.conftest import Open
from session.test_asking import LUNA, OPUS, SOL, asked
from session.test_ending import SLOW, stop_when
from stub.client import Stub

D = Decimal
# gpt-6.1-sol's list price, dollars per million tokens
INPUT, OUTPUT = 2, 10


def billed(stub: Stub) -> Decimal:
    """Dollars that the server charged for `SOL`."""
    bill = stub.bill().get(SOL, {"input": 0, "output": 0})
    return D(bill["input"] * INPUT + bill["output"] * OUTPUT) / 10**6


def spent(session: Session) -> Spent:
    return session.budget.spent()["session"]


def test_what_is_spent_is_the_servers_bill(configured: Stub, open_session: Open) -> None:
    s = open_session(budget={"session": 1, "hour": 2})
    for number in range(3):
        s.ask(f"prompt {number}", model=SOL)
    assert spent(s) == Spent(known=billed(configured))
    assert s.budget.spent()["hour"] == spent(s)
    assert s.ledger.spent.known == billed(configured) > 0
    assert s.budget.left() == 1 - billed(configured)


def test_64_calls_at_once_never_pass_the_limit(configured: Stub, open_session: Open) -> None:
    limit = D("0.0201")
    s = open_session(budget={"session": limit})
    seen: list[Decimal] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.002):
            seen.append(spent(s).total)

    async def ask() -> list[object]:
        calls = (s.aask(f"prompt {n}", model=SOL, max_tokens=900) for n in range(64))
        return list(await asyncio.gather(*calls, return_exceptions=True))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        results = asyncio.run(ask())
    finally:
        over.set()
        watcher.join()
    refused = [result for result in results if isinstance(result, Exception)]
    assert all(isinstance(error, BudgetExceeded) for error in refused)
    assert len(refused) < 64
    assert 0 < max(seen) <= limit
    assert spent(s) == Spent(known=billed(configured))


def test_with_0_only_free_models_answer(configured: Stub, open_session: Open) -> None:
    rows = {"here": {"type": "compatible", "base_url": configured.url("here", "/v1")}}
    free = {"here:free": {"price": {"input": 0, "output": 0}}}
    s = open_session(budget={"session": 0}, providers=rows, models=free)
    with pytest.raises(BudgetExceeded, match=r"budget\.session is \$0.*here:free \(up to \$0\)"):
        s.ask("x", model=SOL)
    response = s.ask("x", model=[SOL, "here:free"])
    assert response.trail == f"{SOL} (over budget) → here:free"
    assert asked(configured) == ["here:free"]


def test_the_next_model_that_fits_is_asked(configured: Stub, open_session: Open) -> None:
    s = open_session(budget={"task": D("0.02")})
    response = s.ask("x", model=[OPUS, LUNA], max_tokens=1500)
    assert response.trail == f"{OPUS} (over budget) → {LUNA}"
    assert asked(configured) == [LUNA]


def test_when_none_fits_the_error_says_what_would(configured: Stub, open_session: Open) -> None:
    s = open_session(budget={"task": D("0.001")})
    with pytest.raises(BudgetExceeded) as caught:
        s.ask("x", model=[OPUS, SOL], max_tokens=3000)
    assert caught.value.model == OPUS
    assert "budget.task is $0.0010, of which $0 is spent" in str(caught.value)
    assert "would fit" in str(caught.value)
    assert asked(configured) == []
    record = s.ledger.last
    assert record is not None
    assert [attempt.cause for attempt in record.attempts] == ["over budget"] * 2


def test_an_answer_is_bounded_by_what_is_left(configured: Stub, open_session: Open) -> None:
    s = open_session(budget={"task": D("0.05")})
    s.ask("x", model=SOL)
    (entry,) = configured.log()
    assert 4000 < entry.body["max_tokens"] < 5000


def test_an_answer_that_the_budget_cut_is_not_kept(configured: Stub, open_session: Open) -> None:
    configured.rule("openai", "length")
    s = open_session(budget={"task": D("0.05")})
    assert s.ask("x", model=SOL).finish == "length"
    assert not s.ask("x", model=SOL).cached
    configured.rule("openai", "ok")
    whole = s.ask("x", model=SOL)
    s.change(budget={"task": 0})
    kept = s.ask("x", model=SOL)  # costs nothing any more
    assert (kept.cached, kept.text) == (True, whole.text)


def test_attempts_that_were_not_billed_are_released(configured: Stub, open_session: Open) -> None:
    s = open_session(budget={"session": 1}, retries=2)
    configured.rule("openai", "500")
    with pytest.raises(ServerFailed):
        s.ask("x", model=SOL, deadline=5)
    assert spent(s) == Spent()


@pytest.mark.parametrize(("fault", "state"), [(SLOW, "estimated"), ("hang", "unknown")])
def test_a_stop_settles_what_it_stopped(
    configured: Stub, open_session: Open, fault: str, state: str
) -> None:
    s = open_session(budget={"session": 1})
    configured.rule("openai", fault)
    ready = threading.Event()

    def watch() -> None:
        while not configured.stats().inflight and not ready.wait(0.01):
            pass
        if fault == "hang":
            ready.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    with stop_when(ready), pytest.raises(Interrupted):
        s.ask("x", model=SOL, max_tokens=1000, on_text=lambda _: ready.set())
    watcher.join()
    assert spent(s).reserved == 0
    assert getattr(spent(s), state) == spent(s).total > 0


def test_an_unknown_price_is_refused_unless_allowed(configured: Stub, open_session: Open) -> None:
    rows = {"here": {"type": "compatible", "base_url": configured.url("here", "/v1")}}
    s = open_session(budget={"hour": 1}, providers=rows)
    with pytest.raises(BudgetExceeded, match="price is unknown"):
        s.ask("x", model="here:any")
    s.change(budget={"unpriced": "allow"})
    assert s.ask("x", model="here:any").cost is None
    assert spent(s).unpriced == 1


def test_a_changed_budget_holds_at_once_and_connects_nothing(s: Session) -> None:
    s.ask("x", model=SOL)
    connections = s.connections
    s.change(budget={"session": 0})
    assert s.connections is connections
    with pytest.raises((BudgetExceeded, AllFailed)):
        s.ask("y", model=SOL)
    s.change(budget={"session": None})
    assert s.ask("y", model=SOL).billed


def test_the_hour_is_that_of_all_sessions(configured: Stub, open_session: Open) -> None:
    first, second = (open_session(budget={"hour": D("0.02")}) for _ in range(2))
    response = first.ask("x", model=SOL, max_tokens=1000)
    while (hour := second.budget.spent()["hour"]).reserved:
        assert hour.total > billed(configured)  # its worst case, for a moment
    assert hour.known == response.cost == billed(configured)
    assert second.budget.spent()["session"] == Spent()


@pytest.mark.parametrize("end", ["s.close()", "del s", "pass"])
def test_a_session_that_ends_has_written_what_it_spent(
    configured: Stub, open_session: Open, end: str
) -> None:
    config = {"budget": {"hour": 1, "session": 1}}
    code = f"""
from orch_nb import Session
s = Session({config!r})
for number in range(5):
    s.ask(str(number), model={SOL!r}, cache="bypass")
{end}
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
    assert open_session(**config).budget.spent()["hour"] == Spent(known=billed(configured))


@pytest.mark.parametrize("period", ["task", "session", "hour"])
def test_each_period_refuses_by_its_name_and_names_the_cheaper_route(
    configured: Stub, open_session: Open, period: str
) -> None:
    s = open_session(budget={period: D("0.0201")})
    s.models()
    s.ask("first", model=SOL, max_tokens=500)
    with pytest.raises(BudgetExceeded) as caught:
        s.ask("x", model=SOL, max_tokens=2100)
    error = caught.value
    assert error.period == period
    assert f"budget.{period} is $0.020" in str(error)
    assert "max_tokens=" in str(error)
    tokens = int(str(error).partition("max_tokens=")[2].split()[0])
    assert s.ask("x", model=SOL, max_tokens=tokens).finish == "stop"
    with pytest.raises(BudgetExceeded, match=f"{LUNA} \\(up to "):
        s.ask("y", model=OPUS, max_tokens=1900)


def test_a_task_is_a_call_with_its_retries_and_those_after_it_start_anew(
    configured: Stub, open_session: Open
) -> None:
    s = open_session(budget={"task": D("0.03")}, retries=2)
    configured.rule("openai", "no_done?words=900")
    with pytest.raises(OrchError, match=r"no end mark|budget\.task"):
        s.ask("x", model=SOL, max_tokens=2000)
    record = s.ledger.last
    assert record is not None
    assert spent(s).total <= D("0.03")
    configured.rule("openai", "ok")
    assert s.ask("y", model=SOL, max_tokens=2000).finish == "stop"


def test_earlier_calls_of_the_hour_count_when_its_limit_is_set(s: Session) -> None:
    before = sum(s.ask(f"{number}", model=SOL, max_tokens=500).cost or 0 for number in range(3))
    s.change(budget={"hour": before + D("0.001")})
    assert s.budget.spent()["hour"].known == before
    with pytest.raises(BudgetExceeded, match=r"budget\.hour"):
        s.ask("x", model=SOL, max_tokens=500)
    assert s.ask("x", model=SOL, max_tokens=50).finish == "stop"
