"""One prompt to several models of a server, side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel

from orch_nb import Session
from orch_nb.errors import InputError, SelectionError, UnknownNameError
from orch_nb.workflows.compare import Watcher
from orch_nb.workflows.comparison import Compared, Comparison, ComparisonStopped
from stub.client import Stub
from stub.spec import write

Open = Callable[..., Session]
Says = Callable[[str, str], None]
PROMPT = "Translate this letter into French."
BOTH = ["a:small", "a:large"]


def chats(stub: Stub) -> int:
    return sum(entry.wire == "chat" for entry in stub.log())


class Seen(Watcher):
    """Notes what it is told."""

    def __init__(self) -> None:
        self.models: list[str] = []
        self.texts: dict[int, str] = {}
        self.rows: dict[int, Compared] = {}

    def planned(self, rows: Any) -> None:
        self.models = [row.model for row in rows]

    def arrived(self, place: int, text: str) -> None:
        self.texts[place] = self.texts.get(place, "") + text

    def answered(self, place: int, row: Compared) -> None:
        self.rows[place] = row


def test_each_model_answers_by_itself(session: Session, says: Says, stub: Stub) -> None:
    says("small", "Cher ami")
    says("large", "Chère amie")
    seen = Seen()
    made = session.compare(PROMPT, BOTH, temperature=0, system="Be brief.", watcher=seen)
    assert isinstance(made, Comparison)
    assert [row.model for row in made] == BOTH
    assert [row.text for row in made] == ["Cher ami", "Chère amie"]
    assert [row.error for row in made] == [None, None]
    assert seen.models == BOTH
    assert seen.texts == {0: "Cher ami", 1: "Chère amie"}
    assert [seen.rows[place] for place in (0, 1)] == list(made)
    bodies = [entry.body for entry in stub.log() if entry.wire == "chat"]
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": PROMPT}]
    assert [body["messages"] for body in bodies] == [turns, turns]
    assert len(session.ledger) == 2
    assert made.billed == session.ledger.spent.known
    assert session.comparisons == [made]


def test_rows_are_flat_and_a_table(session: Session, says: Says) -> None:
    says("small", "Cher ami")
    made = session.compare(PROMPT, BOTH)
    first, _ = made.to_records()
    assert (first["model"], first["text"], first["error"]) == ("a:small", "Cher ami", None)
    assert isinstance(first["cost"], Decimal)
    frame = made.to_pandas()
    assert list(frame.model) == BOTH
    assert frame.cost.sum() == pytest.approx(float(made.billed or 0))
    assert len(made[:1]) == 1
    assert made[1].model == "a:large"


def test_all_are_under_way_at_the_same_time(session: Session, stub: Stub) -> None:
    stub.rule("a", write("ok", words=20, delay=0.05))
    session.compare(PROMPT, ["a:small", "a:large", "a:judge"])
    assert stub.stats("a").max_inflight == 3


def test_a_model_that_fails_is_a_row(session: Session, says: Says, stub: Stub) -> None:
    says("small", "Cher ami")
    stub.rule("a", "500", model="large")
    good, bad = session.compare(PROMPT, BOTH)
    assert good.text == "Cher ami"
    assert bad.response is None
    assert bad.error is not None
    assert "a:large" in bad.error
    assert "\n" not in bad.error
    assert (bad.cost, bad.seconds, bad.text) == (None, None, None)


def test_a_number_takes_the_first_that_differ(open_session: Open, stub: Stub) -> None:
    copy = {"type": "compatible", "base_url": stub.url("b", "/v1"), "max_retries": 0}
    a = copy | {"base_url": stub.url("a", "/v1")}
    stub.models("b", ["small"])
    session = open_session(providers={"a": a, "b": copy})
    ranked = [choice.model for choice in session.select(PROMPT, strategy="cost").ranking]
    assert ranked[0] == "a:small"
    assert "b:small" in ranked
    made = session.compare(PROMPT, 2, strategy="cost")
    assert [row.model for row in made] == ["a:small", "a:judge"]


@pytest.mark.parametrize(
    ("models", "options", "kind", "said"),
    [
        ([], {}, InputError, "model is an empty list"),
        (["a:small"], {}, InputError, "1 models, where 2 to 26"),
        (["a:judge", "judge"], {}, InputError, "1 models, where 2 to 26"),
        (["a:small", "b:large"], {}, UnknownNameError, "unknown"),
        (["a:small", "lrge"], {}, UnknownNameError, "did you mean"),
        (1, {}, InputError, "models must be a whole number of at least 2"),
        (True, {}, InputError, "models must be a whole number"),
        (4, {}, InputError, "there are not 4 different models for this"),
        (27, {}, InputError, "models must be at most 26"),
        (BOTH, {"model": "a:small"}, InputError, "leave model out"),
        (BOTH, {"check": "assert True"}, InputError, "leave check out"),
        (BOTH, {"strategy": "cost"}, InputError, "leave one of both out"),
        (BOTH, {"temperature": 9}, InputError, "temperature must be"),
        (BOTH, {"max_cost": 0}, InputError, "is more than max_cost=0"),
        (BOTH, {"exclude": "a:large"}, SelectionError, "a:large"),
        (BOTH, {"frobnicate": 1}, UnknownNameError, "frobnicate"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_sent(
    session: Session,
    stub: Stub,
    *,
    models: Any,
    options: dict[str, Any],
    kind: type[Exception],
    said: str,
) -> None:
    with pytest.raises(kind, match=said.replace("?", r"\?")):
        session.compare(PROMPT, models, **options)
    assert chats(stub) == 0
    assert session.comparisons == []


def test_a_plan_is_priced_and_asks_nobody(session: Session, stub: Stub) -> None:
    plan = session.compare(PROMPT, BOTH, dry_run=True)
    assert [row.model for row in plan] == BOTH
    assert [(row.response, row.error) for row in plan] == [(None, None)] * 2
    costs = [session.select(PROMPT, model=model).best.estimate.cost for model in BOTH]
    assert plan.expected_cost == sum(cost for cost in costs if cost is not None)
    assert chats(stub) == 0
    assert session.comparisons == []


class City(BaseModel):
    name: str


def test_the_options_of_ask(session: Session, says: Says, stub: Stub) -> None:
    says("small", '{"name": "Oslo"}')
    says("large", "Oslo, of course")
    good, bad = session.compare(PROMPT, BOTH, schema=City, task="extraction", max_tokens=50)
    assert good.response is not None
    assert good.response.parsed == City(name="Oslo")
    assert good.kind == "extraction"
    assert "the answer is no City" in str(bad.error)
    again = session.compare(PROMPT, BOTH, schema=City, task="extraction", max_tokens=50)
    assert again[0].response is not None
    assert again[0].response.cached
    assert again[0].billed == 0
    assert again.billed == again[1].billed  # what does not fit the form is asked, and paid, anew


def test_one_budget(open_session: Open, says: Says) -> None:
    says("small", "Cher ami")
    session = open_session(budget={"session": 0.002})
    made = session.compare(PROMPT, BOTH, max_tokens=500)
    assert made[0].text == "Cher ami"
    assert "budget" in str(made[1].error)


def test_a_stop_keeps_what_is_done(session: Session, says: Says, stub: Stub) -> None:
    says("small", "Cher ami")
    stub.rule("a", "hang", model="large")

    class Stops(Watcher):
        def answered(self, place: int, row: Compared) -> None:
            raise KeyboardInterrupt

    with pytest.raises(ComparisonStopped, match="1 of 2 answers are kept") as stop:
        session.compare(PROMPT, BOTH, watcher=Stops())
    done, open_ = stop.value.comparison
    assert done.text == "Cher ami"
    assert open_.error == "interrupted"
    stub.wait_idle()
    says("large", "Chère amie")
    again = session.compare(PROMPT, BOTH)
    assert [row.response and row.response.cached for row in again] == [True, False]


def test_a_stop_keeps_what_had_arrived(session: Session, says: Says, stub: Stub) -> None:
    says("small", "Cher ami")
    stub.rule("a", write("hang_mid", after=2, text="Chère amie"), model="large")

    class Stops(Watcher):
        def arrived(self, place: int, text: str) -> None:
            if place == 1:
                raise KeyboardInterrupt

    with pytest.raises(ComparisonStopped) as stop:
        session.compare(PROMPT, BOTH, watcher=Stops())
    row = stop.value.comparison[1]
    assert (row.text, row.error) == (None, "interrupted")
    assert row.partial
    assert "Chère amie".startswith(row.partial)


def test_only_the_last_comparisons_are_remembered(session: Session, says: Says) -> None:
    says("small", "Cher ami")
    says("large", "Chère amie")
    made = [session.compare(PROMPT, BOTH) for _ in range(103)]
    assert session.comparisons == made[3:]


def test_a_session_that_is_closed_meanwhile_stops_it(session: Session, stub: Stub) -> None:
    stub.rule("a", "hang")
    closer = threading.Timer(0.3, session.close)
    closer.start()
    with pytest.raises(ComparisonStopped):
        session.compare(PROMPT, BOTH)
    closer.join()


# -- threads


def test_each_model_has_its_own_part_of_a_thread(session: Session, says: Says, stub: Stub) -> None:
    says("small", "I am small")
    says("large", "I am large")
    session.compare("Who are you?", BOTH, thread="who")
    session.compare("Really?", 2, thread="who")
    last = {e.model: e.body["messages"] for e in stub.log() if e.wire == "chat"}
    for name in ("small", "large"):
        assert [turn["content"] for turn in last[name]] == [
            "Who are you?",
            f"I am {name}",
            "Really?",
        ]
    with pytest.raises(InputError, match="say which of them goes on"):
        session.ask("And now?", thread="who")
    with pytest.raises(InputError, match="there are not 3 different models"):
        session.compare("And now?", 3, thread="who")


def test_what_a_model_was_paid_for_in_vain_is_in_the_bill(session: Session, stub: Stub) -> None:
    stub.rule("a", write("err_mid", words=50, after=30), model="large")
    made = session.compare(PROMPT, BOTH)
    answered, failed = made
    assert failed.error
    assert failed.billed
    assert made.billed == session.ledger.spent.total == (answered.billed or 0) + failed.billed
    assert made.to_records()[1]["billed"] == failed.billed


def test_a_replay_has_the_same_rows(open_session: Open, says: Says, stub: Stub) -> None:
    says("small", "Cher ami")
    says("judge", "Amie")
    stub.rule("a", "500", model="large")
    models = ["a:small", "a:large", "judge"]

    def compared(mode: str) -> list[dict[str, object]]:
        made = open_session(mode=mode).compare(PROMPT, models, thread="letters")
        assert (made.billed == 0) == (mode == "replay")
        return made.to_records()

    recorded = compared("record")
    asked = chats(stub)
    assert compared("replay") == recorded
    assert chats(stub) == asked
    assert [row["text"] for row in recorded] == ["Cher ami", None, "Amie"]
