"""A long session's records: packed, and still what they were."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

import pytest

from orch_nb.store.ledger import Ledger
from orch_nb.store.records import Records
from orch_nb.store.report import Report
from orch_nb.types import (
    Attempt,
    Choice,
    Decision,
    Estimate,
    Message,
    ModelCard,
    Prices,
    Record,
    Rejection,
    Request,
    Response,
    TaskProfile,
    Tool,
    Usage,
)

CARDS = [
    ModelCard("p", f"m{n}", prices=Prices(Decimal(n), Decimal(2 * n)), quality={"chat": 0.5})
    for n in range(1, 9)
]
MANY = 834


def choice(card: ModelCard) -> Choice:
    estimate = Estimate(Decimal("0.001"), 1.5)
    return Choice(card, 0.5, {"cost": 0.5}, estimate, f"{card.id} is best", 0.5, {"cost": "stated"})


def record(number: int) -> Record:
    """One of several kinds of calls, whose sums differ."""
    card = CARDS[number % 8]
    others = [other for other in CARDS if other is not card]
    ranking = tuple(map(choice, [card, *others]))
    profile = TaskProfile("code" if number % 3 else "chat", number, 20)
    decision = Decision("cost", "strategy", profile, ranking, [Rejection("p:x", "too dear")] * 3)
    request = Request((Message("user", f"prompt {number}"),))
    attempts: tuple[Attempt, ...] = (Attempt(card.id, 0.1 * number),)
    if number % 7 == 0:
        attempts = (Attempt(others[3].id, 0.5, "cut", "cut"), Attempt(card.id, 1.0, "429", "429"))
        return Record(1.8e9 + number, request, decision, attempts, None, "failed", "AllFailed")
    response = Response(
        text=f"answer {number} \ud83d",
        model=card.id,
        usage=Usage(number, 20),
        cost=Decimal(number) / 7,
        finish="stop",
        seconds=0.1 * number,
        ttft=0.01,
        cached=number % 5 == 0,
        decision=decision,
        attempts=attempts,
    )
    return Record(1.8e9 + number, request, decision, attempts, response)


def kept(records: Iterable[Record]) -> Records:
    made = Records()
    for one in records:
        made.append(one)
    return made


def undecided(one: Record) -> Record:
    response = one.response and replace(one.response, decision=Decision("", "", TASK, ()))
    return replace(one, decision=None, response=response)


TASK = TaskProfile("chat", 0, 0)


def test_they_are_a_sequence_however_many_there_are() -> None:
    records = [record(number) for number in range(MANY)]
    made = kept(records)
    assert len(made) == MANY
    assert list(map(undecided, made)) == list(map(undecided, records))
    for place in (0, 99, 100, 299, 300, MANY - 1, -1, -500, -534, -535, -MANY):
        assert undecided(made[place]) == undecided(records[place])
    assert [r.at for r in made[95:400:3]] == [r.at for r in records[95:400:3]]
    assert [r.at for r in reversed(made)] == [r.at for r in reversed(records)]
    for place in (MANY, -MANY - 1):
        with pytest.raises(IndexError, match=f"there are {MANY} records"):
            made[place]


def test_the_newest_are_the_very_records() -> None:
    records = [record(number) for number in range(MANY)]
    made = kept(records)
    assert all(made[-place] is records[-place] for place in range(1, 501))


def test_of_an_old_decision_who_was_best_and_who_was_asked_is_kept() -> None:
    records = [record(number) for number in range(MANY)]
    for mine, theirs in zip(kept(records)[:100], records, strict=False):
        assert mine.decision is not None
        assert theirs.decision is not None
        assert mine.decision.best == theirs.decision.best
        listed = {choice.model for choice in mine.decision.ranking}
        assert {attempt.model for attempt in mine.attempts} <= listed
        assert len(mine.decision.ranking) + mine.decision.omitted == 8
        assert len(mine.decision.rejected) + mine.decision.omitted_rejected == 3
        if mine.response is not None:
            assert mine.response.decision is mine.decision


def test_sums_rows_and_report_are_the_same_to_the_cent() -> None:
    records = [record(number) for number in range(MANY)]
    ledger = Ledger(session="s")
    for one in records:
        ledger.add(one)
    assert str(Report.of(ledger)) == str(Report.of(records))
    assert ledger.spent.known == sum(
        (r.response.billed or Decimal(0) for r in records if r.response), Decimal(0)
    )
    short = Ledger(session="s")
    for one in records[:300]:
        short.add(one)
    assert ledger.to_records()[:300] == short.to_records()


def test_what_was_parsed_is_the_users_own_object() -> None:
    class Local:
        """Nothing that pickle could find again."""

    things = [Local() for _ in range(MANY)]
    made = Records()
    for number, thing in enumerate(things):
        one = record(number)
        if one.response is not None:
            one = replace(one, response=replace(one.response, parsed=thing))
        made.append(one)
    for one, thing in zip(made, things, strict=True):
        assert one.response is None or one.response.parsed is thing


def test_what_cannot_be_packed_is_kept() -> None:
    tool = Tool("t", "", {"type": lambda: "no JSON"})
    made = Records()
    for number in range(MANY):
        one = record(number)
        made.append(replace(one, request=replace(one.request, tools=(tool,))))
    assert made[3].request.tools == (tool,)
    assert made[3].request.prompt == "prompt 3"


def test_an_old_record_takes_a_tenth() -> None:
    def size(count: int) -> int:
        tracemalloc.start()
        made = kept(map(record, range(count)))
        taken, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(made) == count
        return taken

    few, many = size(500), size(2500)
    assert (many - few) / 2000 < 0.1 * few / 500


def test_readers_see_every_record_once_while_others_add() -> None:
    made, seen = Records(), []

    def read() -> None:
        while len(made) < 1500:
            seen.append([int(one.at - 1.8e9) for one in made])

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1500):
        made.append(record(number))
    reader.join()
    assert seen
    assert all(numbers == list(range(len(numbers))) for numbers in seen)
