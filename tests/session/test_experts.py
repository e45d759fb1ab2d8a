"""Experts of tools: who is asked, who follows them, and pins that are wrong."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from orch_nb import Session
from orch_nb.errors import InputError, SelectionError, UnknownNameError
from orch_nb.types import Observation
from session.choices import PRICES, settings
from stub.client import Stub


def test_the_expert_of_a_tool_is_asked(session: Session) -> None:
    session.experts.pin(sql="b:large")
    response = session.ask("hi", tool="sql", strategy="cost")
    assert (response.model, response.decision.source) == ("b:large", "expert of sql")
    assert session.ask("hi", tool="sql", model="a:small").model == "a:small"
    session.experts.unpin("sql")
    assert dict(session.experts) == {}
    with pytest.raises(UnknownNameError, match="unknown tool 'sql'"):
        session.ask("hi", tool="sql")


def test_behind_an_expert_the_others_stand_as_the_strategy_ranks_them(session: Session) -> None:
    session.experts.pin(sql="b:large")
    for strategy in ("cost", "task", "cascade"):
        ranked = [c.model for c in session.select("hi", strategy=strategy).ranking]
        ranked.remove("b:large")
        decision = session.select("hi", tool="sql", strategy=strategy)
        pinned, *others = [choice.model for choice in decision.ranking]
        assert (pinned, others) == ("b:large", ranked)
        assert decision.ranking[1].reason.startswith("place 2 of 4: ")
        assert decision.cascade is None
    beyond = session.select("hi", tool="sql", exclude=["a", "b:small"])
    assert [choice.model for choice in beyond.ranking] == ["b:large"]


def test_of_several_tools_the_first_named_decides(session: Session) -> None:
    session.experts.pin(sql="b:large", chart="a:small")
    decision = session.select("hi", tool=["chart", "sql"])
    assert (decision.best.model, decision.source) == ("a:small", "expert of chart")
    assert "sql to b:large is pinned too; the tool named first, chart, decides" in decision.notice


def test_a_pin_is_checked(session: Session) -> None:
    with pytest.raises(InputError, match="a:small cannot be the expert of vision: it cannot do"):
        session.experts.pin(vision="a:small")
    session.tool("look", needs=["vision"])
    with pytest.raises(InputError, match="cannot be the expert of look"):
        session.experts.pin(sql="a:large", look="a:small")
    with pytest.raises(UnknownNameError, match="unknown model 'a:medium'"):
        session.experts.pin(sql="a:medium")
    with pytest.raises(InputError, match="the expert of sql must be a model id, such as"):
        session.experts.pin(sql=3)  # type: ignore[arg-type]
    assert dict(session.experts) == {}


def test_a_pin_that_settings_have_wrong_says_whose_it_is(session: Session, stub: Stub) -> None:
    for wrong, what in (("a:medium", "model"), ("c:small", "provider")):
        with (
            session.using(experts={"sql": wrong}),
            pytest.raises(UnknownNameError, match=f"unknown {what} of the expert of sql"),
        ):
            session.ask("hi", tool="sql")
    assert not [entry for entry in stub.log() if entry.wire == "chat"]


def test_what_is_remembered_counts_for_a_kind_that_there_is(session: Session) -> None:
    seen = Observation(time.time(), "a:large", "code_generation", "rating", quality=0.0)
    session.remember(seen)
    best = session.select("hi", task="code", model="a:large").best
    assert "1 rating" in best.sources["quality"]
    with pytest.raises(UnknownNameError, match="unknown task 'cooking'; choose from analysis"):
        session.remember(replace(seen, kind="cooking"))


def test_what_a_tool_needs_every_model_needs(session: Session) -> None:
    session.tool("look", needs="vision")
    assert session.ask("hi", tool="look", strategy="cost").model == "a:large"


@pytest.mark.parametrize("fallback", ["best", "fail"])
def test_an_expert_that_is_down(stub: Stub, fallback: str) -> None:
    stub.models("a", list(PRICES))
    rows = settings(stub, experts={"sql": "c:large"}, fallback=fallback)
    down = {"type": "compatible", "base_url": f"http://127.0.0.1:{stub.dead_port()}/v1"}
    rows["providers"] = {**rows["providers"], "c": down}  # type: ignore[dict-item]
    with Session(rows) as session:
        if fallback == "fail":
            with pytest.raises(
                SelectionError, match="expert of sql cannot answer, and fallback is"
            ):
                session.ask("hi", tool="sql")
            return
        response = session.ask("hi", tool="sql", strategy="cost")
        assert response.model == "a:small"
        assert "the expert of sql, c:large, cannot answer" in response.decision.notice


def test_an_expert_that_fails_is_followed_by_others_or_not(session: Session, stub: Stub) -> None:
    session.experts.pin(sql="b:large")
    stub.plan("b", "401")
    response = session.ask("hi", tool="sql", strategy="cost")
    assert response.trail.startswith("b:large (401) → ")
    assert response.decision.notice.startswith("the expert of sql, b:large, did not answer (401); ")
    session.change(fallback="fail")
    stub.plan("b", "401")
    with pytest.raises(Exception, match="b:large"):
        session.ask("hi", tool="sql", strategy="cost")


def test_a_check_is_not_left_out_because_an_expert_answers(session: Session) -> None:
    session.experts.pin(sql="b:large")
    for check in ({"check": lambda text: False}, {"verifier": "a:small"}):
        with pytest.raises(InputError, match="the expert of sql is to answer; leave out"):
            session.ask("hi", tool="sql", **check)
    assert [record.attempts for record in session.ledger] == [(), ()]
