"""One chart in each form: for Plotly, as a picture by itself, and as text."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from typing import Any

from orch_nb.charts.picture import GRID, INK, Picture
from orch_nb.figures import columns
from orch_nb.sanitize import one_line

PLOTLY = "application/vnd.plotly.v1+json"
Bundle = dict[str, Any]
Traces = list[dict[str, Any]]

#: Characters of a name, a title or a cell.
LONGEST = 60
#: Pixels of the title and the note in Plotly's chart.
TOP_PLOTLY = 70
# Rows of the text form. Chosen: what people read, and a bundle stays small.
_ROWS = 60


@dataclass(frozen=True, slots=True)
class Chart:
    """What a chart is made of.

    ``traces`` and ``layout`` are Plotly's, as its JSON schema has them: no object of the library is
    made, which is slow to import. ``rows`` are a head and the numbers behind the picture. What is
    ``empty`` says so, without axes. The ``note`` stands in all forms, the ``key`` to marks and
    colours where they are seen.
    """

    title: str
    note: str
    traces: Traces
    layout: Mapping[str, Any]
    picture: Picture
    rows: Sequence[Sequence[str]]
    empty: str = ""
    key: str = ""

    def bundle(self) -> Bundle:
        """As data for each kind of place. Nothing is loaded from anywhere, and names are text."""
        below = "; ".join(filter(None, (self.note, "" if self.empty else self.key)))
        svg = self.picture.svg(self.title, below)
        return {
            PLOTLY: {"data": self.traces, "layout": self._layout(below)},
            "text/html": _image(svg, self.title, self.picture),
            "text/plain": self._text(),
        }

    def _layout(self, below: str) -> dict[str, Any]:
        title = f"{label(self.title)}<br><span style='font-size:12px'>{label(below)}</span>"
        return {
            "title": {"text": title, "font": {"size": 15}, "x": 0, "xref": "paper"},
            "font": {"color": INK, "size": 12},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "height": self.picture.height + 60,
            "margin": {"t": TOP_PLOTLY, "l": 20, "r": 20, "b": 60},
            "showlegend": False,
            "hoverlabel": {"align": "left"},
            **self.layout,
            **(_blank(self.empty) if self.empty else {}),
        }

    def _text(self) -> str:
        lines = [one_line(self.title), one_line(self.note)]
        cells = [[one_line(cell, LONGEST) for cell in row] for row in self.rows[: _ROWS + 1]]
        lines += columns(cells) if len(cells) > 1 else [self.empty]
        left = len(self.rows) - len(cells)
        lines.append(f"… and {left} more" if left > 0 else "")
        # In a terminal the next chart follows at once: it stands off.
        return "\n".join([*filter(None, lines), ""])


def label(text: str, limit: int = 200) -> str:
    """`text` as Plotly shows it as it is: it knows tags, links and formulas."""
    return escape(one_line(text, limit)).replace("$", "&#36;")


def number(amount: Decimal | float) -> float:
    """As JSON has it: to six significant digits beyond what a picture shows, never NaN."""
    value = float(amount)
    return float(f"{value:.15g}") if math.isfinite(value) else 0.0


def scale(**settings: Any) -> dict[str, Any]:
    """An axis of Plotly in our colours."""
    return {
        "gridcolor": GRID,
        "zerolinecolor": GRID,
        "exponentformat": "none",
        "minor": {"showgrid": False},
        "automargin": True,
        "fixedrange": False,
        **settings,
    }


def named(names: Sequence[str], below: Sequence[str] = ()) -> dict[str, Any]:
    """An axis of Plotly whose ticks are `names`, from the top down at 0, 1, 2 ….

    They are words beside numbers: as categories two that look alike would fall together. Words
    that belong to them stand `below` them, smaller.
    """
    words = [label(name, LONGEST) for name in names]
    if below:
        pairs = zip(words, below, strict=True)
        words = [
            f"{a}<br><span style='font-size:10px'>{label(b, LONGEST)}</span>" for a, b in pairs
        ]
    return scale(
        tickvals=list(range(len(names))),
        ticktext=words,
        ticklabelstandoff=6,
        range=[max(len(names), 1) - 0.4, -0.6],
        showgrid=False,
        zeroline=False,
    )


def _blank(said: str) -> dict[str, Any]:
    middle = {"x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper", "showarrow": False}
    return {
        "xaxis": {"visible": False},
        "yaxis": {"visible": False},
        "annotations": [{**middle, "text": label(said)}],
    }


def _image(svg: str, title: str, picture: Picture) -> str:
    """As an image, in which nothing runs, and which untrusted notebooks show as well."""
    data = base64.b64encode(svg.encode("utf-8", "replace")).decode("ascii")
    alt = escape(one_line(title))
    # As nbconvert lays it out, so that a page of it has the same bytes.
    return (
        f'<img alt="{alt}" src="data:image/svg+xml;base64,{data}" '
        f'style="max-width:100%;height:auto" width="{picture.width}"/>'
    )
