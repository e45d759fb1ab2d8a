"""The calls of a session, as commands name them: by their number."""

from __future__ import annotations

from collections.abc import Sequence

from orch_nb.errors import InputError
from orch_nb.session import Session
from orch_nb.types import Record

_DONE = {"call": "asked", "comparison": "compared", "evaluation": "evaluated"}


def find_call(words: Sequence[str], session: Session, usage: str) -> tuple[int, Record]:
    """The number of the call that `words` mean, counted from 1, and its record.

    One number, from the last call with -1, or none for the last. Raises `InputError`, which says
    `usage` where `words` are anything else.
    """
    place = find_place(words, len(session.ledger), "call", usage)
    return place, session.ledger[place - 1]


def find_place(words: Sequence[str], count: int, what: str, usage: str) -> int:
    """The number that `words` mean, of `count` calls or what `what` says; raises as `find_call`.

    `what` is one of "call", "comparison", "evaluation".
    """
    if len(words) > 1 or (words and not words[0].removeprefix("-").isdecimal()):
        raise InputError(f"{' '.join(words)} is no number of a {what}; {usage}")
    if not count:
        raise InputError(f"nothing was {_DONE[what]} yet in this session; {usage}")
    number = int(words[0]) if words else count
    place = number + count + 1 if number < 0 else number
    if not 1 <= place <= count:
        raise InputError(f"there is no {what} {number}; take 1 to {count}, or -1 for the last")
    return place
