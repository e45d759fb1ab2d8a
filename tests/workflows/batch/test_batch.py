"""Batches: a template over a list, a Series or a table, in order, and paid for once."""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pytest
from pydantic import BaseModel

from orch_nb import OrchError, Response, Session
from orch_nb.errors import InputError, TemplateError, UnknownNameError
from orch_nb.workflows.batch.answers import COLUMNS, Answers, BatchRefused, BatchStopped
from stub.client import Stub
from stub.spec import write

Open = Callable[..., Session]
SMALL = "a:small"


def posts(stub: Stub) -> list[str]:
    return [entry.prompt for entry in stub.log() if entry.method == "POST"]


def test_a_list_gives_answers_in_its_order(session: Session, stub: Stub) -> None:
    items = [f"river {n}" for n in range(40)]
    answers = session.map(items, "About {{ item }}", model=SMALL)
    assert isinstance(answers, list)
    assert [answer.decision.profile.kind for answer in answers]  # all of them answered
    asked = [record.request.prompt for record in session.ledger]
    assert sorted(asked) == sorted(f"About {item}" for item in items)
    for item, answer in zip(items, answers, strict=True):
        assert session.ask(f"About {item}", model=SMALL).text == answer.text
    assert len(posts(stub)) == 40
    assert answers.failed == ()
    assert answers.billed == session.ledger.spent.total


def test_again_with_more_rows_only_the_new_ones_are_paid(session: Session, stub: Stub) -> None:
    first = session.map(["a", "b"], "Say {{ item }}", model=SMALL)
    again = session.map(["b", "c", "a"], "Say {{ item }}", model=SMALL)
    assert len(posts(stub)) == 3
    assert [answer.cached for answer in again] == [True, False, True]
    assert again[0].text == first[1].text
    assert again.billed == again[1].cost


def test_a_series_gives_a_table_with_its_index(session: Session) -> None:
    texts = pd.Series(["one", "two"], index=["x", "y"], name="text")
    frame = session.map(texts, "Count {{ text }}", model=SMALL)
    assert list(frame.columns) == list(COLUMNS)
    assert list(frame.index) == ["x", "y"]
    assert list(frame.model) == [SMALL] * 2
    assert Decimal(str(round(frame.billed.sum(), 12))) == round(session.ledger.spent.total, 12)
    joined = texts.to_frame().join(frame)
    assert joined.loc["y", "answer"] == session.ask("Count two", model=SMALL).text


def test_a_table_fills_columns_by_their_names(session: Session, stub: Stub) -> None:
    table = pd.DataFrame({"city": ["Rome", "Oslo"], "my year": [1, 2], "unused": [None, None]})
    session.map(table, "{{ city }} in {{ row['my year'] }}", model=SMALL)
    assert sorted(posts(stub)) == ["Oslo in 2", "Rome in 1"]


def test_a_row_that_fails_is_a_row_and_the_others_are_there(session: Session, stub: Stub) -> None:
    table = pd.DataFrame({"t": ["fine", None, "  ", "too"]})
    frame = session.map(table, "{{ t }}", model=SMALL)
    assert pd.isna(frame.error[0])
    assert frame.error[1] == "InputError: row 1: t is missing"
    assert "the prompt is empty" in frame.error[2]
    assert pd.isna(frame.cost[1])
    assert len(posts(stub)) == 2


def test_a_server_that_refuses_fails_its_rows(session: Session, stub: Stub) -> None:
    stub.rule("a", "400")
    answers = session.map(["x", "y"], "{{ item }}", model=SMALL)
    assert answers.failed == (0, 1)
    assert all(isinstance(answer, OrchError) for answer in answers)
    frame = answers.to_pandas()
    assert frame.error.str.contains("a:small").all()
    assert answers.billed == frame.billed.sum() == 0


def test_what_failed_rows_were_paid_for_is_in_the_bill_and_the_same_in_replay(
    open_session: Open, stub: Stub
) -> None:
    stub.rule("a", write("err_mid", words=50, after=30))

    def run(mode: str) -> tuple[Answers, list[dict[str, object]]]:
        session = open_session(mode=mode)
        answers = session.map(["x", "y"], "{{ item }}", model=SMALL)
        assert answers.failed == (0, 1)
        assert answers.billed == session.ledger.spent.total
        return answers, answers.to_pandas()[["billed", "error"]].to_dict("records")

    recorded, rows = run("record")
    assert recorded.billed
    assert sum(row["billed"] for row in rows) == pytest.approx(float(recorded.billed))
    replayed, _ = run("replay")
    assert replayed.billed == 0
    table = open_session(mode="replay").map(pd.Series(["x", "y"]), "{{ item }}", model=SMALL)
    assert table[["billed", "error"]].to_dict("records") == rows


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        (("text", "{{ item }}"), InputError, "must be a list"),
        (({"a": 1}, "{{ item }}"), InputError, "must be a list"),
        ((7, "{{ item }}"), InputError, "must be a list"),
        ((np.array(7), "{{ item }}"), InputError, "must be several"),
        ((["x"], "no braces"), TemplateError, "{{ item }}"),
        ((["x"], "{{ itm }}"), TemplateError, "did you mean item"),
        (([{"name": "x"}], "{{ nam }}"), TemplateError, "did you mean name"),
        ((pd.DataFrame({"text": ["x"]}), "{{ tex }}"), TemplateError, "did you mean text"),
        ((pd.DataFrame([[1, 2]], columns=["a", "a"]), "{{ a }}"), InputError, "same name"),
        ((["x"], 7), InputError, "must be text"),
    ],
)
def test_what_is_wrong_costs_nothing(
    session: Session, stub: Stub, wrong: tuple[Any, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        session.map(*wrong, model=SMALL)
    assert posts(stub) == []


def test_a_wrong_option_costs_nothing(session: Session, stub: Stub) -> None:
    with pytest.raises(UnknownNameError, match="temperature"):
        session.map(["x"], "{{ item }}", model=SMALL, temprature=1)  # type: ignore[call-arg]
    with pytest.raises(UnknownNameError, match="b:small"):
        session.map(["x"], "{{ item }}", model="b:small")
    with pytest.raises(InputError, match="n_jobs"):
        session.map(["x"], "{{ item }}", model=SMALL, n_jobs=0)
    assert posts(stub) == []


def test_nothing_gives_nothing(session: Session) -> None:
    assert session.map([], "{{ item }}", model=SMALL) == Answers()
    assert list(session.map(pd.Series([], dtype=str), "{{ item }}").columns) == list(COLUMNS)


def test_more_than_its_limit_is_refused_and_less_asks_nobody(session: Session, stub: Stub) -> None:
    with pytest.raises(InputError, match=r"more than max_cost=0\.001"):
        session.map(["x"] * 50, "{{ item }}", model="a:large", max_cost=0.001)
    assert posts(stub) == []
    assert len(session.map(["x"] * 50, "{{ item }}", model="a:large", max_cost=5)) == 50


def test_above_a_threshold_a_person_is_asked(session: Session, stub: Stub) -> None:
    said = list[str]()

    def no(question: str) -> bool:
        said.append(question)
        return False

    with pytest.raises(BatchRefused):
        session.map(["x", "y"], "{{ item }}", model="a:large", ask_above=0.0001, confirm=no)
    assert "2 prompts · a:large · about $0.0" in said[0]
    assert posts(stub) == []
    session.map(["x", "y"], "{{ item }}", model="a:large", ask_above=1, confirm=no)
    session.map(["p"], "{{ item }}", model="a:large", ask_above=None, confirm=no)
    session.map(["q"], "{{ item }}", model="a:large", ask_above=0, confirm=lambda _: True)
    assert (len(said), len(posts(stub))) == (1, 4)


def test_in_replay_the_same_is_said_and_refused(open_session: Open, stub: Stub) -> None:
    said = list[str]()

    def yes(plan: str) -> bool:
        said.append(plan)
        return True

    def run(mode: str) -> list[str]:
        session = open_session(mode=mode)
        answers = session.map(["x", "y"], "{{ item }}", model="a:large", ask_above=0, confirm=yes)
        with pytest.raises(InputError, match=r"more than max_cost=0\.001"):
            session.map(["z"] * 50, "{{ item }}", model="a:large", max_cost=0.001)
        return [answer.text for answer in answers]

    recorded = run("record")
    asked = len(posts(stub))
    assert (run("replay"), len(posts(stub))) == (recorded, asked)
    assert said[0] == said[1]


def test_where_nobody_can_be_asked_it_is_refused(session: Session, stub: Stub) -> None:
    with pytest.raises(InputError, match="nobody is here to say yes"):
        session.map(["x"], "{{ item }}", model="a:large", ask_above=0)
    assert posts(stub) == []


def test_an_interrupt_keeps_what_is_done_and_the_rest_is_paid_later(
    session: Session, stub: Stub
) -> None:
    stub.rule("a", write("ok", words=20, delay=0.01))
    items = [f"item {n}" for n in range(30)]

    def interrupt_after_some() -> None:
        while sum(record.response is not None for record in session.ledger) < 6:
            pass
        _thread.interrupt_main()

    threading.Thread(target=interrupt_after_some, daemon=True).start()
    with pytest.raises(BatchStopped, match="run it again") as stopped:
        session.map(items, "{{ item }}", model=SMALL, n_jobs=2)
    kept = stopped.value.answers
    done = [n for n in range(30) if isinstance(kept[n], Response)]
    assert 6 <= len(done) < 30
    assert all("before this row" in str(kept[n]) for n in kept.failed)
    stub.wait_idle()
    assert stub.stats().inflight == 0
    before = len(posts(stub))
    answers = session.map(items, "{{ item }}", model=SMALL)
    assert answers.failed == ()
    assert [answers[n].cached for n in done] == [True] * len(done)
    assert len(posts(stub)) - before == 30 - sum(answer.cached for answer in answers)


def test_the_answers_may_have_a_form(session: Session, stub: Stub) -> None:
    class City(BaseModel):
        name: str

    stub.rule("a", write("ok", text='{"name": "Rome"}'))
    frame = session.map(pd.Series(["x"]), "{{ item }}", model=SMALL, schema=City)
    assert frame.parsed[0] == City(name="Rome")


def test_many_workers_share_one_budget(open_session: Open, stub: Stub) -> None:
    stub.rule("a", write("ok", words=900))
    session = open_session(budget={"session": 0.0011})  # each costs about 0.0001
    answers = session.map(
        [f"n {n}" for n in range(64)], "{{ item }}", model=SMALL, n_jobs=16, max_tokens=1500
    )
    assert 0 < len(answers.failed) < 64
    assert session.ledger.spent.total <= Decimal("0.0011")


def test_an_interrupt_ends_what_is_asked_one_by_one(session: Session, stub: Stub) -> None:
    stub.rule("a", write("ok", words=200, delay=0.05))

    def interrupt() -> None:
        while not session.busy.get(SMALL):
            pass
        _thread.interrupt_main()

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(BatchStopped):
        session.map(["x", "y"], "{{ item }}", model=SMALL, n_jobs=1)
    (record,) = session.ledger
    assert record.error == "interrupted"


def test_a_bar_leaves_no_thread_and_none_is_made_where_none_is_wanted(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    session.map(["a", "b"], "{{ item }}", model=SMALL)
    assert "2/2" in capsys.readouterr().err
    assert "tqdm_monitor" not in {thread.name for thread in threading.enumerate()}
    session.map(["c"], "{{ item }}", model=SMALL, progress=False)
    assert capsys.readouterr().err == ""
