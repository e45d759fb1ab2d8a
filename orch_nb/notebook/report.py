"""``%orch report``: the session's models side by side, and what there is to do better."""

from __future__ import annotations

from orch_nb.errors import InputError
from orch_nb.notebook import render
from orch_nb.notebook.display import below
from orch_nb.notebook.tables import QUIET, Bundle, table
from orch_nb.sanitize import one_line
from orch_nb.session import Session


def show_report(words: list[str], session: Session) -> Bundle:
    """One row a model, and under them the suggestions, each with its threshold."""
    if words:
        raise InputError("use `%orch report`; a prompt that begins with report comes after --")
    report = session.report()
    head, *rows = report.cells()
    lines = [one_line(note, 600) for note in report.notes]
    inside = "".join(f"<li>{render.escape(line)}</li>" for line in lines)
    notes = {
        "text/html": f"<ul {QUIET}>{inside}</ul>",
        "text/plain": "\n".join(f"- {line}" for line in lines),
    }
    return below(table(head, rows), notes)
