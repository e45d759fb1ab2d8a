"""``%orch compare``: an earlier comparison once more, and votes on one that is blind."""

from __future__ import annotations

from collections.abc import Sequence

from orch_nb.errors import InputError
from orch_nb.notebook.calls import find_place
from orch_nb.notebook.columns import comparison_table, figures_table
from orch_nb.notebook.display import below, quiet
from orch_nb.notebook.tables import Bundle
from orch_nb.sanitize import one_line
from orch_nb.session import Session
from orch_nb.workflows.blind import BlindComparison
from orch_nb.workflows.comparison import Comparison

_USAGE = "use `%orch compare [N] [vote LETTER]`; a prompt that begins with compare comes after --"


def show_comparison(words: list[str], session: Session) -> Bundle:
    """The last comparison, or the one with that number; with ``vote B`` after a vote on it.

    Comparisons are counted from 1, or from the last with -1; without a number, a vote is on the
    last one that waits for it. Raises `InputError`.
    """
    words, letter = _vote(words)
    made = session.comparisons
    if letter is not None and not words:
        words = _last_open(made)
    place = find_place(words, len(made), "comparison", _USAGE)
    found = made[place - 1]
    notes = [f"comparison {place} of {len(made)}: {found.prompt}"]
    if letter is not None:
        if not isinstance(found, BlindComparison):
            raise InputError("this comparison was not blind; --blind compares without names")
        found.vote(letter)
        notes.append(_consequence(found))
    return below(quiet([one_line(note, 600) for note in notes]), comparison_table(found))


def show_vote(made: BlindComparison, letter: str) -> Bundle:
    """Vote for `letter`, unless that was done already; whose the answers are that stand above."""
    if not made.revealed:
        made.vote(letter)
    return below(quiet([one_line(_consequence(made), 600)]), figures_table(made))


def _vote(words: list[str]) -> tuple[list[str], str | None]:
    """What stands before a vote, and its letter."""
    if "vote" not in words:
        return words, None
    at = words.index("vote")
    if len(words) != at + 2:
        raise InputError(_USAGE)
    return words[:at], words[-1]


def _last_open(made: Sequence[Comparison]) -> list[str]:
    """The number of the last comparison that waits for a vote, as a word."""
    places = [place for place, one in enumerate(made, 1) if not one.revealed]
    return [str(places[-1])] if places else []


def _consequence(voted: BlindComparison) -> str:
    first, *_ = voted.letters.values()
    if any(row.response is not None and row.response.simulated for row in voted):
        return f"you prefer {voted.preferred}; what was simulated counts in no choice"
    return f"you prefer {voted.preferred}; it counts for {first.kind} from the next choice on"
