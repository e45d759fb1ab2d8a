"""Answers side by side: while they grow, and once they are complete."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from orch_nb.figures import dollars, seconds
from orch_nb.notebook import render
from orch_nb.notebook.display import below, measured, provenance, quiet, said
from orch_nb.notebook.growing import GrowingOutput
from orch_nb.notebook.tables import QUIET, Bundle, table
from orch_nb.sanitize import one_line, visible
from orch_nb.workflows.blind import BlindComparison
from orch_nb.workflows.compare import Watcher
from orch_nb.workflows.comparison import Compared, Comparison

# The least width of a column, in letters: below it, code and tables are all scroll bars. What does
# not fit into the page is scrolled to.
_LEAST = 26
_CELL = "text-align:left;vertical-align:top;padding:.3em 1.2em .3em 0;white-space:normal"
_HEAD = f"{_CELL};overflow-wrap:anywhere"
_LINE = "border-bottom:1px solid var(--jp-border-color1,rgba(128,128,128,.4))"


@dataclass(frozen=True, slots=True)
class Column:
    """One answer with what stands above and below it: text of any kind but for the ``body``."""

    title: str
    body: Bundle
    foot: str = ""


def comparison_bundle(comparison: Comparison) -> tuple[Bundle, dict[str, Any]]:
    """What IPython shows of a Comparison, and where its answers came from, as metadata."""
    made = [row.response for row in comparison if row.response is not None]
    return comparison_table(comparison), {"orch_nb": [provenance(response) for response in made]}


def comparison_table(comparison: Comparison) -> Bundle:
    """All answers side by side, with their figures; of a blind one without whose they are."""
    if not comparison.revealed:
        return below(_side_by_side(_unnamed(comparison)), quiet(_ballot(comparison)))
    shown = _side_by_side([_named(comparison, row) for row in _in_order(comparison)])
    return {
        "text/html": shown["text/html"] + quiet([_total(comparison)])["text/html"],
        "text/plain": f"{shown['text/plain']}\n\n{figures_table(comparison)['text/plain']}",
    }


def figures_table(comparison: Comparison) -> Bundle:
    """The models with dollars, seconds and tokens, without the answers."""
    head, *rows = comparison.cells()
    figures = {row.model: cells[1:] for row, cells in zip(comparison, rows, strict=True)}
    shown = [[_title(comparison, row), *figures[row.model]] for row in _in_order(comparison)]
    return table(head, shown, _total(comparison))


def plan_table(plan: Comparison) -> Bundle:
    """What would be asked, and to be expected."""
    rows = [[row.model, dollars(row.expected.cost), seconds(row.expected.seconds)] for row in plan]
    note = f"{len(plan)} answers for about {dollars(plan.expected_cost)}, less what is cached"
    if plan.expected_cost is None:
        unpriced = ", ".join(row.model for row in plan if row.expected.cost is None)
        note = f"{len(plan)} answers; the cost is unknown: no price of {unpriced}"
    return table(["would be asked", "expected cost", "expected time"], rows, note)


class GrowingColumns(GrowingOutput, Watcher):
    """The answers of a comparison while they arrive, side by side in one place of the output.

    Parameters
    ----------
    streams
        Whether anything is drawn before all are complete.
    clock
        Seconds that only grow.
    """

    def __init__(self, *, streams: bool, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._streams = streams
        self._rows: list[Compared] = []
        self._parts: list[list[str]] = []
        self._drawn: dict[int, Column] = {}
        self._stale = False

    def planned(self, rows: Sequence[Compared]) -> None:
        """Show who is asked."""
        self._rows, self._parts = list(rows), [[] for _ in rows]
        if self._streams:
            self.draw(self._grown)

    def arrived(self, place: int, text: str) -> None:
        """Take a piece of an answer, and draw all of them if it is time."""
        self._parts[place].append(text)
        self._changed(place)

    def answered(self, place: int, row: Compared) -> None:
        """Take a complete answer, or the error that came in its place."""
        self._rows[place] = row
        self._changed(place)

    def waited(self) -> None:
        """Draw what came too soon after the last time."""
        if self._streams and self._stale:
            self.draw(self._grown)

    def keep(self, comparison: Comparison) -> None:
        """Leave what has arrived."""
        if self._rows:
            self._rows = list(comparison)
            self._drawn.clear()
            self.draw(self._grown)

    def _changed(self, place: int) -> None:
        self._drawn.pop(place, None)  # the others need not be laid out again
        self._stale = True
        if self._streams and self.due:
            self.draw(self._grown)

    def _grown(self) -> Bundle:
        self._stale = False
        for place, row in enumerate(self._rows):
            if place not in self._drawn:
                self._drawn[place] = self._column(place, row)
        return _side_by_side([self._drawn[place] for place in range(len(self._rows))])

    def _column(self, place: int, row: Compared) -> Column:
        if row.response is not None:
            return Column(row.model, said(row.response), measured(row.response))
        return Column(row.model, _part("".join(self._parts[place])), row.error or "…")


class PrintedColumns(Watcher):
    """The answers of a comparison in a terminal: each is printed when it is complete."""

    def answered(self, place: int, row: Compared) -> None:
        """Print the answer, or the error."""
        print(_text(_column(row)), end="\n\n", flush=True)


def _unnamed(comparison: Comparison) -> list[Column]:
    letters = comparison.letters if isinstance(comparison, BlindComparison) else {}
    return [
        Column(letter, said(row.response))
        for letter, row in letters.items()
        if row.response is not None
    ]


def _ballot(comparison: Comparison) -> list[str]:
    asked = "which is best? %orch compare vote A (or another letter) tells whose they are"
    failed = sum(row.response is None for row in comparison)
    return [asked, *([f"no answer came from {failed} more"] if failed else [])]


def _in_order(comparison: Comparison) -> list[Compared]:
    """The rows; of one that was voted on in the order of the letters, then the failed ones."""
    if not isinstance(comparison, BlindComparison):
        return list(comparison)
    return [*comparison.letters.values(), *(row for row in comparison if row.response is None)]


def _named(comparison: Comparison, row: Compared) -> Column:
    column = _column(row)
    return Column(_title(comparison, row), column.body, column.foot)


def _title(comparison: Comparison, row: Compared) -> str:
    """The model; after a vote with its letter."""
    if not isinstance(comparison, BlindComparison) or comparison.preferred is None:
        return row.model
    letters = {shown.model: letter for letter, shown in comparison.letters.items()}
    voted = "your vote" if row.model == comparison.preferred else ""
    return " · ".join(filter(None, (letters.get(row.model), row.model, voted)))


def _column(row: Compared) -> Column:
    if row.response is not None:
        return Column(row.model, said(row.response), measured(row.response))
    if row.partial:
        return Column(row.model, _part(row.partial), row.error or "")
    return Column(row.model, quiet([one_line(row.error or "", 600)]))


def _part(text: str) -> Bundle:
    """What has arrived of an answer."""
    html = render.html(text, streaming=True) if text else ""
    return {"text/html": html, "text/plain": visible(text)}


def _total(comparison: Comparison) -> str:
    answers = sum(row.response is not None for row in comparison)
    return f"{answers} of {len(comparison)} answered · billed {dollars(comparison.paid)} together"


def _side_by_side(columns: Sequence[Column]) -> Bundle:
    """A table with a column an answer, which scrolls where they do not all fit; as text in turn."""
    heads = "".join(
        f'<th scope="col" style="{_HEAD};{_LINE}">{render.escape(one_line(column.title))}</th>'
        for column in columns
    )
    bodies = "".join(f'<td style="{_CELL}">{c.body["text/html"]}</td>' for c in columns)
    feet = "".join(
        f'<td style="{_CELL}"><div {QUIET}>{render.escape(one_line(c.foot, 600))}</div></td>'
        for c in columns
    )
    row = '<tr style="background:none">'
    layout = f"table-layout:fixed;width:100%;min-width:{_LEAST * len(columns)}ch;font-size:inherit"
    html = (
        '<div aria-label="answers side by side" role="region" style="overflow-x:auto" tabindex="0">'
        f'<table style="{layout};margin:0;border-collapse:collapse">'
        f"<thead>{row}{heads}</tr></thead><tbody>{row}{bodies}</tr>{row}{feet}</tr></tbody></table></div>"
    )
    return {"text/html": html, "text/plain": "\n\n".join(map(_text, columns))}


def _text(column: Column) -> str:
    lines = [f"── {one_line(column.title)} ──", column.body["text/plain"]]
    return "\n".join([*lines, *([one_line(column.foot, 600)] if column.foot else [])])
