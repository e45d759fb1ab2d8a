"""Chains of roles against a server: who is asked, what is left out, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from orch_nb import Session
from orch_nb.errors import InputError, UnknownNameError
from orch_nb.workflows.chains.chain import CHAINS, ROLES, ChainFailed, read_chain
from stub.client import Stub

Open = Callable[..., Session]
Says = Callable[[str, str], None]


def prompts(stub: Stub) -> list[str]:
    return [entry.prompt for entry in stub.log() if entry.method == "POST"]


@pytest.fixture
def pinned(session: Session) -> Session:
    """Executor and reviewer are models of their own."""
    session.change(strategy="cost")
    session.experts.pin(executor="a:large", reviewer="a:judge")
    return session


@pytest.mark.parametrize("name", CHAINS)
def test_each_chain_has_the_four_roles_with_prompts_to_read(name: str) -> None:
    graph = read_chain(name)
    assert [node.step.tool for node in graph.nodes.values()] == list(ROLES.values())
    for node in graph.nodes.values():
        assert "{{ task }}" in node.step.prompt
        assert len(node.step.prompt.split()) > 20
    assert graph.spec.name == name
    assert graph.spec.description


def test_roles_are_asked_in_their_order(pinned: Session, stub: Stub, says: Says) -> None:
    says("small", "1. look\n2. say")
    says("large", "A draft.")
    says("judge", "A better answer.")
    result = pinned.chain("Explain tides")
    assert result.text == str(result) == "A better answer."
    assert {role: one.model for role, one in result.roles.items() if one} == {
        "planner": "a:small",
        "context": "a:small",
        "executor": "a:large",
        "reviewer": "a:judge",
    }
    planner, context, executor, reviewer = prompts(stub)
    assert all("Explain tides" in prompt for prompt in (planner, context, executor, reviewer))
    assert "1. look" in context
    assert "1. look" in executor
    assert "A draft." in reviewer
    assert result.notices == ()
    assert not result.used_fallback
    assert result.billed == pinned.ledger.spent.total


def test_speed_leaves_the_reviewer_out(pinned: Session, stub: Stub, says: Says) -> None:
    says("large", "A draft.")
    result = pinned.chain("Explain tides", priority="speed")
    assert result.text == "A draft."
    assert result.roles["reviewer"] is None
    assert len(prompts(stub)) == 3


def test_an_unknown_chain_is_the_default_one_and_says_so(session: Session) -> None:
    result = session.chain("Explain tides", "analysys")
    assert result.chain == "default"
    assert "did you mean analysis?" in result.notices[0]


@pytest.mark.parametrize(
    ("prompt", "chain"),
    [
        ("Write a Python function that reverses a list", "code"),
        ("Plan the launch of our product: milestones and a schedule", "planning"),
        ("Hello, how are you?", "default"),
    ],
)
def test_auto_takes_what_suits_the_task(session: Session, prompt: str, chain: str) -> None:
    result = session.chain(prompt, "auto")
    assert result.chain == chain
    assert f"chain {chain}" in result.notices[0]


def test_a_dead_executor_is_replaced_and_that_is_said(pinned: Session, stub: Stub) -> None:
    stub.rule("a", "500", model="large")
    result = pinned.chain("Explain tides")
    assert result.used_fallback
    assert result.roles["executor"].model != "a:large"  # type: ignore[union-attr]
    assert any("a:large, did not answer" in notice for notice in result.notices)


def test_a_pinned_model_that_is_not_there_is_substituted_visibly(
    open_session: Open, stub: Stub
) -> None:
    session = open_session(
        experts={"executor": "here:llama"},
        providers={
            "a": {"type": "compatible", "base_url": stub.url("a", "/v1"), "max_retries": 0},
            "here": {"type": "compatible", "base_url": f"http://127.0.0.1:{stub.dead_port()}/v1"},
        },
    )
    result = session.chain("Explain tides", priority="speed")
    assert result.used_fallback
    assert any("here:llama, cannot answer" in notice for notice in result.notices), result.notices


def test_a_planner_that_fails_is_left_out(pinned: Session, stub: Stub, says: Says) -> None:
    says("judge", "Done.")
    pinned.experts.pin(planner="a:small")
    pinned.change(fallback="fail")
    stub.rule("a", "400", model="small")
    result = pinned.chain("Explain tides")
    assert result.text == "Done."
    assert result.roles["planner"] is None
    assert any("the planner failed" in notice for notice in result.notices)


def test_without_an_executor_it_fails_and_says_where(pinned: Session, stub: Stub) -> None:
    pinned.change(fallback="fail")
    stub.rule("a", "400", model="large")
    with pytest.raises(ChainFailed) as failed:
        pinned.chain("Explain tides")
    error = failed.value
    assert (error.code, error.phase, error.model) == ("role_failed", "executor", "a:large")
    assert "400" in error.cause
    assert "in executor (a:large)" in str(error)
    assert error.run.steps["plan"].status == "done"


class TestForms:
    """What the result is to be."""

    def test_json_is_data(self, pinned: Session, stub: Stub, says: Says) -> None:
        says("judge", 'Here:\n```json\n{"a": [1, 2]}\n```\n')
        result = pinned.chain("List", form="json")
        assert result.data == {"a": [1, 2]}
        assert "one JSON value and nothing else" in prompts(stub)[2]
        assert result.synthesis.phases == ("combine", "validate", "format")

    def test_code_is_its_blocks(self, pinned: Session, says: Says) -> None:
        says("judge", "So:\n```python\nprint(1)\n```\nand\n```sh\nls\n```\n")
        assert pinned.chain("Write", "code", form="code").text == "print(1)\n\nls"

    def test_a_review_that_breaks_the_form_is_dropped_for_the_draft(
        self, pinned: Session, says: Says
    ) -> None:
        says("large", "```python\nprint(1)\n```")
        says("judge", "```python\nprint(1\n```")
        result = pinned.chain("Write", form="code")
        assert result.text == "print(1)"
        assert result.synthesis.role == "executor"
        assert "what the reviewer wrote is no code" in result.notices[-1]

    def test_structured_has_every_role(self, pinned: Session, says: Says) -> None:
        says("small", "notes")
        says("large", "draft")
        says("judge", "final")
        result: Any = pinned.chain("Write", form="structured")
        assert result.data == {
            "planner": "notes",
            "context": "notes",
            "executor": "draft",
            "reviewer": "final",
        }
        assert "## executor\n\ndraft" in result.text

    def test_what_fits_nowhere_fails_in_its_phase(self, pinned: Session, says: Says) -> None:
        says("large", "no json")
        says("judge", "none either")
        with pytest.raises(ChainFailed) as failed:
            pinned.chain("Write", form="json")
        assert (failed.value.code, failed.value.phase) == ("unfit", "validate")
        assert "reviewer" in failed.value.cause
        assert "executor" in failed.value.cause
        assert failed.value.run.billed


def test_a_strategy_is_the_chains_alone(session: Session, stub: Stub) -> None:
    told = list[str]()
    session.subscribe(told.append)
    result = session.chain("Explain tides", strategy="cost", priority="speed")
    assert {one.model for one in result.roles.values() if one} == {"a:small"}
    assert {one.decision.strategy for one in result.roles.values() if one} == {"cost"}
    assert session.strategy == "balanced"
    assert "settings" not in told


def test_what_is_wrong_costs_nothing(session: Session, stub: Stub) -> None:
    with pytest.raises(UnknownNameError, match="did you mean speed"):
        session.chain("x", priority="sped")
    with pytest.raises(UnknownNameError, match="did you mean json"):
        session.chain("x", form="jsn")
    with pytest.raises(UnknownNameError, match="did you mean cost"):
        session.chain("x", strategy="cots")
    with pytest.raises(InputError, match="max_tokens"):
        session.chain("x", max_tokens=0)
    with pytest.raises(InputError):
        session.chain(3)  # type: ignore[arg-type]
    assert prompts(stub) == []
