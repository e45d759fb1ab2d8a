"""Pipelines that fail or are stopped on their way: what is done is kept, and all is billed."""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable

import pytest

from orch_nb import Response, Session
from orch_nb.routing import strategies
from orch_nb.routing.pool import Column
from orch_nb.types import TaskProfile
from orch_nb.workflows.pipeline.outcome import PipelineFailed, PipelineStopped
from orch_nb.workflows.pipeline.run import Progress
from stub.client import Stub
from stub.spec import write

Open = Callable[..., Session]
TEN = (
    "steps:\n  - {id: b, prompt: 'n {{ item }}', for_each: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],"
    " max_parallel: 2, model: a:small}\n"
)


def prompts(stub: Stub) -> list[str]:
    return [entry.prompt for entry in stub.log() if entry.method == "POST"]


def interrupt_after(session: Session, answers: int) -> None:
    """Interrupt the main thread once `session` has so many answers."""

    def look() -> None:
        while sum(record.response is not None for record in session.ledger) < answers:
            pass
        _thread.interrupt_main()

    threading.Thread(target=look, daemon=True).start()


class TestStopped:
    """By the user."""

    def test_the_items_that_are_done_are_kept_and_not_paid_again(
        self, open_session: Open, stub: Stub
    ) -> None:
        session = open_session(cache="off")
        stub.rule("a", write("ok", words=10, delay=0.01))
        pipeline = session.pipeline(TEN)
        interrupt_after(session, 4)
        with pytest.raises(PipelineStopped) as stopped:
            pipeline.run()
        run = stopped.value.run
        result = run.steps["b"]
        assert result.status == "stopped"
        done = [place for place, part in enumerate(result.parts) if part.response is not None]
        assert 4 <= len(done) < 10
        assert "stopped before" in str(result.parts[-1].error)
        stub.wait_idle()
        stub.rule("a", "ok")
        before = len(prompts(stub))
        again = pipeline.run(resume=run)
        assert len(prompts(stub)) - before == 10 - len(done)
        for place in done:
            assert again.steps["b"].parts[place].response is result.parts[place].response

    def test_the_bills_of_the_parts_of_a_run_add_up_to_the_ledger(
        self, open_session: Open, stub: Stub
    ) -> None:
        session = open_session(cache="off")
        stub.rule("a", write("ok", words=10, delay=0.01))
        pipeline = session.pipeline(TEN)
        interrupt_after(session, 4)
        with pytest.raises(PipelineStopped) as stopped:
            pipeline.run()
        first = stopped.value.run
        again = pipeline.run(resume=first)
        # What a stopped call cost is estimated, and part of the run that was stopped.
        assert first.billed is not None
        assert again.billed is not None
        assert first.billed + again.billed == session.ledger.spent.total
        assert again.billed < again.cost  # type: ignore[operator]

    def test_whoever_stops_the_session_stops_its_pipelines(
        self, session: Session, stub: Stub
    ) -> None:
        stub.rule("a", write("ok", words=400, delay=0.05), model="large")
        pipeline = session.pipeline(
            "steps:\n  - {id: a, prompt: x, model: a:small}\n"
            "  - {id: b, prompt: 'y {{ a }}', model: a:large}\n"
            "  - {id: c, prompt: '{{ b }}', model: a:small}\n"
        )

        def stop() -> None:
            while not session.busy.get("a:large"):
                pass
            session.stop()

        threading.Thread(target=stop, daemon=True).start()
        with pytest.raises(PipelineStopped, match="1 of 3 steps") as stopped:
            pipeline.run()
        assert [r.status for r in stopped.value.run.steps.values()] == ["done", "stopped"]
        stub.wait_idle()
        stub.rule("a", "ok", model="large")
        assert isinstance(pipeline.run(resume=stopped.value.run)["c"], Response)

    def test_an_error_of_the_one_who_watches_is_raised_as_it_is(self, session: Session) -> None:
        def watch(progress: Progress) -> None:
            raise ZeroDivisionError(progress.step)

        with pytest.raises(ZeroDivisionError, match="b"):
            session.pipeline(TEN).run(watch=watch)


class TestFailed:
    """By a model, or by others' code."""

    def test_what_failed_calls_cost_is_in_the_bill(self, open_session: Open, stub: Stub) -> None:
        session = open_session(cache="off")
        broken = write("reset_mid", words=40, after=20)
        stub.plan("a", "ok", broken, broken, "ok", broken, "ok")
        made = session.pipeline(
            "max_parallel: 1\nsteps:\n"
            "  - {id: a, prompt: x, model: a:small}\n"
            "  - {id: b, prompt: y, model: a:large, on_error: skip}\n"
            "  - {id: c, prompt: z, model: a:judge, on_error: retry}\n"
            "  - {id: d, prompt: u, model: a:judge, on_error: fallback}\n"
        ).run()
        assert [result.status for result in made.steps.values()] == [
            "done",
            "failed",
            "done",
            "done",
        ]
        billed = made.billed
        assert billed is not None
        assert billed == session.ledger.spent.total
        assert made.steps["b"].billed
        rows = made.to_pandas()
        assert float(rows.billed.sum()) == pytest.approx(float(billed))

    @pytest.mark.parametrize(("answer", "asked"), [("400", 1), ("500", 3)])
    def test_only_what_may_pass_is_tried_again(
        self, session: Session, stub: Stub, answer: str, asked: int
    ) -> None:
        stub.rule("a", answer)
        with pytest.raises(PipelineFailed):
            session.pipeline(
                "steps:\n  - {id: a, prompt: x, model: a:large, on_error: retry}\n"
            ).run()
        assert len(prompts(stub)) == asked

    def test_after_a_failure_no_other_item_is_asked(self, session: Session, stub: Stub) -> None:
        stub.rule("a", "400")
        with pytest.raises(PipelineFailed, match="refused") as failed:
            session.pipeline(TEN).run()
        assert len(prompts(stub)) <= 2  # that many are asked at once
        last = failed.value.run.steps["b"].parts[-1]
        assert str(last.error) == "step b failed"

    @pytest.mark.parametrize(
        ("on_error", "answered", "status"),
        [
            ("fail", [True, False, False], ["failed", "skipped"]),
            ("skip", [True, False, True], ["failed", "skipped"]),
            ("retry", [True, True, True], ["done", "done"]),
            ("fallback", [True, True, True], ["done", "done"]),
        ],
    )
    def test_one_item_of_several_fails(
        self,
        open_session: Open,
        stub: Stub,
        on_error: str,
        answered: list[bool],
        status: list[str],
    ) -> None:
        session = open_session(cache="off")
        stub.plan("a", "ok", "500", "ok", "ok", "ok")
        pipeline = session.pipeline(
            "steps:\n  - {id: a, prompt: 'n {{ item }}', for_each: [1, 2, 3], max_parallel: 1,"
            f" model: a:small, on_error: {on_error}}}\n"
            "  - {id: b, prompt: 'all {{ a.text }}', model: a:small}\n"
        )
        if on_error == "fail":
            with pytest.raises(PipelineFailed) as failed:
                pipeline.run()
            run = failed.value.run
        else:
            run = pipeline.run()
        assert [part.response is not None for part in run.steps["a"].parts] == answered
        assert [result.status for result in run.steps.values()] == status
        assert run.billed == session.ledger.spent.total

    def test_all_prompts_of_a_step_are_written_before_one_is_asked(
        self, session: Session, stub: Stub
    ) -> None:
        pipeline = session.pipeline(
            "inputs: {rows: [{t: x}, {t: y}, {u: z}]}\n"
            "steps:\n  - {id: a, prompt: '{{ item.t }}', for_each: '{{ rows }}', model: a:small}\n"
        )
        with pytest.raises(PipelineFailed, match="has no attribute 't'"):
            pipeline.run()
        assert prompts(stub) == []

    def test_one_item_that_cannot_be_written_is_skipped_where_that_was_said(
        self, session: Session, stub: Stub
    ) -> None:
        run = session.pipeline(
            "inputs: {rows: [{t: x}, {u: z}, {t: y}]}\non_error: skip\n"
            "steps:\n  - {id: a, prompt: '{{ item.t }}', for_each: '{{ rows }}', model: a:small}\n"
        ).run()
        assert sorted(prompts(stub)) == ["x", "y"]
        assert [part.error is None for part in run.steps["a"].parts] == [True, False, True]

    def test_a_crash_of_others_code_is_raised_as_it_is(
        self, session: Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(strategies, "_STRATEGIES", dict(strategies._STRATEGIES))
        asked = list[str]()

        @strategies.strategy("crashing")
        def score(
            profile: TaskProfile, table: strategies.Table, weights: strategies.Weights
        ) -> Column:
            asked.append(profile.kind)
            if len(asked) > 1:  # the first is the plan's
                raise ZeroDivisionError("mine")
            return -table.cost

        with pytest.raises(ZeroDivisionError, match="mine"):
            session.pipeline(
                "selection_schema: crashing\n"
                "steps:\n  - {id: a, prompt: x, for_each: [1, 2], max_parallel: 1}\n"
            ).run()


def test_equal_prompts_are_paid_for_once(session: Session, stub: Stub) -> None:
    stub.rule("a", write("ok", words=5, delay=0.05))
    run = session.pipeline(
        "steps:\n" + "".join(f"  - {{id: s{n}, prompt: same, model: a:large}}\n" for n in range(5))
    ).run()
    assert len(prompts(stub)) == 1
    assert run.billed == session.ledger.spent.total


def test_a_thousand_steps_that_need_the_next_one_are_put_in_order(session: Session) -> None:
    steps = [f"  - {{id: s{n}, prompt: p, needs: s{n + 1}}}\n" for n in range(999)]
    pipeline = session.pipeline("steps:\n" + "".join(steps) + "  - {id: s999, prompt: p}\n")
    assert pipeline.mermaid.splitlines()[1] == '  s0["s999"]'
