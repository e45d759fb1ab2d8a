"""Pipelines against a server: planned, run side by side, resumed, and nothing is paid twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pytest

from orch_nb import Response, Session
from orch_nb.errors import InputError, UnknownNameError
from orch_nb.workflows.pipeline.outcome import PipelineFailed
from orch_nb.workflows.pipeline.run import Progress
from stub.client import Stub
from stub.spec import write

Open = Callable[..., Session]
Says = Callable[[str, str], None]


def prompts(stub: Stub) -> list[str]:
    return [entry.prompt for entry in stub.log() if entry.method == "POST"]


def test_it_runs_in_order_and_its_report_adds_up(session: Session, stub: Stub, says: Says) -> None:
    says("small", "- one\n- two")
    says("large", "done")
    run = session.pipeline(
        """
inputs: {topic: rivers}
steps:
  - {id: outline, prompt: "Outline {{ topic }}", model: a:small}
  - id: part
    prompt: "On {{ item }} ({{ index }})"
    for_each: "{{ outline.lines }}"
    model: a:large
  - {id: end, prompt: "Join {{ part[0] }} {{ steps.part[1].text }}", model: a:large}
outputs: {text: "{{ end }}!", first: "{{ outline.lines[0] }}"}
"""
    ).run({"topic": "lakes"})
    assert prompts(stub)[0] == "Outline lakes"
    assert sorted(prompts(stub)[1:3]) == ["On one (0)", "On two (1)"]
    assert prompts(stub)[3] == "Join done done"
    assert run.outputs == {"text": "done!", "first": "one"}
    assert isinstance(run["outline"], Response)
    parts = run["part"]
    assert isinstance(parts, list)
    assert [part.text for part in parts] == ["done", "done"]
    with pytest.raises(UnknownNameError, match="did you mean part"):
        run["prt"]
    rows = run.to_records()
    assert len(rows) == 4
    assert run.billed == sum((row["billed"] for row in rows), Decimal(0))  # type: ignore[misc]
    assert run.billed == session.ledger.spent.total
    assert {row["named"] for row in rows} == {"model of the step"}
    assert float(run.to_pandas().billed.sum()) == pytest.approx(float(run.billed))


def test_steps_that_do_not_need_each_other_overlap(session: Session, stub: Stub) -> None:
    stub.rule("a", write("ok", words=20, delay=0.02))
    session.pipeline(
        "steps:\n"
        + "".join(f"  - {{id: s{n}, prompt: 'p {n}', model: a:small}}\n" for n in range(6))
    ).run()
    assert stub.stats().max_inflight >= 3
    stub.reset()
    stub.rule("a", write("ok", words=20, delay=0.02))
    session.pipeline(
        "max_parallel: 1\nsteps:\n"
        + "".join(f"  - {{id: s{n}, prompt: 'q {n}', model: a:small}}\n" for n in range(4))
    ).run()
    assert stub.stats().max_inflight == 1


@pytest.mark.parametrize(
    ("condition", "ran"),
    [
        ("topic == 'cats'", False),
        ("{{ topic == 'dogs' }}", True),
        ("first.text | length > 0", True),
    ],
)
def test_a_condition_decides(session: Session, condition: str, ran: bool) -> None:
    run = session.pipeline(
        f"""
inputs: {{topic: dogs}}
steps:
  - {{id: first, prompt: x, model: a:small}}
  - {{id: maybe, prompt: y, model: a:small, when: "{condition}"}}
  - {{id: after, prompt: "{{{{ maybe }}}} z", model: a:small}}
  - {{id: anyhow, prompt: "{{{{ maybe.text or 'nothing' }}}}", model: a:small, when: "true"}}
"""
    ).run()
    status = {name: result.status for name, result in run.steps.items()}
    assert status["maybe"] == status["after"] == ("done" if ran else "skipped")
    assert status["anyhow"] == "done"
    assert (run["maybe"] is None) is not ran


def test_experts_requirements_and_strategies_decide(session: Session, stub: Stub) -> None:
    run = session.pipeline(
        """
selection_schema: cost
experts:
  - sql: a:large
  - analyst: {model: judge, provider: a, temperature: 0, system_prompt: "Be brief"}
steps:
  - {id: plain, prompt: one}
  - {id: pinned, prompt: two, tool: sql}
  - {id: named, prompt: three, expert: analyst}
  - {id: own, prompt: four, tool: sql, model: a:small}
  - {id: not_small, prompt: five, requires_model: {excluded: "a:small"}}
  - {id: liked, prompt: six, requires_model: {preferred: "a:judge"}}
"""
    ).run()
    models = {name: run[name].model for name in run.steps}  # type: ignore[union-attr]
    assert models == {
        "plain": "a:small",
        "pinned": "a:large",
        "named": "a:judge",
        "own": "a:small",
        "not_small": "a:judge",
        "liked": "a:judge",
    }
    named = {name: result.named for name, result in run.steps.items()}
    assert named["plain"] == "strategy of the pipeline"
    assert named["pinned"] == "expert sql of the pipeline"
    assert named["named"] == "expert analyst of the pipeline"
    assert named["own"] == "model of the step"
    by_prompt = {record.request.prompt: record.request for record in session.ledger}
    assert by_prompt["three"].system == "Be brief"
    assert by_prompt["three"].parameters.temperature == 0
    assert by_prompt["one"].system is None


def test_a_pin_of_the_session_holds_in_pipelines(session: Session) -> None:
    text = "steps:\n  - {id: a, prompt: x, tool: sql}\nselection_schema: cost\n"
    session.tool("sql")
    session.experts.pin(sql="a:large")
    assert session.pipeline(text).run()["a"].model == "a:large"  # type: ignore[union-attr]
    session.experts.pin(sql="a:judge")
    assert session.pipeline(text).run()["a"].model == "a:judge"  # type: ignore[union-attr]


def test_values_are_never_expanded_again(session: Session, stub: Stub, says: Says) -> None:
    says("small", "{{ secret }} {% raw %}")
    session.pipeline(
        "inputs: {t: '{{ secret }}'}\nsteps:\n  - {id: a, prompt: '{{ t }}', model: a:small}\n"
        "  - {id: b, prompt: '<{{ a }}>', model: a:small}\n"
    ).run()
    assert prompts(stub) == ["{{ secret }}", "<{{ secret }} {% raw %}>"]


def test_an_answer_with_a_schema_is_data_for_the_next_step(
    session: Session, stub: Stub, says: Says
) -> None:
    says("small", '{"names": ["Po", "Rhine"]}')
    run = session.pipeline(
        "steps:\n  - {id: a, prompt: x, model: a:small, schema: {names: 'list[str]'}}\n"
        "  - {id: b, prompt: 'On {{ item }}', for_each: '{{ a.parsed.names }}', model: a:large}\n"
    ).run()
    assert sorted(prompts(stub)[1:]) == ["On Po", "On Rhine"]
    assert run["a"].parsed.names == ["Po", "Rhine"]  # type: ignore[union-attr]


def test_for_each_over_a_text_says_what_to_do(session: Session, stub: Stub) -> None:
    with pytest.raises(PipelineFailed, match=r"of a text take \.lines"):
        session.pipeline(
            "steps:\n  - {id: a, prompt: x, model: a:small}\n"
            "  - {id: b, prompt: '{{ item }}', for_each: '{{ a.text }}', model: a:small}\n"
        ).run()


def test_progress_is_told_in_the_callers_thread(session: Session) -> None:
    told = list[tuple[str, str, int]]()

    def watch(progress: Progress) -> None:
        status = "begun" if progress.result is None else progress.result.status
        told.append((progress.step, status, threading.get_ident()))

    session.pipeline("steps:\n  - {id: a, prompt: x, model: a:small}\n").run(watch=watch)
    here = threading.get_ident()
    assert told == [("a", "begun", here), ("a", "done", here)]


def test_arrays_series_and_tuples_are_lists_for_a_pipeline(session: Session, stub: Stub) -> None:
    pipeline = session.pipeline(
        "inputs: {t: }\nsteps:\n"
        "  - {id: a, prompt: '{{ item }}', for_each: '{{ t }}', model: a:small}\n"
    )
    for given in (np.array([1, 2]), pd.Series([1, 2]), (1, 2), [np.int64(1), 2]):
        assert pipeline.plan({"t": given}).steps[0].prompts == 2
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(InputError, match="nested too deep"):
        pipeline.run({"t": endless})


def test_what_is_no_run_and_no_map_of_inputs_is_refused(session: Session) -> None:
    pipeline = session.pipeline("steps:\n  - {id: a, prompt: x, model: a:small}\n")
    with pytest.raises(InputError, match="resume is a Run"):
        pipeline.run(resume="run")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="inputs are a map"):
        pipeline.run("x")  # type: ignore[arg-type]


def test_an_output_that_cannot_be_filled_says_why(session: Session, says: Says) -> None:
    says("small", '{"names": []}')
    run = session.pipeline(
        "steps:\n  - {id: a, prompt: x, model: a:small, schema: {names: 'list[str]'}}\n"
        "outputs: {first: '{{ a.parsed.names[0].upper() }}', all: '{{ a }}'}\n"
    ).run()
    assert run.outputs == {"all": '{"names": []}'}
    assert "output first: line 1: {{ a.parsed.names[0].upper() }}" in str(run)


def test_long_texts_reach_the_model_whole(session: Session, stub: Stub) -> None:
    long = "word " * 5_000  # in a notebook's prompt a value is cut at 20 000 characters
    session.pipeline("inputs: {t: }\nsteps:\n  - {id: a, prompt: '{{ t }}', model: a:small}\n").run(
        {"t": long}
    )
    assert prompts(stub)[-1] == long
    session.map([long], "About {{ item }}", model="a:small")
    assert prompts(stub)[-1] == f"About {long}"
    session.tool("framed", prompt="<{{ prompt }}>")
    session.ask(long, tool="framed", model="a:small")
    assert prompts(stub)[-1] == f"<{long}>"
    session.chain(long)
    assert all(long in prompt for prompt in prompts(stub)[-4:])
