"""Limits, instances and changes for a while, against a provider that answers."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass

import pytest

from orch_nb import Session
from orch_nb.errors import InputError, SelectionError, UnknownNameError
from orch_nb.routing.estimates import Estimates
from orch_nb.routing.strategies import Table
from orch_nb.types import Observation
from session.choices import PRICES, settings
from stub.client import Stub


@dataclass
class Point:
    x: float


def test_each_limit_changes_who_answers(session: Session) -> None:
    assert session.ask("hi", strategy="task").model == "a:large"
    assert session.ask("hi", strategy="task", max_cost=0.001).model == "a:small"
    assert session.ask("hi", strategy="cost").model == "a:small"
    assert session.ask("hi", strategy="cost", min_quality=0.5).model == "a:large"
    assert session.ask("hi", strategy="cost", provider="b").model == "b:small"
    assert session.ask("hi", strategy="cost", exclude=["a", "b:small"]).model == "b:large"


def test_a_limit_holds_for_a_named_model_too(session: Session, stub: Stub) -> None:
    with pytest.raises(SelectionError, match=r"max_cost=0\.\d+ would admit a:large"):
        session.ask("hi", model="a:large", max_cost=0.000001)
    assert not [entry for entry in stub.log() if entry.wire == "chat"]


def test_a_known_prompt_is_read_anew_with_something_else_beside_it(session: Session) -> None:
    prompt = "Say it again"
    plain = session.select(prompt).profile
    assert session.select(prompt, max_tokens=7).profile.longest == 7
    assert session.select(prompt, task="code").profile.kind == "code"
    longer = session.select(prompt, system="word " * 100).profile
    assert longer.input_tokens > plain.input_tokens + 50
    assert session.select(prompt, schema=Point).profile.needs == {"json"}
    assert session.select(prompt).profile == plain


def test_when_no_model_fits_each_says_why_and_the_nearest_limit_is_named(session: Session) -> None:
    with pytest.raises(SelectionError) as caught:
        session.ask("hi", max_latency=0.01)
    assert {row.model for row in caught.value.rejected} >= {"a:small", "b:large"}
    assert "max_latency is 0.01 s" in str(caught.value)
    assert "would admit" in str(caught.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"max_cost": -1}, "max_cost must be dollars of at least 0"),
        ({"max_cost": float("nan")}, "max_cost must be dollars of at least 0"),
        ({"max_cost": "cheap"}, "max_cost must be dollars, not str"),
        ({"min_quality": 2}, "min_quality must be between 0 and 1"),
        ({"max_latency": -1}, "max_latency must be at least 0"),
        ({"local": "yes"}, "local must be True or False"),
        ({"provider": "c"}, "unknown provider 'c'; did you mean|choose from a, b"),
        ({"exclude": "gpt-17"}, "unknown provider or model 'gpt-17'"),
        ({"tool": "sqk"}, "unknown tool 'sqk'"),
        ({"task": "cooking"}, "unknown task 'cooking'"),
        ({"strategy": "cost,cheep"}, "unknown strategy 'cheep'"),
        ({"check": 5}, "check must be a function of the answer, or assertions"),
        ({"check": len, "strategy": "cost"}, "belong to the strategy cascade, not to cost"),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(
    session: Session, stub: Stub, options: dict[str, object], said: str
) -> None:
    with pytest.raises((InputError, UnknownNameError), match=said):
        session.ask("hi", **options)  # type: ignore[arg-type]
    assert not [entry for entry in stub.log() if entry.wire == "chat"]


def test_a_change_for_a_while(session: Session) -> None:
    session.change(fallback="fail")
    with session.using(strategy="cost"):
        assert session.select("hi").best.model == "a:small"
        session.change(stream=False)
    assert session.strategy == "balanced"
    assert (session.settings.fallback, session.settings.stream) == ("fail", False)
    with pytest.raises(UnknownNameError), session.using(strategy="nonsense"):
        pass
    assert session.strategy == "balanced"


def test_a_moved_weight_changes_the_next_choice(session: Session) -> None:
    session.change(strategy="weighted", weights={"cost": 1, "quality": 0, "speed": 0})
    assert session.select("hi").best.model == "a:small"
    session.change(weights={"cost": 0, "quality": 1, "speed": 0})
    assert session.select("hi").best.model == "a:large"


def test_instances_take_turns(session: Session) -> None:
    asked = [session.ask("hi", strategy="round_robin", model="small").model for _ in range(10)]
    assert asked == ["a:small", "b:small"] * 5
    free = [session.ask("hi", strategy="round-robin").model for _ in range(4)]
    assert free == ["a:small", "b:small"] * 2


def test_what_is_remembered_changes_the_choice_in_a_second_session_too(
    session: Session, stub: Stub
) -> None:
    assert session.select("hi", strategy="task").best.model == "a:large"
    at = time.time()
    for _ in range(60):
        session.remember(Observation(at, "a:large", "chat", "rating", quality=0.0))
    assert session.select("hi", strategy="task").best.model == "b:large"
    session.close()
    with Session(settings(stub)) as second:
        assert second.select("hi", strategy="task").best.model == "b:large"


def test_a_chain_of_strategies_says_which_one_chose(stub: Stub) -> None:
    stub.models("a", list(PRICES))
    rows = settings(stub, models={"a:small": {"price": {"input": 1, "output": 1}}})
    with Session(rows) as session:
        decision = session.select("hi", strategy="task,cost")
        assert (decision.strategy, decision.best.model) == ("cost", "a:small")
        assert decision.notice == "task found no model, so cost chose"
        assert session.select("hi", strategy="fallback").strategy == "cost"


@pytest.mark.parametrize("fallback", ["best", "cheapest", "fail"])
def test_when_no_model_qualifies(stub: Stub, fallback: str) -> None:
    stub.models("a", list(PRICES))
    with Session(settings(stub, models={}, fallback=fallback)) as session:
        if fallback == "fail":
            with pytest.raises(SelectionError, match="its price is not known") as caught:
                session.select("hi", strategy="cost")
            assert {"a:large", "a:small"} <= {row.model for row in caught.value.rejected}
            return
        decision = session.select("hi", strategy="cost")
        assert f"cost found no model that qualifies; fallback is {fallback}" in decision.notice


@pytest.mark.parametrize(("left", "model"), [(0, "a:free"), (0.001, "a:small"), (1, "a:large")])
def test_what_the_budget_leaves_decides_who_may_be_chosen(
    stub: Stub, left: float, model: str
) -> None:
    stub.models("a", [*PRICES, "free"])
    stated = settings(stub)["models"]
    assert isinstance(stated, dict)
    free = {"price": {"input": 0, "output": 0}, "quality": {"chat": 0.1}}
    rows = settings(stub, models=stated | {"a:free": free}, budget={"task": left})
    with Session(rows) as session:
        assert session.ask("hi", strategy="task").model == model
        if left == 0:
            reasons = [row.reason for row in session.select("hi").rejected]
            assert any("the budget leaves $0" in reason for reason in reasons)


def computed() -> int:
    """How many tables of candidates there are in memory."""
    gc.collect()
    return sum(isinstance(thing, Estimates | Table) for thing in gc.get_objects())


def test_what_a_choice_among_many_was_computed_from_is_not_kept(stub: Stub) -> None:
    many = {f"a:model{number}": {"quality": {"chat": 0.1}} for number in range(80)}
    before = computed()
    with Session(settings(stub, models=many)) as session:
        kept = session.ask("hi", strategy="task")
        assert len(kept.decision.ranking) == 50
        with pytest.raises(SelectionError):
            session.ask("hi", strategy="task", max_cost=0)
        assert computed() <= before  # what earlier tests left may go meanwhile
        assert session.ledger[0].decision is kept.decision


def test_a_choice_among_few_is_read_later_as_it_was_made(session: Session) -> None:
    shown = str(session.select("hi", strategy="task"))
    kept = session.ask("hi", strategy="task").decision
    for number in range(3):
        session.ask(f"more {number}", model="a:small")
    assert str(kept) == str(session.ledger[0].decision) == shown
