"""What was measured, as a page of Plotly charts that loads nothing, and as a still picture."""

from __future__ import annotations

import html
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from playwright.sync_api import sync_playwright
from plotly.offline import get_plotlyjs

from benchmarks.figures import Figure, Grid
from orch_nb.charts.lanes import COLOURS, FAILED, OTHERS
from orch_nb.charts.picture import GRID, INK

_WIDTH, _BAR, _AROUND = 860, 15, 150  # pixels: of a chart, of a bar, of title, legend and axis
#: The outcomes of a trial in the order of the scale of colours.
_OUTCOMES = {"right": COLOURS[2], "error": OTHERS, "wrong": FAILED, "hung": COLOURS[1]}
_HEAD = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Benchmarks of orch-nb</title>"
    "<style>body{font:15px system-ui,sans-serif;margin:2em auto;max-width:900px}</style>"
    "<h1>Benchmarks of orch-nb</h1>"
)


def write(results: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """All charts, one below the other. Plotly comes along, which makes it 5 MB."""
    figures = [figure for part in results.values() for figure in part["figures"]]
    grids = [grid for part in results.values() for grid in part["grids"]]
    names = dict.fromkeys(figure.chart for figure in figures if figure.chart)
    charts = {name: [one for one in figures if one.chart == name] for name in names}
    drawn = [_chart(name, ones) for name, ones in charts.items()] + [_grid(one) for one in grids]
    bodies = [
        chart.to_html(full_html=False, include_plotlyjs=False, div_id=f"chart{number}")
        for number, chart in enumerate(drawn)
    ]
    script = f"<script>{get_plotlyjs()}</script>"
    path.write_text("\n".join([_HEAD, script, *bodies]), encoding="utf-8")


def photograph(page: Path, picture: Path) -> None:
    """The chart of single calls as PNG, where there is a chromium."""
    chromium = shutil.which("chromium")
    if chromium is None:
        print("no picture is taken: there is no chromium")
        return
    picture.parent.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        shown = browser.new_page(viewport={"width": 900, "height": 1000}, device_scale_factor=1.5)
        shown.goto(page.resolve().as_uri())
        title = shown.locator(".gtitle", has_text="CPU of a call").first
        chart = shown.locator(".plotly-graph-div", has=title)
        chart.screenshot(path=picture)
        browser.close()


def _chart(name: str, figures: Sequence[Figure]) -> go.Figure:
    lines = all(isinstance(figure.column, int) for figure in figures)
    drawn = _lines(figures) if lines else _bars(figures)
    unit = figures[0].unit
    drawn.update_layout(
        title={"text": html.escape(name), "x": 0, "xref": "paper", "font": {"size": 16}},
        width=_WIDTH,
        paper_bgcolor="white",
        plot_bgcolor="white",
        font={"color": INK, "size": 12},
        legend={"orientation": "h", "yanchor": "top", "y": -0.12, "x": 0},
        margin={"l": 10, "r": 20, "t": 50, "b": 60},
    )
    drawn.update_xaxes(gridcolor=GRID, zerolinecolor=GRID)
    drawn.update_yaxes(gridcolor=GRID, automargin=True)
    (drawn.update_yaxes if lines else drawn.update_xaxes)(title_text=unit)
    return drawn


def _lines(figures: Sequence[Figure]) -> go.Figure:
    drawn = go.Figure()
    for number, row in enumerate(dict.fromkeys(figure.row for figure in figures)):
        own = [figure for figure in figures if figure.row == row]
        drawn.add_scatter(
            x=[figure.column for figure in own],
            y=[figure.value for figure in own],
            error_y=_errors(own),
            name=_plain(row),
            mode="lines+markers",
            line={"color": COLOURS[number % len(COLOURS)]},
        )
    ticks = sorted({figure.column for figure in figures})
    drawn.update_xaxes(type="log", tickvals=ticks, ticktext=[f"{tick:,}" for tick in ticks])
    drawn.update_yaxes(rangemode="tozero")
    return drawn.update_layout(height=460)


def _bars(figures: Sequence[Figure]) -> go.Figure:
    columns = list(dict.fromkeys(figure.column for figure in figures))
    rows = list(dict.fromkeys(figure.row for figure in figures))
    drawn = go.Figure()
    for number, column in enumerate(columns):
        own = [figure for figure in figures if figure.column == column]
        drawn.add_bar(
            y=[_plain(figure.row) for figure in own],
            x=[figure.value for figure in own],
            error_x=_errors(own),
            name=str(column),
            orientation="h",
            marker_color=COLOURS[number % len(COLOURS)],
        )
    drawn.update_yaxes(autorange="reversed", categoryarray=[_plain(row) for row in rows])
    if figures[0].unit.startswith("×"):
        drawn.add_vline(x=1, line={"color": INK, "dash": "dot"})
    height = _AROUND + (_BAR * len(columns) + 12) * len(rows)
    return drawn.update_layout(barmode="group", height=height, showlegend=len(columns) > 1)


def _errors(figures: Sequence[Figure]) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [figure.high - figure.value for figure in figures],
        "arrayminus": [figure.value - figure.low for figure in figures],
        "color": INK,
        "thickness": 1,
        "width": 3,
    }


def _grid(grid: Grid) -> go.Figure:
    """A cell for each trial, in the colour of what became of it."""
    names = list(_OUTCOMES)
    steps = [(at / len(names), (at + 1) / len(names)) for at in range(len(names))]
    scale = [
        [edge, colour]
        for pair, colour in zip(steps, _OUTCOMES.values(), strict=True)
        for edge in pair
    ]
    cells = list(grid.rows.values())
    drawn = go.Figure(
        go.Heatmap(
            z=[[names.index(cell) for cell in row] for row in cells],
            x=[column.replace(" ", "<br>") for column in grid.columns],
            y=list(grid.rows),
            text=cells,
            texttemplate="%{text}",
            textfont={"color": "white"},
            colorscale=scale,
            zmin=-0.5,
            zmax=len(names) - 0.5,
            showscale=False,
            xgap=2,
            ygap=2,
        )
    )
    drawn.update_yaxes(autorange="reversed", automargin=True)
    drawn.update_xaxes(side="top", tickangle=0)
    return drawn.update_layout(
        title={"text": grid.name, "x": 0, "xref": "paper", "font": {"size": 16}},
        width=_WIDTH,
        height=_AROUND + 22 * len(cells),
        paper_bgcolor="white",
        plot_bgcolor="white",
        font={"color": INK, "size": 12},
        margin={"l": 10, "r": 20, "t": 120, "b": 20},
    )


def _plain(name: str) -> str:
    return html.escape(name.replace("`", ""))
