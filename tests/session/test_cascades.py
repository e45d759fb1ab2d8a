"""Cascades from the prompt to the bill, against a provider whose models differ."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from decimal import Decimal

import pytest

from orch_nb import Session
from orch_nb.errors import (
    AllFailed,
    InputError,
    Interrupted,
    ProviderError,
    SelectionError,
    UnknownNameError,
)
from session.test_ending import SLOW, stop_when
from stub.client import Stub
from stub.spec import write

PRICES = {"mini": 0.1, "nano": 0.1, "grand": 10.0}


def settings(stub: Stub, **more: object) -> dict[str, object]:
    rows = {"a": {"type": "compatible", "base_url": stub.url("a", "/v1"), "max_retries": 0}}
    qualities = {"mini": 0.6, "nano": 0.5, "grand": 0.9}
    kinds = ("chat", "math", "code", "reasoning", "extraction")
    models = {
        f"a:{name}": {
            "price": {"input": price, "output": price},
            "quality": dict.fromkeys(kinds, qualities[name]),
            "capabilities": ["json"],
        }
        for name, price in PRICES.items()
    }
    return {"providers": rows, "models": models, "probe": False, "strategy": "cascade", **more}


@pytest.fixture
def session(stub: Stub) -> Iterator[Session]:
    stub.models("a", list(PRICES))
    with Session(settings(stub)) as session:
        yield session


def says(stub: Stub, **texts: str) -> None:
    for model, text in texts.items():
        stub.rule("a", write("ok", text=text), model=model)


def asked(stub: Stub) -> list[str]:
    return [entry.model for entry in stub.log() if entry.wire == "chat"]


QUESTION = "What is 6 * 7? Reply with the number only."


def test_two_drafts_that_agree_are_enough(session: Session, stub: Stub) -> None:
    says(stub, mini="42", nano="The answer is 42.", grand="43")
    response = session.ask(QUESTION, task="reasoning")
    assert (response.text, response.model) == ("42", "a:mini")
    assert sorted(asked(stub)) == ["mini", "nano"]
    assert [attempt.cause for attempt in response.attempts] == ["agreed", "agreed"]


def test_two_that_disagree_are_both_paid_and_shown(session: Session, stub: Stub) -> None:
    says(stub, mini="41", nano="42", grand="43")
    shown: list[str] = []
    response = session.ask(QUESTION, task="reasoning", on_text=shown.append)
    assert (response.text, response.model, "".join(shown)) == ("43", "a:grand", "43")
    assert response.trail == "a:mini (drafts disagree) → a:nano (drafts disagree) → a:grand"
    costs = [attempt.cost for attempt in response.attempts]
    assert None not in costs
    assert response.billed == sum(cost for cost in costs if cost is not None)
    tokens = stub.bill()
    expected = sum(
        Decimal(str(PRICES[name])) * (tokens[f"a:{name}"]["input"] + tokens[f"a:{name}"]["output"])
        for name in PRICES
    )
    assert response.billed == expected / 1_000_000
    by_model = session.ledger.by_model()
    assert {model: stats.cost for model, stats in by_model.items()} == {
        attempt.model: attempt.cost for attempt in response.attempts
    }
    assert session.ledger.spent.known == response.billed


def test_a_cascade_is_cached_as_a_whole(session: Session, stub: Stub) -> None:
    says(stub, mini="41", nano="42", grand="43")
    first = session.ask(QUESTION, task="reasoning")
    again = session.ask(QUESTION, task="reasoning")
    assert (again.cached, again.billed, again.cost) == (True, 0, first.cost)
    assert len(asked(stub)) == 3


def test_a_draft_is_shown_only_when_it_holds(session: Session, stub: Stub) -> None:
    says(stub, mini="42", nano="42")
    shown: list[str] = []
    session.ask(QUESTION, task="reasoning", on_text=shown.append)
    assert "".join(shown) == "42"


def test_a_function_checks_the_draft(session: Session, stub: Stub) -> None:
    says(stub, mini="no idea", grand="Paris")
    response = session.ask("The capital of France?", check=lambda text: "Paris" in text)
    assert (response.model, asked(stub)) == ("a:grand", ["mini", "grand"])
    assert "says false" in (response.attempts[0].cause or "")


def test_a_check_that_raises_ends_the_call_in_one_line(session: Session, stub: Stub) -> None:
    says(stub, mini="no idea")

    def broken(text: str) -> bool:
        return bool(1 / len(text[:0]))

    with pytest.raises(InputError, match="the check broken raised ZeroDivisionError"):
        session.ask("The capital of France?", check=broken)
    assert asked(stub) == ["mini"]
    last = session.ledger.last
    assert last is not None
    assert [attempt.cost is not None for attempt in last.attempts] == [True]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot limit a child process")
def test_assertions_run_the_drafts_code_elsewhere(session: Session, stub: Stub) -> None:
    wrong = "```python\ndef double(x):\n    return x + 3\n```"
    right = "```python\ndef double(x):\n    return 2 * x\n```"
    says(stub, mini=wrong, grand=right)
    response = session.ask("Write double(x).", task="code", check="assert double(2) == 4")
    assert response.text == right
    says(stub, mini=right)
    response = session.ask("Write double(x)!", task="code", check=["assert double(2) == 4"])
    assert (response.text, response.model) == (right, "a:mini")


def test_a_verifier_judges_a_long_answer(session: Session, stub: Stub) -> None:
    says(stub, mini="A long story. " * 30, nano="no", grand="A better story.")
    response = session.ask("Tell me a story about a fox.", task="chat")
    assert response.text == "A better story."
    says(stub, nano="yes")
    response = session.ask("Tell me a story about a hare.", task="chat")
    assert response.model == "a:mini"


def test_the_models_of_a_cascade_can_be_named(session: Session, stub: Stub) -> None:
    says(stub, mini="1", nano="2", grand="3")
    response = session.ask(
        QUESTION, model=["a:nano", "a:grand"], check=lambda text: text == "2", strategy="cascade"
    )
    assert (response.text, asked(stub)) == ("2", ["nano"])
    with pytest.raises(InputError, match="two or three models"):
        session.ask(QUESTION, model="a:nano", strategy="cascade")


def test_a_named_model_outweighs_the_sessions_strategy(session: Session, stub: Stub) -> None:
    says(stub, nano="2")
    assert session.strategy == "cascade"
    response = session.ask(QUESTION, model="a:nano")
    assert (response.model, response.decision.source) == ("a:nano", "explicit model")


def test_max_cost_holds_for_the_whole(session: Session, stub: Stub) -> None:
    says(stub, mini="41", nano="42", grand="43")
    whole = session.select(QUESTION, task="reasoning")
    grand = next(c for c in whole.ranking if c.model == "a:grand").estimate.cost
    assert grand is not None
    # The strong model alone would fit, its drafts with it not: there is no cascade then.
    response = session.ask(QUESTION, task="reasoning", max_cost=grand)
    assert response.decision.cascade is None
    assert response.billed is not None
    assert response.billed <= grand
    # What was expected to fit no longer does, as the drafts have written more.
    says(stub, mini="41 " * 9000, nano="42 " * 9000)
    limit = grand * Decimal("1.1")
    response = session.ask(f"{QUESTION}!", task="reasoning", max_cost=limit, check=lambda _: False)
    assert "max_cost leaves" in response.decision.notice
    assert "grand" not in asked(stub)


def test_a_draft_that_fails_is_no_end(session: Session, stub: Stub) -> None:
    stub.rule("a", "500", model="mini")
    says(stub, nano="42", grand="42")
    response = session.ask(QUESTION, task="reasoning")
    assert response.model == "a:grand"
    assert response.trail.startswith("a:mini (500) → a:nano (a draft failed) → ")


def test_a_draft_stands_in_for_a_strong_one_that_fails_and_says_so(
    session: Session, stub: Stub
) -> None:
    says(stub, mini="41", nano="42")
    stub.rule("a", "500", model="grand")
    response = session.ask(QUESTION, task="reasoning")
    assert response.text == "41"
    assert "could not be confirmed" in response.decision.notice
    session.change(fallback="fail")
    with pytest.raises(ProviderError):
        session.ask(QUESTION, task="reasoning", cache="bypass")


def test_a_stop_in_the_strong_one_is_billed_with_its_drafts(session: Session, stub: Stub) -> None:
    says(stub, mini="41", nano="42")
    stub.rule("a", SLOW, model="grand")
    ready = threading.Event()
    with stop_when(ready), pytest.raises(Interrupted) as caught:
        session.ask(QUESTION, task="reasoning", on_text=lambda _: ready.set())
    partial, last = caught.value.response, session.ledger.last
    assert partial is not None
    assert last is not None
    costs = [attempt.cost for attempt in last.attempts]
    assert [attempt.model for attempt in last.attempts] == ["a:mini", "a:nano", "a:grand"]
    assert None not in costs
    total = sum(cost for cost in costs if cost is not None)
    assert partial.billed == total
    assert session.ledger.spent.total == session.budget.spent()["session"].total == total


def test_when_all_fail_all_are_named(session: Session, stub: Stub) -> None:
    stub.rule("a", "500")
    with pytest.raises(AllFailed) as caught:
        session.ask(QUESTION, task="reasoning")
    assert {"a:mini", "a:nano", "a:grand"} == {attempt.model for attempt in caught.value.attempts}


def test_without_a_strong_model_another_strategy_chooses_and_says_so(stub: Stub) -> None:
    stub.models("a", ["mini"])
    rows = settings(stub, models={})
    with Session(rows) as session:
        decision = session.select(QUESTION)
        assert decision.cascade is None
        assert "no cascade" in decision.notice
        with pytest.raises(SelectionError, match="there is no draft to check"):
            session.ask(QUESTION, check=lambda _: True)
    assert asked(stub) == []


def test_a_verifier_may_be_a_bare_name_and_a_wrong_one_is_named(
    session: Session, stub: Stub
) -> None:
    says(stub, mini="A story.", nano="yes")
    response = session.ask("Tell me a story.", task="chat", verifier="nano")
    assert (response.model, sorted(asked(stub))) == ("a:mini", ["mini", "nano"])
    for name in ("nona", "b:nano"):
        with pytest.raises(UnknownNameError, match=f"unknown model '{name}'"):
            session.ask("Tell me another.", task="chat", verifier=name)
    with pytest.raises(SelectionError, match="or with who judges it no less"):
        session.ask("Tell me another.", task="chat", verifier="a:grand")


def test_a_limit_that_leaves_no_cascade_is_named(session: Session) -> None:
    decision = session.select(QUESTION, task="reasoning", max_cost=0.001)
    assert decision.notice == (
        "no cascade within max_cost ($0.0010) is known to be cheaper here, so balanced chose"
    )


def test_a_cascade_that_needs_what_no_model_has_says_so(session: Session) -> None:
    session.tool("look", needs=["vision"])
    with pytest.raises(SelectionError, match="cannot do vision"):
        session.ask("hi", tool="look")
