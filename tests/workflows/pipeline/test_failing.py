"""Pipelines whose steps fail, that are stopped, or that reach a limit."""

from __future__ import annotations

import _thread
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from orch_nb import Response, Session
from orch_nb.workflows.pipeline.outcome import PipelineFailed, PipelineStopped, Run
from orch_nb.workflows.pipeline.run import Progress
from stub.client import Stub
from stub.spec import write

Open = Callable[..., Session]
Says = Callable[[str, str], None]


def prompts(stub: Stub) -> list[str]:
    return [entry.prompt for entry in stub.log() if entry.method == "POST"]


class TestErrors:
    """What a step does when it fails."""

    def pipeline(self, on_error: str) -> str:
        return f"""
steps:
  - {{id: good, prompt: fine, model: a:small}}
  - {{id: bad, prompt: "{{{{ good }}}} x", model: a:large, on_error: {on_error}}}
  - {{id: other, prompt: aside, model: a:small, needs: good}}
  - {{id: end, prompt: "{{{{ bad }}}} y", model: a:small}}
"""

    def test_fail_stops_and_a_resumed_run_repeats_nothing(
        self, open_session: Open, stub: Stub
    ) -> None:
        session = open_session(cache="off")
        stub.rule("a", "400", model="large")
        pipeline = session.pipeline(self.pipeline("fail"))
        said = r"step bad failed: a:large.*\((1 step|2 steps) done and kept\)"
        with pytest.raises(PipelineFailed, match=said) as failed:
            pipeline.run()
        run = failed.value.run
        assert run.steps["end"].why == "step bad failed"
        asked = len(prompts(stub))
        stub.rule("a", "ok", model="large")
        again = pipeline.run(resume=run)
        done = [name for name, result in run.steps.items() if result.status == "done"]
        assert [result.status for result in again.steps.values()] == ["done"] * 4
        assert len(prompts(stub)) - asked == 4 - len(done)
        assert again["good"] is run["good"]

    def test_without_a_cache_kept_answers_are_asked_again_if_they_changed(
        self, open_session: Open, stub: Stub
    ) -> None:
        session = open_session(cache="off")
        pipeline = session.pipeline(
            "inputs: {t: x}\nsteps:\n  - {id: a, prompt: '{{ t }}', model: a:small}\n"
        )
        first = pipeline.run()
        assert pipeline.run(resume=first)["a"] is first["a"]
        assert pipeline.run({"t": "y"}, resume=first)["a"] is not first["a"]
        assert prompts(stub) == ["x", "y"]

    def test_skip_goes_on(self, session: Session, stub: Stub) -> None:
        stub.rule("a", "400", model="large")
        run = session.pipeline(self.pipeline("skip")).run()
        status = [result.status for result in run.steps.values()]
        assert status == ["done", "failed", "done", "skipped"]
        assert run.steps["end"].why == "bad was failed"
        assert "bad: a:large" in str(run)

    def test_retry_asks_again(self, session: Session, stub: Stub) -> None:
        stub.plan("a", "ok", "500", "500", "ok", "ok", "ok")
        run = session.pipeline(self.pipeline("retry").replace("needs: good", "needs: end")).run()
        assert {result.status for result in run.steps.values()} == {"done"}

    def test_fallback_asks_another_model(self, session: Session, stub: Stub) -> None:
        stub.rule("a", "400", model="large")
        run = session.pipeline(self.pipeline("fallback")).run()
        answer = run["bad"]
        assert isinstance(answer, Response)
        assert answer.model != "a:large"


def test_a_stop_keeps_what_is_done(session: Session, stub: Stub) -> None:
    stub.rule("a", write("ok", words=30, delay=0.02), model="large")
    pipeline = session.pipeline(
        "steps:\n  - {id: a, prompt: x, model: a:small}\n"
        "  - {id: b, prompt: '{{ a }}', model: a:large}\n"
    )

    def watch(progress: Progress) -> None:
        if progress.step == "b":
            _thread.interrupt_main()

    with pytest.raises(PipelineStopped, match="1 of 2 steps done") as stopped:
        pipeline.run(watch=watch)
    stub.wait_idle()
    assert stub.stats().inflight == 0
    run: Any = pipeline.run(resume=stopped.value.run)
    assert run["a"] is stopped.value.run["a"]
    assert isinstance(run, Run)


@pytest.mark.parametrize(
    "limit",
    [
        "budget: 0.0004",
        "selection_schema: {cost_limit: 0.0004, budget_period: per-pipeline}",
        "requires_model: {cost_limit: 0.0004, budget_period: per-hour}",
    ],
)
def test_a_pipeline_never_passes_its_limit(session: Session, stub: Stub, limit: str) -> None:
    stub.rule("a", write("ok", words=900))  # about 0.0001 dollars each
    pipeline = session.pipeline(
        f"{limit}\nparameters: {{max_tokens: 1500}}\nsteps:\n"
        "  - {id: a, prompt: 'n {{ item }}', for_each: [1, 2, 3, 4, 5, 6, 7, 8], model: a:small,"
        " on_error: skip}\n"
    )
    run = pipeline.run()
    answered = len(run.steps["a"].responses)
    assert 1 <= answered < 8
    assert run.billed is not None
    assert run.billed <= Decimal("0.0004")
    assert "budget." in str(run.steps["a"].why)
    assert session.ask("beside it", model="a:small", max_tokens=1500).cost  # the session has none


def test_a_limit_of_each_task(session: Session, stub: Stub) -> None:
    with pytest.raises(PipelineFailed, match=r"budget\.task|the budget leaves"):
        session.pipeline(
            "budget: {task: 0.0000001}\nsteps:\n  - {id: a, prompt: x, model: a:small}\n"
        ).run()
    assert prompts(stub) == []
