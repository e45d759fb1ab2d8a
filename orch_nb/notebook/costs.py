"""``%orch costs``: what models cost and how long they took, as charts and a table."""

from __future__ import annotations

import argparse
import math

from orch_nb.charts.report import cost_charts
from orch_nb.errors import InputError
from orch_nb.figures import count
from orch_nb.notebook.display import show
from orch_nb.notebook.options import Parser
from orch_nb.notebook.tables import Bundle, table
from orch_nb.session import Session
from orch_nb.store.call_figures import of_row
from orch_nb.store.overview import Overview
from orch_nb.store.reckoning import reckon

_USAGE = (
    "use `%orch costs [NOTEBOOK.ipynb | --all | --days N]`; "
    "a prompt that begins with costs comes after --"
)


def show_costs(words: list[str], session: Session) -> Bundle:
    """Of this session, of all sessions on disk, or of the answers saved in a notebook."""
    options = _parsed(words)
    notes: list[str] = []
    if options.notebook is not None:
        overview, notes = _of_notebook(options.notebook)
    elif options.all or options.days is not None:
        rows = session.ledger.history(days=options.days)
        overview = reckon(map(of_row, rows))
        notes.append("of all sessions on disk; what failed counts to the model that came last")
    else:
        report = session.report()
        overview = report.overview
        notes += [report.unbilled] if report.unbilled else []
    for chart in cost_charts(overview):
        show(chart)
    head, *cells = overview.cells()
    return table(head, cells, "; ".join([*overview.notes, *notes]))


def _of_notebook(name: str) -> tuple[Overview, list[str]]:
    from orch_nb.store.saved_notebook import read_notebook  # noqa: PLC0415 - loads pydantic

    saved = read_notebook(name)
    notes = [f"{count(len(saved.calls), 'answer')} saved in {name}"]
    if saved.damaged:
        notes.append(f"{count(saved.damaged, 'output')} with damaged numbers left out")
    return reckon(saved.calls), notes


def _parsed(words: list[str]) -> argparse.Namespace:
    parser = Parser(_USAGE)
    parser.add_argument("notebook", nargs="?")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--days", type=float)
    options = parser.parse_args(words)
    if options.notebook is not None and not options.notebook.endswith(".ipynb"):
        raise InputError(_USAGE)
    if options.notebook is not None and (options.all or options.days is not None):
        raise InputError(f"a notebook has no other sessions; {_USAGE}")
    if options.days is not None and not 0 < options.days < math.inf:
        raise InputError(f"--days is a number above 0; {_USAGE}")
    return options
