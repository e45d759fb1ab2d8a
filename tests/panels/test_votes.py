"""Blind votes, and what the panel of experts makes of them."""

from __future__ import annotations

from orch_nb import Session
from orch_nb.workflows.blind import BlindComparison
from panels.conftest import CHEAP, STRONG, Open, Time
from panels.test_experts import note
from stub.client import Stub
from stub.spec import write


def vote(s: Session, prompt: str, preferred: str) -> None:
    made = s.compare(prompt, [CHEAP, STRONG], tool="letters", task="translation", blind=True)
    assert isinstance(made, BlindComparison)
    made.vote(next(at for at, row in made.letters.items() if row.model == preferred))


def test_votes_move_the_suggestion(s: Session, show: Open, stub: Stub, time: Time) -> None:
    for model in (CHEAP, STRONG):
        name = model.partition(":")[2]
        stub.rule("alpha", write("ok", text=f"I am {name}."), model=name)
    s.tool("letters")
    frame = show("experts")
    assert "best so far" not in note(frame, "letters")
    vote(s, "Translate this letter.", CHEAP)
    time.go_on(1)
    assert f"best so far at translation: {CHEAP}" in note(frame, "letters")
    assert "after 1 vote" in note(frame, "letters")
    for number in range(3):
        vote(s, f"Translate letter {number}.", STRONG)
    time.go_on(1)
    assert f"best so far at translation: {STRONG}" in note(frame, "letters")
    assert "after 4 votes" in note(frame, "letters")
