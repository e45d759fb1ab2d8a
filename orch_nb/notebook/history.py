"""``%orch history``: what was asked, whom, and what came of it."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from datetime import datetime

from orch_nb.errors import InputError
from orch_nb.figures import count, dollars, seconds
from orch_nb.notebook.options import Option, Options
from orch_nb.notebook.tables import Bundle, table
from orch_nb.sanitize import one_line
from orch_nb.session import Session
from orch_nb.store.call_row import CallRow, summarise

_USAGE = "use `%orch history [N] [--search WORD] [--all]`"
_LAST = 20  # what is looked at without a number: a screen of calls
_PROMPT, _REASON = 60, 100  # characters; `%orch why` has all of it
_LINE = Options(
    "%orch history",
    (
        Option(("--search",), "WORD", "only calls that hold this word"),
        Option(("--all",), None, "the calls of all sessions, without their texts"),
    ),
)


def show_history(words: list[str], session: Session) -> Bundle:
    """The last calls, the newest at the end, by the numbers that other commands take.

    Of other sessions there are no texts, and their calls have no number here.
    """
    options, last = _read(words)
    found = _everywhere(session) if options.all else _here(session, last, options.search)
    fitting = [(said, row) for said, row in found if _fits(said, row, options.search)]
    shown = fitting[-last:]
    live = session.settings.mode == "live"  # else the same in every replay
    asked = _times([row.at for _, row in shown]) if live else []
    head = ["call", *(["asked at"] if live else []), "kind" if options.all else "prompt"]
    rows = [
        [_number(row, session), *asked[i : i + 1], one_line(said, _PROMPT), *_cells(row)]
        for i, (said, row) in enumerate(shown)
    ]
    total = len(found) if options.all else len(session.ledger)
    note = f"{len(shown)} of {count(total, 'call')}; `%orch why N`, `rerun N` and `rate N` take"
    note += " the number"
    more = "" if options.all else "; `--all` has the calls of all sessions, without their texts"
    return table([*head, "model", "billed", "took", "outcome"], rows, note + more)


def _read(words: list[str]) -> tuple[argparse.Namespace, int]:
    first, rest = (words[:1], words[1:]) if words[:1] and words[0].isdecimal() else ([], words)
    options, more = _LINE.parse(shlex.join(rest))
    if more and (first or not more.isdecimal()):
        raise InputError(f"{more} is no number of calls; {_USAGE}")
    last = int(more or (first[0] if first else _LAST))
    if not last:
        raise InputError(f"0 calls are none to show; {_USAGE}")
    return options, last


def _here(session: Session, last: int, word: str | None) -> list[tuple[str, CallRow]]:
    """The calls of this session with their prompts: the `last`, or all in which to look for `word`.

    A long session has packed the older ones, and each takes its time.
    """
    ledger = session.ledger
    first = max(0, len(ledger) - last) if word is None else 0
    return [
        (record.request.prompt, summarise(record, ledger.session, number, ledger.secrets))
        for number, record in enumerate(ledger[first:], start=first + 1)
    ]


def _everywhere(session: Session) -> list[tuple[str, CallRow]]:
    """The calls of all sessions with their kinds."""
    return [(row.kind or "—", row) for row in session.ledger.history()]


def _fits(said: str, row: CallRow, word: str | None) -> bool:
    return word is None or word.lower() in " ".join([said, *_cells(row)]).lower()


def _number(row: CallRow, session: Session) -> str:
    return str(row.call) if row.session == session.ledger.session else "—"


def _times(moments: Sequence[float]) -> list[str]:
    """Local times; with their day where it is not the same for all."""
    local = [datetime.fromtimestamp(at).astimezone() for at in moments]
    form = "%H:%M:%S" if len({at.date() for at in local}) == 1 else "%Y-%m-%d %H:%M"
    return [at.strftime(form) for at in local]


def _cells(row: CallRow) -> list[str]:
    """Model, dollars that were billed, seconds, and what came of it."""
    about = "~" if row.billed and row.usage_source != "known" else ""
    cost = f"up to {dollars(row.unknown_cost)}" if row.unknown else about + dollars(row.billed)
    return [row.model or "—", cost, seconds(row.seconds), _outcome(row)]


def _outcome(row: CallRow) -> str:
    if row.error is not None:
        said = one_line(f"{row.error_type}: {row.error}", _REASON)
        return "stopped" if row.error_type == "Interrupted" else said
    parts = ["cached" if row.cached else "answered"]
    if row.finish == "length":
        parts.append("cut short")
    if row.simulated:
        parts.append("simulated")
    return ", ".join([*parts, row.trail] if row.trail else parts)
