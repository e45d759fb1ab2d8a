"""What one record teaches, and what it does not."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from orch_nb.store.observe import observations
from orch_nb.types import (
    Attempt,
    Cascade,
    Choice,
    Decision,
    Estimate,
    Message,
    ModelCard,
    Record,
    Request,
    Response,
    TaskProfile,
    Usage,
)

CHOICE = Choice(ModelCard("p", "m"), 1.0, {}, Estimate(None, None), "")
DECISION = Decision("cost", "strategy", TaskProfile("code", 40, 100), (CHOICE,))
ATTEMPTS = (Attempt("p:down", 0.1, "down", "500"), Attempt("p:m", 2.0))
RESPONSE = Response(
    "yes", "p:m", Usage(50, 90), Decimal("0.01"), "stop", 1.9, 0.3, False, DECISION, ATTEMPTS
)
RECORD = Record(5.0, Request((Message("user", "hi"),)), DECISION, ATTEMPTS, RESPONSE)


def test_an_answer_teaches_success_speed_and_tokens_and_a_failure_only_that() -> None:
    failed, answered = observations(RECORD)
    assert (failed.model, failed.ok, failed.seconds) == ("p:down", False, None)
    assert (answered.model, answered.kind, answered.ok) == ("p:m", "code", True)
    assert (answered.seconds, answered.ttft, answered.output_tokens) == (1.9, 0.3, 90)
    assert (answered.estimated_tokens, answered.input_tokens) == (40, 50)


@pytest.mark.parametrize(
    "change",
    [{"usage": Usage(50, 90, source="estimated")}, {"decision": None}],
)
def test_tokens_that_nobody_counted_teach_nothing(change: dict[str, object]) -> None:
    if "usage" not in change:
        needs = replace(DECISION.profile, needs=frozenset({"vision"}))
        record = replace(RECORD, decision=replace(DECISION, profile=needs))
    else:
        record = replace(RECORD, response=replace(RESPONSE, **change))
    assert [seen.estimated_tokens for seen in observations(record)] == [None, None]


@pytest.mark.parametrize("change", [{"replayed": True}, {"simulated": True}])
def test_what_is_not_new_or_not_real_teaches_nothing(change: dict[str, bool]) -> None:
    assert not list(observations(replace(RECORD, response=replace(RESPONSE, **change))))


@pytest.mark.parametrize(("first", "seen"), [(False, ["p:down"]), (True, [])])
def test_what_another_call_made_is_observed_there(first: bool, seen: list[str]) -> None:
    attempts = (replace(ATTEMPTS[0], shared=first), replace(ATTEMPTS[1], shared=True))
    kept = replace(RESPONSE, cached=True, attempts=attempts)
    record = replace(RECORD, attempts=attempts, response=kept)
    assert [(one.model, one.ok) for one in observations(record)] == [(m, False) for m in seen]


def test_what_the_user_stopped_says_nothing_about_the_model() -> None:
    stopped = (ATTEMPTS[0], Attempt("p:m", 2.0, "interrupted", "interrupted"))
    record = replace(RECORD, attempts=stopped, response=None, error="interrupted")
    assert [seen.model for seen in observations(record)] == ["p:down"]


@pytest.mark.parametrize(
    ("check", "cause", "quality"),
    [
        ("assertions", "passed 2 assertions", 1.0),
        ("function", "check failed: good says false", 0.0),
        ("agreement", "agreed", None),
    ],
)
def test_each_stage_of_a_cascade_is_its_own_models(
    check: str, cause: str, quality: float | None
) -> None:
    billed = Attempt("p:strong", 2.0, usage=Usage(50, 9), cost=Decimal(0))
    stages = (replace(billed, model="p:draft", cause=cause), billed)
    cascade = Cascade(("p:draft",), "p:strong", check)  # type: ignore[arg-type]
    decision = replace(DECISION, cascade=cascade)
    response = replace(RESPONSE, usage=Usage(100, 18), attempts=stages)
    record = replace(RECORD, decision=decision, attempts=stages, response=response)
    draft, strong = observations(record)
    assert (draft.model, draft.quality, draft.input_tokens) == ("p:draft", quality, None)
    assert (strong.model, strong.quality, strong.seconds) == ("p:strong", None, 2.0)
