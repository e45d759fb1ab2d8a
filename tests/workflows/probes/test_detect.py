"""Probes of what models can do: scored by checks, kept, and heard in later choices."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orch_nb import Session
from orch_nb.errors import InputError, SelectionError, UnknownNameError
from orch_nb.invoke.picture import read_image
from orch_nb.workflows.probes.probes import KINDS, probes
from stub.client import Stub

Open = Callable[..., Session]
Says = Callable[[str, str], None]
RIGHT = {
    "code": ["30", "4", "**fdb**", "KeyError", "2"],
    "reasoning": ["205", "Bo", "50", "No.", "4"],
    "analysis": ["April", "90", "6", "Mixed", "The heat"],
    "context": ["4711", "8203", "The code is 6154.", "3907", "5528"],
    "instructions": ["Water falling down", "PO; RHINE", "enots", "1.\n2.\n3.\n4.\n5.", "D"],
    "json": [
        '{"year": 753, "city": "Rome"}',
        "[2, 4, 6, 8]",
        '{"name": "Mara", "age": 12}',
        '{"a": null, "b": [true, false]}',
        '{"red": 2, "blue": 1}',
    ],
    "vision": ["Red", "blue", "4", "green", "Blue and yellow"],
}
WRONG = ["", "I do not know", "31", "```json\n[1]\n```", "x" * 1000]


@pytest.mark.parametrize("capability", KINDS)
def test_right_answers_pass_and_wrong_ones_do_not(capability: str) -> None:
    tried = probes()[capability]
    assert len(tried) == 5
    for probe, right in zip(tried, RIGHT[capability], strict=True):
        assert probe.passes(right), (probe.prompt[-80:], right)
        assert not any(probe.passes(wrong) for wrong in WRONG)
        assert all(read_image(image).media_type == "image/png" for image in probe.images)
        assert bool(probe.images) is (capability == "vision")


def chats(stub: Stub) -> int:
    return sum(entry.wire == "chat" for entry in stub.log())


def test_scores_have_intervals_and_change_later_choices(
    session: Session, stub: Stub, says: Says
) -> None:
    says("small", "30")
    says("large", "4")
    before = session.select("Write a program", task="code", model="a:small").best.quality
    made = session.probe(["a:small", "a:large"], "code")
    assert [(one.model, one.count) for one in made.abilities] == [("a:small", 5), ("a:large", 5)]
    score = made.abilities[0].score
    assert score is not None
    assert score.mean == 0.2
    assert score.low < 0.2 < score.high
    after = session.select("Write a program", task="code", model="a:small").best.quality
    assert after < before
    assert chats(stub) == 10
    assert made.billed == session.ledger.spent.total
    assert {row["kind"] for row in made.to_records()} == {"code"}
    assert "20%" in str(made)


def test_a_model_that_cannot_see_is_not_asked_to(open_session: Open, stub: Stub) -> None:
    session = open_session(
        models={
            "a:small": {"capabilities": ["json"], "price": {"input": 1, "output": 1}},
            "a:large": {"capabilities": ["vision"], "price": {"input": 1, "output": 1}},
        }
    )
    made = session.probe(["a:small", "a:large"], ["vision", "code"])
    seen, unseen = made.abilities[1], made.abilities[0]
    assert unseen.score is None
    assert "vision" in unseen.why
    assert seen.count == 5
    assert chats(stub) == 15
    with pytest.raises(SelectionError, match="vision"):
        session.probe("a:small", "vision")


def test_what_is_wrong_or_too_dear_costs_nothing(session: Session, stub: Stub) -> None:
    with pytest.raises(UnknownNameError, match="did you mean reasoning"):
        session.probe("a:small", "reasonin")
    with pytest.raises(InputError, match="more than max_cost"):
        session.probe("a:large", max_cost=0.0001)
    assert session.probe("a:small", "json", dry_run=True).abilities[0].score is None
    assert chats(stub) == 0
