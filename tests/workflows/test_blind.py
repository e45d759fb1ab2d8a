"""Comparisons that are voted on before anybody knows whose the answers are."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orch_nb import Session
from orch_nb.errors import InputError, UnknownNameError
from orch_nb.workflows.blind import BlindComparison
from stub.client import Stub

Open = Callable[..., Session]
Says = Callable[[str, str], None]
PROMPT = "Translate this letter into French."
BOTH = ["a:small", "a:large"]


def evidence(session: Session, model: str) -> str:
    ranking = session.select(PROMPT).ranking
    return next(choice.sources["quality"] for choice in ranking if choice.model == model)


def blind(session: Session) -> BlindComparison:
    made = session.compare(PROMPT, BOTH, blind=True)
    assert isinstance(made, BlindComparison)
    return made


def test_a_vote_counts_for_and_against(session: Session, says: Says) -> None:
    says("small", "Cher ami")
    says("large", "Chère amie")
    made = blind(session)
    assert not made.revealed
    letter = next(letter for letter, row in made.letters.items() if row.model == "a:small")
    made.vote(letter.lower())
    assert made.revealed
    assert made.preferred == "a:small"
    assert "1 vote" in evidence(session, "a:small")
    assert "1 vote" in evidence(session, "a:large")
    with pytest.raises(InputError, match="was voted on: a:small"):
        made.vote("A")
    session.change(strategy="task")
    assert session.select(PROMPT).best.model == "a:small"


def test_letters_follow_from_the_answers(session: Session, says: Says) -> None:
    orders = set()
    for number in range(8):
        says("small", f"un {number}")
        says("large", f"une {number}")
        first = session.compare(f"{PROMPT} {number}", BOTH, blind=True)
        again = session.compare(f"{PROMPT} {number}", BOTH, blind=True)
        assert isinstance(first, BlindComparison)
        assert isinstance(again, BlindComparison)
        letters = [{at: row.model for at, row in one.letters.items()} for one in (first, again)]
        assert letters[0] == letters[1]
        orders.add(tuple(letters[0].values()))
    assert len(orders) == 2


def test_there_is_nothing_to_vote_on(session: Session, says: Says, stub: Stub) -> None:
    says("small", "Cher ami")
    made = blind(session)
    with pytest.raises(UnknownNameError, match="unknown answer 'C'"):
        made.vote("C")
    stub.rule("a", "500", model="large")
    made = session.compare("Another letter", BOTH, blind=True)  # type: ignore[assignment]
    assert made.revealed
    with pytest.raises(InputError, match="not two answers"):
        made.vote("A")


def test_simulated_answers_are_no_evidence(open_session: Open) -> None:
    session = open_session(providers={"sim": {"type": "sim"}})
    made = session.compare(PROMPT, 2, blind=True)
    assert isinstance(made, BlindComparison)
    made.vote("A")
    assert made.preferred in ("sim:small", "sim:medium", "sim:large")
    assert not any("vote" in str(choice.sources) for choice in session.select(PROMPT).ranking)
