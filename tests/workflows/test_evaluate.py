"""Prompts × models against a server whose models answer differently."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pandas
import pytest

from orch_nb import Session
from orch_nb.errors import InputError, SelectionError, UnknownNameError
from orch_nb.workflows.evaluation import Evaluation, EvaluationStopped, Plan
from stub.client import Stub
from stub.spec import write
from workflows.evaluations import BOTH, SUMS, Says, run

Open = Callable[..., Session]


def chats(stub: Stub) -> int:
    return sum(entry.wire == "chat" for entry in stub.log())


def test_the_better_model_is_told_from_the_worse(session: Session, says: Says, stub: Stub) -> None:
    says("small", "The answer is 41.")
    says("large", "So it is **42**.\n#### 42")
    made = run(session, SUMS, BOTH, task="math")
    worse, better = made.summary
    assert (worse.model, better.model) == ("a:small", "a:large")
    assert worse.quality is not None
    assert better.quality is not None
    assert (worse.quality.mean, better.quality.mean, better.quality.count) == (0.0, 1.0, 12)
    # Wilson's interval of 12 in 12 begins at 12 / (12 + 1.96²).
    assert better.quality.low == pytest.approx(12 / (12 + 1.96**2), abs=1e-3)
    assert made.best == "a:large"
    assert [row.item for row in made.rows] == sorted([*range(12), *range(12)])
    assert {row.kind for row in made.rows} == {"math"}
    assert chats(stub) == 24
    billed = sum((record.response.cost for record in session.ledger if record.response), Decimal(0))  # type: ignore[misc]
    assert made.billed == billed
    assert "a:large" in str(made)
    assert "best: a:large" in str(made)


def test_few_prompts_are_a_tie(session: Session, says: Says) -> None:
    says("small", "41")
    says("large", "42")
    made = run(session, SUMS[:2], BOTH)
    assert made.best == "tie"
    assert made.leaders == ("a:large", "a:small")


def test_a_failing_cell_is_a_row_and_the_others_go_on(
    session: Session, says: Says, stub: Stub
) -> None:
    says("large", "42")
    stub.rule("a", "401", model="small")
    made = run(session, SUMS[:3], BOTH)
    assert [row.ok for row in made.rows] == [False, True] * 3
    assert [row.quality for row in made.rows] == [None, 1.0] * 3
    assert "a:small" in (made.rows[0].error or "")
    assert made.summary[0].errors == 3
    assert made.best == "a:large"
    assert "first error: a:small, item 0" in str(made)


def test_repeats_are_asked_anew_and_count_as_one_prompt(
    session: Session, says: Says, stub: Stub
) -> None:
    says("small", "42")
    made = run(session, SUMS[:2], "a:small", repeats=3)
    assert len(made.rows) == chats(stub) == made.plan.answers == 6
    assert made.summary[0].quality is not None
    assert made.summary[0].quality.count == 2


def test_the_plan_comes_first_and_a_limit_refuses_it(session: Session, stub: Stub) -> None:
    plans: list[Plan] = []
    made = run(session, SUMS, BOTH, dry_run=True, on_plan=plans.append)
    assert plans == [made.plan]
    assert made.rows == ()
    assert made.plan.cost
    expected = [
        session.select(prompt, model=model).best.estimate.cost
        for prompt, _ in SUMS
        for model in BOTH
    ]
    assert made.plan.cost == sum(filter(None, expected))
    with pytest.raises(InputError, match=r"about \$[\d.]+ for 24 answers is more than max_cost"):
        run(session, SUMS, BOTH, max_cost=float(made.plan.cost) / 2)
    with pytest.raises(InputError, match="none is known of a:other"):
        run(session, SUMS, ["a:small", "a:other"], max_cost=100)
    assert chats(stub) == 0


def test_where_no_models_are_named_the_best_three_are_asked(session: Session, says: Says) -> None:
    best = [choice.model for choice in session.select(SUMS[0][0]).ranking]
    assert run(session, SUMS, dry_run=True).plan.models == tuple(best[:3])
    without = run(session, SUMS, judge=best[0], dry_run=True).plan
    assert without.models == tuple(best[1:3])
    assert without.judge == best[0]


@pytest.mark.parametrize(
    ("items", "options", "kind", "said"),
    [
        ("one prompt", {}, InputError, "items must be a list of prompts"),
        ([], {}, InputError, "there are no items"),
        ([("a", "b", "c")], {}, InputError, "item 0 has 3 parts"),
        ([{"question": "a"}], {}, InputError, "item 0 has no prompt; its fields are question"),
        ([5], {}, InputError, "the prompt of item 0 must be text, not int"),
        (["a"], {}, InputError, "item 0 has no expected answer for the check"),
        ([("a", "(")], {"check": "regex"}, InputError, "no regular expression"),
        (["a"], {"check": "exakt"}, UnknownNameError, "did you mean exact"),
        (["a"], {"check": 5}, InputError, "check must be one of"),
        (["a"], {"check": "judge"}, InputError, "name the model that judges"),
        ([("a", "b")], {"check": "exact", "judge": "a:judge"}, InputError, "exclude each other"),
        (["a"], {"judge": "a:small"}, InputError, "a:small cannot judge its own answers"),
        ([("a", "b")], {"models": "smal"}, UnknownNameError, "did you mean"),
        ([("a", "b")], {"task": "cooking"}, UnknownNameError, "unknown task 'cooking'"),
        ([("a", "b"), (" ", "b")], {}, InputError, "the prompt is empty"),
        ([("a", "b")], {"n_jobs": 0}, InputError, "n_jobs must be a whole number"),
        (["a"], {"check": "human", "repeats": 2}, InputError, "leave repeats out"),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(
    session: Session,
    stub: Stub,
    *,
    items: Any,
    options: dict[str, Any],
    kind: type[Exception],
    said: str,
) -> None:
    with pytest.raises(kind, match=said):
        run(session, items, **{"models": "a:small", **options})
    assert chats(stub) == 0


def test_a_model_that_can_answer_nothing_is_refused(open_session: Open, stub: Stub) -> None:
    price = {"price": {"input": 1, "output": 1}}
    session = open_session(
        models={"a:small": {**price, "context": 1000, "capabilities": ["json"]}, "a:large": price}
    )
    long, short = ("word " * 5000, "x"), ("Say x", "x")
    with pytest.raises(SelectionError, match="a:small"):
        run(session, [long], BOTH)
    assert chats(stub) == 0
    made = run(session, [long, short], BOTH)
    assert [row.text is None for row in made.rows] == [True, False, False, False]
    assert "a:small" in (made.rows[0].error or "")


def test_tables_in_and_out(session: Session, says: Says) -> None:
    says("small", "42")
    frame = pandas.DataFrame(
        {"prompt": ["6 × 7?", "Sort [2, 1]"], "expected": [42, 42], "task": ["math", None]}
    )
    made = run(session, frame, "a:small", task="code")
    out = made.to_pandas()
    assert list(out["kind"]) == ["math", "code"]
    assert out["cost"].dtype == float
    assert list(out["quality"]) == [1.0, 1.0]


def test_it_changes_the_next_choice_in_a_second_session_too(open_session: Open, says: Says) -> None:
    items = [(f"What is {n} plus 0? Answer with the number.", 42) for n in range(40)]
    says("small", "42")
    says("large", "41")
    config = {
        "models": {
            "a:small": {"price": {"input": 1, "output": 1}, "quality": {"math": 0.5}},
            "a:large": {"price": {"input": 1, "output": 1}, "quality": {"math": 0.6}},
        },
        "strategy": "task",
    }
    with open_session(**config) as session:
        before = session.select(items[0][0], task="math", provider="a")
        assert before.best.model == "a:large"
        run(session, items, BOTH, task="math")
        after = session.select(items[0][0], task="math", provider="a").best
        assert after.model == "a:small"
        assert after.quality > 0.6
        assert "40 evaluations" in after.sources["quality"]
    second = open_session(**config).select(items[0][0], task="math", provider="a").best
    assert second.model == "a:small"
    assert second.quality == pytest.approx(after.quality, abs=1e-3)


def test_a_simulated_answer_teaches_nothing(tmp_path: object) -> None:
    with Session({"probe": False}) as session:
        before = session.select("Say hello").best
        run(session, [("Say hello", "hello")], before.model)
        assert session.select("Say hello").best.sources["quality"] == before.sources["quality"]


def test_a_stop_keeps_what_is_done_and_closes_the_connections(
    session: Session, says: Says, stub: Stub
) -> None:
    says("small", "42")
    stub.rule("a", "hang", model="large")

    presses = iter([True])

    def stop(text: str, _expected: object) -> float:
        if next(presses, False):
            raise KeyboardInterrupt
        return 1.0

    with pytest.raises(EvaluationStopped) as caught:
        run(session, SUMS[:4], BOTH, check=stop)
    kept = caught.value.evaluation
    assert kept.plan.answers == 8
    assert len(kept.rows) < 8
    assert "of 8 answers are kept" in str(caught.value)
    stub.wait_idle()
    assert session.ask("still there?", model="a:small").text == "42"


def test_as_many_at_a_time_as_n_jobs(session: Session, stub: Stub) -> None:
    stub.rule("a", "ok?delay=0.02&words=6")
    run(session, SUMS, "a:small", n_jobs=3)
    assert 1 < stub.stats("a").max_inflight <= 3


def test_what_failed_answers_and_grades_were_paid_for_is_in_the_bill(
    open_session: Open, stub: Stub
) -> None:
    stub.rule("a", write("err_mid", words=50, after=30), model="small")
    stub.rule("a", write("err_mid", words=50, after=30), model="judge")

    def evaluated(mode: str) -> Evaluation:
        session = open_session(mode=mode)
        made = session.evaluate(["2 + 2?"], ["a:small", "a:large"], judge="a:judge")
        assert made.billed == session.ledger.spent.total
        return made

    recorded = evaluated("record")
    small, large = recorded.rows
    assert (small.text, large.quality) == (None, None)
    assert small.billed
    assert large.judge_cost
    replayed = evaluated("replay")
    assert replayed.billed == 0
    assert replayed.to_records() == [{**r, "replayed": True} for r in recorded.to_records()]


def test_a_replayed_evaluation_says_the_same_bills_nothing_and_is_no_observation(
    open_session: Open, says: Says
) -> None:
    says("small", "4")
    says("large", "5")
    items = [("2 + 2?", "4"), ("1 + 3?", "4")]
    recorded = open_session(mode="record").evaluate(items, ["a:small", "a:large"], check="exact")
    session = open_session(mode="replay")
    learnt = session.experience.tracks()
    made = session.evaluate(items, ["a:small", "a:large"], check="exact")
    assert str(made) == str(recorded)
    assert made.paid == recorded.billed
    assert recorded.billed
    assert made.billed == session.ledger.spent.total == 0
    assert session.experience.tracks() == learnt
