"""``%orch rate``: what a person thinks of an answer counts in later choices."""

from __future__ import annotations

import time
from functools import partial

from orch_nb.errors import InputError
from orch_nb.notebook.buttons import Button, Buttons
from orch_nb.notebook.calls import find_call
from orch_nb.notebook.display import quiet
from orch_nb.notebook.tables import Bundle, table
from orch_nb.session import Session
from orch_nb.types import Observation, Record, Response

_USAGE = "use `%orch rate [N] up|down|0..1`"
_WORDS = {"up": 1.0, "down": 0.0}


def show_rating(words: list[str], session: Session) -> Bundle:
    """Rate the answer of the last call, or of the one with that number, as `words` say.

    Calls are counted from 1, or from the last with -1. An answer from the cache may be rated: it is
    the model's. Raises `InputError` for a call without an answer of a real model.
    """
    if not 1 <= len(words) <= 2:
        raise InputError(_USAGE)
    quality = _quality(words[-1])
    number, record = find_call(words[:-1], session, _USAGE)
    response = _answer(number, record)
    note = rate(response, quality, session)
    return table(["call", "model", "rated"], [[str(number), response.model, f"{quality:g}"]], note)


def rate(response: Response, quality: float, session: Session) -> str:
    """Let `quality`, in 0..1, count for the model of `response`, and say for what."""
    kind = response.decision.profile.kind
    session.remember(Observation(time.time(), response.model, kind, "rating", quality=quality))
    return f"counts for {kind} from the next choice on, in your other sessions too"


def thumbs(response: Response, session: Session) -> None:
    """Two buttons, as an output of the running cell, that rate `response`, and go with that."""

    def press(word: str) -> None:
        note = rate(response, _WORDS[word], session)
        buttons.replace(quiet([f"rated {word}: {note}"]))

    buttons = Buttons(
        [
            Button("thumbs-up", "A good answer", partial(press, "up"), "good"),
            Button("thumbs-down", "A bad answer", partial(press, "down"), "bad"),
        ]
    )


def _quality(word: str) -> float:
    if word in _WORDS:
        return _WORDS[word]
    try:
        quality = float(word)
    except ValueError:
        quality = -1.0
    if not 0.0 <= quality <= 1.0:
        raise InputError(f"{word} is no rating; {_USAGE}")
    return quality


def _answer(number: int, record: Record) -> Response:
    response = record.response
    if response is None:
        raise InputError(f"call {number} has no answer to rate: {record.error}")
    if response.simulated:
        raise InputError(f"the answer to call {number} was simulated; there is nothing to rate")
    return response
