"""``%orch report``: the session's models side by side, and what there is to do better."""

from __future__ import annotations

import argparse
from typing import Any

from orch_nb.charts.report import report_charts
from orch_nb.notebook import render
from orch_nb.notebook.display import below, show
from orch_nb.notebook.options import Parser
from orch_nb.notebook.page import write_page
from orch_nb.notebook.tables import QUIET, Bundle, table
from orch_nb.sanitize import one_line
from orch_nb.session import Session
from orch_nb.store.report import Report

_USAGE = "use `%orch report [--out FILE.html]`; a prompt that begins with report comes after --"
_TITLE = "What the models of this session did and cost"


def show_report(words: list[str], session: Session) -> Bundle:
    """The charts, one row a model, and under them the suggestions, each with its threshold."""
    options, report = _parsed(words), session.report()
    charts = report_charts(report)
    said = report_table(report)
    if options.out is not None:
        path = write_page(options.out, _TITLE, [*charts, said])
        return {"text/plain": f"written to {path}"}
    for chart in charts:
        show(chart)
    return said


def report_bundle(report: Report) -> tuple[Bundle, dict[str, Any]]:
    """What IPython shows of a Report: the charts as still pictures, above the table."""
    charts, said = report_charts(report), report_table(report)
    pictures = "".join(f"<div>{chart['text/html']}</div>" for chart in charts)
    return {"text/html": pictures + said["text/html"], "text/plain": said["text/plain"]}, {}


def report_table(report: Report) -> Bundle:
    """One row a model, and the suggestions as a list."""
    head, *rows = report.cells()
    lines = [one_line(note, 600) for note in report.notes]
    inside = "".join(f"<li>{render.escape(line)}</li>" for line in lines)
    notes = {
        "text/html": f"<ul {QUIET}>{inside}</ul>",
        "text/plain": "\n".join(f"- {line}" for line in lines),
    }
    return below(table(head, rows), notes)


def _parsed(words: list[str]) -> argparse.Namespace:
    parser = Parser(_USAGE)
    parser.add_argument("-o", "--out")
    return parser.parse_args(words)
