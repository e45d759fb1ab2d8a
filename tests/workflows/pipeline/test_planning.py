"""What is known of a pipeline, and refused, before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from orch_nb import Session
from orch_nb.errors import InputError
from orch_nb.workflows.pipeline.errors import PipelineError
from stub.client import Stub

Open = Callable[..., Session]
Says = Callable[[str, str], None]


def prompts(stub: Stub) -> list[str]:
    return [entry.prompt for entry in stub.log() if entry.method == "POST"]


def test_a_plan_asks_nobody_and_its_totals_add_up(session: Session, stub: Stub) -> None:
    plan = session.pipeline(
        """
inputs: {topic: rivers, places: [north, south, east]}
selection_schema: cost
steps:
  - {id: outline, prompt: "Outline {{ topic }}"}
  - {id: each, prompt: "{{ item }}: {{ outline }}", for_each: "{{ places }}"}
  - {id: more, prompt: "More of {{ item }}", for_each: "{{ outline.lines }}"}
  - {id: end, prompt: "{{ each.text }}", model: a:large, when: "topic == 'rivers'"}
"""
    ).plan()
    assert prompts(stub) == []
    outline, each, more, end = plan.steps
    assert (outline.model, end.model) == ("a:small", "a:large")
    assert (outline.named, end.named) == ("strategy of the pipeline", "model of the step")
    assert (each.prompts, more.prompts) == (None, None)
    assert [step.sometimes for step in plan.steps] == [False] * 4
    assert plan.cost == sum((step.cost for step in plan.steps if step.cost), Decimal(0))
    assert "at least $" in str(plan)
    assert 's1["each<br/>a:small"]' in plan.mermaid
    assert "s0 --> s1" in plan.mermaid


def test_items_that_are_known_are_counted(session: Session) -> None:
    plan = session.pipeline(
        "inputs: {names: [a, b, c]}\n"
        "steps:\n  - {id: x, prompt: '{{ item }}', for_each: '{{ names }}', model: a:small}\n"
    ).plan({"names": ["p", "q"]})
    (step,) = plan.steps
    assert step.prompts == 2
    assert step.cost == 2 * step.decision.best.estimate.cost  # type: ignore[operator]


@pytest.mark.parametrize(
    ("step", "line", "words"),
    [
        ("model: b:none", 3, "unknown provider|b:none"),
        ("tool: sqll", 3, "unknown tool 'sqll'"),
        ("requires_model: {min_size: 700B}", 3, "min_size is 700B"),
        ("requires_model: {cost_limit: 0.0000001}", 3, "would cost"),
    ],
)
def test_a_step_that_cannot_work_stops_all_before_a_call(
    session: Session, stub: Stub, step: str, line: int, words: str
) -> None:
    pipeline = session.pipeline(
        "steps:\n  - {id: a, prompt: fine, model: a:small}\n"
        f"  - {{id: b, prompt: y, needs: a, {step}}}\n"
    )
    with pytest.raises(PipelineError, match=words) as wrong:
        pipeline.run()
    assert wrong.value.line == line
    assert prompts(stub) == []


def test_inputs_are_checked_first(session: Session, stub: Stub) -> None:
    pipeline = session.pipeline(
        "inputs: {must: , n: 1}\nsteps:\n  - {id: a, prompt: '{{ must }}', model: a:small}\n"
    )
    for given, words in (
        ({}, "needs must"),
        ({"must": 1, "x": 2}, "unknown input 'x'"),
        ({"must": object()}, "plain data"),
    ):
        with pytest.raises(InputError, match=words):
            pipeline.run(given)
    assert prompts(stub) == []
    assert pipeline.run({"must": [1, 2]})["a"]
    assert prompts(stub) == ["[1, 2]"]


def test_a_condition_on_inputs_alone_is_checked_and_counted_before_a_call(
    session: Session, stub: Stub
) -> None:
    pipeline = session.pipeline(
        "inputs: {n: 3}\nsteps:\n  - {id: a, prompt: x, model: a:small}\n"
        "  - {id: b, prompt: y, model: a:large, when: 'n > 2'}\n"
        "  - {id: c, prompt: z, model: a:large, when: a.ran}\n"
    )
    assert [step.prompts for step in pipeline.plan().steps] == [1, 1, 1]
    less = pipeline.plan({"n": 1})
    assert [step.prompts for step in less.steps] == [1, 0, 1]
    assert [step.sometimes for step in less.steps] == [False, False, True]
    assert less.steps[1].cost == 0
    with pytest.raises(PipelineError, match="TypeError") as wrong:
        pipeline.run({"n": "many"})
    assert wrong.value.line == 4
    assert prompts(stub) == []
