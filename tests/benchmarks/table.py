"""What was measured, as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, Grid

_LOAD, _RIGHT = "CPU to load, over a shell alone", "Failovers that end in the right answer"
_CALL, _REFERENCE = "CPU of a call ÷ the openai SDK's", "openai SDK"
#: Of the summary: each column with its chart and the column there, then who is what in each chart.
_COLUMNS = {
    "CPU of a call, 20 words": (_CALL, "whole, 20 words"),
    "streamed, 200 words": (_CALL, "streamed, 200 words"),
    "failovers that end right": (_RIGHT, "whole answers"),
    "streamed": (_RIGHT, "streamed answers"),
    "CPU to load": (_LOAD, "to load"),
}
_SUMMARY = {
    "orch-nb, `session.ask`": (
        *("`session.ask`, `stream=False`", "`session.ask`"),
        *("orch-nb", "orch-nb", "`%load_ext orch_nb`"),
    ),
    "orch-nb, `%%orch`": ("`%%orch`", "", "", "", "`%load_ext orch_nb`"),
    "jupyter-ai, `%%ai`": (
        *("jupyter-ai `%%ai`", "", "", ""),
        "jupyter-ai: `%load_ext jupyter_ai_magic_commands`",
    ),
    "LiteLLM's Router": (*("LiteLLM Router",) * 4, "`from litellm import Router`"),
    "LangChain with fallbacks": (
        *("LangChain with fallbacks",) * 4,
        "`from langchain_openai import ChatOpenAI`",
    ),
    "pydantic-ai": (
        *("pydantic-ai", "pydantic-ai"),
        *("pydantic-ai FallbackModel", "pydantic-ai FallbackModel"),
        "`from pydantic_ai import Agent`",
    ),
    _REFERENCE: ("", "", *("openai SDK, one deployment",) * 2, "`import openai`"),
}
_WORDS = {"right": "right", "error": "error", "wrong": "**wrong**", "hung": "**hangs**"}


def write(results: Mapping[str, Mapping[str, Any]]) -> str:
    """The whole: conditions, a table for each chart and grid, then all that stands alone."""
    parts = list(results.values())
    figures = [figure for part in parts for figure in part["figures"]]
    charts = dict.fromkeys(figure.chart for figure in figures if figure.chart)
    blocks = [_conditions(parts)]
    for chart in charts:
        own = [one for one in figures if one.chart == chart]
        unit = own[0].unit.removeprefix("× ")
        told = unit in chart or unit.startswith("of ")
        blocks.append(f"**{chart}**" if told else f"**{chart}**, {unit}")
        blocks.append("\n".join(_pivot(own)))
    for part in parts:
        for grid in part["grids"]:
            blocks += [f"**{grid.name}**", "\n".join(_grid(grid))]
    alone = [figure for figure in figures if not figure.chart]
    lines = [f"| {one.name} | {one.measured} |" for one in alone]
    blocks.append("\n".join(["| what | median [95 % interval] |", "|---|---|", *lines]))
    return "\n\n".join(blocks) + "\n"


def summary(results: Mapping[str, Mapping[str, Any]]) -> str:
    """The peers in a few columns, with intervals where there are any."""
    figures = [figure for part in results.values() for figure in part["figures"]]
    found = {(figure.chart, figure.row, figure.column): figure for figure in figures}
    lines = [f"| | {' | '.join(_COLUMNS)} |", "|---|" + "---|" * len(_COLUMNS)]
    for name, rows in _SUMMARY.items():
        cells = [
            found.get((chart, row, column))
            for (chart, column), row in zip(_COLUMNS.values(), rows, strict=True)
        ]
        said = [cell.measured.replace(" CPU", "") if cell else "—" for cell in cells]
        if name == _REFERENCE:
            said[:2] = ["1 ×", "1 ×"]
        lines.append(f"| {name} | {' | '.join(said)} |")
    return "\n".join(lines) + "\n"


def insert(path: Path, marker: str, written: str) -> None:
    """Put it between the markers of the page. Raises ValueError where they are not there once."""
    text = path.read_text(encoding="utf-8")
    between = rf"(<!-- {marker}\b[^>]*-->\n).*?(<!-- /{marker} -->)"
    text, times = re.subn(
        between, lambda found: found[1] + written + found[2], text, flags=re.DOTALL
    )
    if times != 1:
        raise ValueError(f"{path} has no <!-- {marker} --> … <!-- /{marker} -->")
    path.write_text(text, encoding="utf-8")


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
        yield f"| {row} | {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(figure: Figure | None) -> str:
    if figure is None:
        return "—"
    return figure.measured if figure.unit.startswith("of ") else figure.number


def _grid(grid: Grid) -> Iterator[str]:
    yield f"| | {' | '.join(grid.columns)} |"
    yield "|---|" + "---|" * len(grid.columns)
    for row, cells in grid.rows.items():
        yield f"| {row} | {' | '.join(_WORDS[cell] for cell in cells)} |"


def _heading(column: str | int) -> str:
    return f"{column:,}" if isinstance(column, int) else column
