"""What was measured, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, Grid

BEGIN, END = "<!-- bench -->", "<!-- /bench -->"
_WORDS = {"right": "right", "error": "error", "wrong": "**wrong**", "hung": "**hangs**"}


def write(results: Mapping[str, Mapping[str, Any]]) -> str:
    """The whole: conditions, a table for each chart and grid, then all that stands alone."""
    parts = list(results.values())
    figures = [figure for part in parts for figure in part["figures"]]
    charts = dict.fromkeys(figure.chart for figure in figures if figure.chart)
    blocks = [_conditions(parts)]
    for chart in charts:
        blocks.append(f"**{chart}**")
        blocks.append("\n".join(_pivot([one for one in figures if one.chart == chart])))
    for part in parts:
        for grid in part["grids"]:
            blocks += [f"**{grid.name}**", "\n".join(_grid(grid))]
    alone = [figure for figure in figures if not figure.chart]
    lines = [f"| {one.name} | {one.measured} |" for one in alone]
    blocks.append("\n".join(["| what | median [95 % interval] |", "|---|---|", *lines]))
    return "\n\n".join(blocks) + "\n"


def insert(path: Path, written: str) -> None:
    """Put it between the markers of the page. Raises ValueError where they are not there once."""
    text = path.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"{path} has no {BEGIN} … {END}")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    path.write_text(f"{before}{BEGIN}\n{written}{END}{after}", encoding="utf-8")


def _conditions(parts: Sequence[Mapping[str, Any]]) -> str:
    dates = sorted({part["date"] for part in parts})
    when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    small = any(part["share"] < 1 for part in parts)
    versions = ", ".join(f"{name} {number}" for name, number in parts[-1]["versions"].items())
    said = f"Measured on {when} with Python {parts[-1]['python']}, {versions}."
    return f"{said} **A trial run: fewer rounds, smaller sizes.**" if small else said


def _pivot(figures: Sequence[Figure]) -> Iterator[str]:
    columns = list(dict.fromkeys(figure.column for figure in figures))
    found = {(figure.row, figure.column): figure for figure in figures}
    yield f"| | {' | '.join(_heading(column) for column in columns)} |"
    yield "|---|" + "---|" * len(columns)
    for row in dict.fromkeys(figure.row for figure in figures):
        cells = (found.get((row, column)) for column in columns)
        yield f"| {row} | {' | '.join(cell.measured if cell else '—' for cell in cells)} |"


def _grid(grid: Grid) -> Iterator[str]:
    yield f"| | {' | '.join(grid.columns)} |"
    yield "|---|" + "---|" * len(grid.columns)
    for row, cells in grid.rows.items():
        yield f"| {row} | {' | '.join(_WORDS[cell] for cell in cells)} |"


def _heading(column: str | int) -> str:
    return f"{column:,}" if isinstance(column, int) else column
