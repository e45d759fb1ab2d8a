"""Charts from plain rows: interactive where Plotly is drawn, else a still picture, and text."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from typing import Any, Self

from orch_nb.figures import dollars
from orch_nb.sanitize import one_line

PLOTLY = "application/vnd.plotly.v1+json"
Bundle = dict[str, Any]

# Pixels. Greys and blues that can be read on white and on black, as a still picture cannot know
# the theme that it is shown in.
_WIDTH, _HEIGHT = 640, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 24, 36, 52
_WIDE, _TALL = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
_CEILING = 1.08  # of the axis of quality: room for the marks of what is at 1
_COST, _QUALITY, _NOTHING = "dollars an answer", "quality", "nothing is measured yet"
_GRID = "rgba(128,128,128,0.25)"
_INK, _DOT, _LINE = "#808080", "#3b82c4", "#d9822b"
# Names beyond this many points would cover each other; those on the front keep theirs.
_NAMED = 12
# Costs that differ by more than this factor are drawn on a logarithmic axis.
_DECADE = 10.0


@dataclass(frozen=True, slots=True)
class Point:
    """One model: dollars an answer, the mean quality in 0..1, and its 95 % interval."""

    name: str
    cost: float
    quality: float
    low: float
    high: float


def quality_against_cost(points: Sequence[Point], title: str) -> Bundle:
    """A chart of `points` with the Pareto front, as data for each kind of place.

    Points whose cost is not a finite number (unknown) are in the text and not in the picture.
    Nothing is loaded from anywhere, and names are text only.
    """
    drawn = [
        Point(one_line(p.name, 60), p.cost, p.quality, p.low, p.high)
        for p in points
        if math.isfinite(p.cost)
    ]
    line = _front(drawn)
    text = _text(points, {p.name for p in line}, title)
    return {
        PLOTLY: _plotly(drawn, line, title),
        "text/html": _image(_svg(drawn, line, title), title),
        "text/plain": text,
    }


def _front(points: Sequence[Point]) -> list[Point]:
    """The Pareto front, the cheapest first."""
    if not points:
        return []
    import numpy as np  # noqa: PLC0415 - slow to import

    from orch_nb.routing.front import front  # noqa: PLC0415

    places = front(np.array([p.cost for p in points]), np.array([p.quality for p in points]))
    return [points[place] for place in places]


def _text(points: Sequence[Point], best: set[str], title: str) -> str:
    lines = [one_line(title)]
    for point in points:
        name = one_line(point.name, 60)
        cost = dollars(_exact(point.cost))
        mark = "  on the Pareto front" if name in best else ""
        interval = f"{point.low:.2f} to {point.high:.2f}"
        lines.append(f"{name}  {cost}  quality {point.quality:.2f} ({interval}){mark}")
    return "\n".join(lines if points else [*lines, _NOTHING])


def _exact(cost: float) -> Decimal | None:
    return Decimal(repr(cost)) if math.isfinite(cost) else None


def _spread(points: Sequence[Point]) -> bool:
    """Whether costs are so far apart that a logarithmic axis tells more; what is free has none."""
    costs = [p.cost for p in points]
    return bool(costs) and min(costs) > 0 and max(costs) > _DECADE * min(costs)


def _named(points: Sequence[Point], line: Sequence[Point]) -> set[str]:
    return {p.name for p in (points if len(points) <= _NAMED else line)}


def _plotly(points: Sequence[Point], line: Sequence[Point], title: str) -> dict[str, Any]:
    import plotly.graph_objects as go  # noqa: PLC0415 - slow to import

    named = _named(points, line)
    front_line = go.Scatter(
        x=[p.cost for p in line],
        y=[p.quality for p in line],
        mode="lines",
        name="Pareto front",
        line={"color": _LINE, "dash": "dot"},
        hoverinfo="skip",
    )
    models = go.Scatter(
        x=[p.cost for p in points],
        y=[p.quality for p in points],
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [p.high - p.quality for p in points],
            "arrayminus": [p.quality - p.low for p in points],
            "thickness": 1,
        },
        mode="markers+text",
        name="models",
        text=[_label(p.name) if p.name in named else "" for p in points],
        customdata=[_label(f"{p.name}, {dollars(_exact(p.cost))}") for p in points],
        hovertemplate="%{customdata}<br>quality %{y:.2f}<extra></extra>",
        textposition="top center",
        marker={"color": _DOT, "size": 9},
        cliponaxis=False,
    )
    layout = _layout("log" if _spread(points) else "linear", title)
    made: dict[str, Any] = json.loads(go.Figure([front_line, models], layout).to_json())
    return made


def _layout(kind: str, title: str) -> dict[str, Any]:
    axis: dict[str, Any] = {
        "gridcolor": _GRID,
        "zerolinecolor": _GRID,
        "rangemode": "tozero",
        "exponentformat": "none",
        "minor": {"showgrid": False},
    }
    across = axis | {"type": kind, "title": {"text": _COST}, "tickprefix": "$"}
    if kind == "log":
        across["dtick"] = 1  # powers of ten alone
    return {
        "template": "none",
        "title": {"text": _label(title)},
        "xaxis": across,
        "yaxis": axis | {"range": [0, _CEILING], "title": {"text": _QUALITY}},
        "font": {"color": _INK},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "height": _HEIGHT + 60,
        "showlegend": False,
    }


def _label(text: str) -> str:
    """`text` as Plotly shows it as it is: it knows tags, links and formulas."""
    return escape(one_line(text)).replace("$", "&#36;")


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where on the picture a cost and a quality are."""

    spread: bool
    low: float
    span: float

    @classmethod
    def around(cls, points: Sequence[Point]) -> Self:
        spread = _spread(points)
        costs = [math.log10(p.cost) if spread else p.cost for p in points] or [0.0]
        low = min(costs) if spread else 0.0
        return cls(spread, low, (max(costs) - low) or 1.0)

    def across(self, cost: float) -> float:
        place = math.log10(cost) if self.spread else cost
        return _LEFT + _WIDE * (0.05 + 0.85 * (place - self.low) / self.span)

    def up(self, quality: float) -> float:
        return _TOP + _TALL * (1 - quality / _CEILING)


def _svg(points: Sequence[Point], line: Sequence[Point], title: str) -> str:
    """The same as a picture by itself, without scripts, fonts or links."""
    frame, named = _Frame.around(points), _named(points, line)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" '
        f'font-family="sans-serif" font-size="12" fill="{_INK}" stroke="none">',
        f'<text x="{_LEFT}" y="20" font-size="14">{escape(one_line(title))}</text>',
        *_axes(frame, points),
    ]
    if line:
        path = "L".join(f"{frame.across(p.cost):.1f} {frame.up(p.quality):.1f}" for p in line)
        parts.append(f'<path d="M{path}" stroke="{_LINE}" stroke-dasharray="3 3" fill="none"/>')
    for p in points:
        x, y = frame.across(p.cost), frame.up(p.quality)
        whisker = f"M{x:.1f} {frame.up(p.low):.1f}V{frame.up(p.high):.1f}"
        parts.append(f'<path d="{whisker}" stroke="{_INK}"/>')
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{_DOT}"/>')
        if p.name in named:
            left = x > _LEFT + 0.6 * _WIDE
            parts.append(
                f'<text x="{x + (-9 if left else 9):.1f}" y="{y - 5:.1f}" '
                f'text-anchor="{"end" if left else "start"}">{escape(p.name)}</text>'
            )
    return "".join([*parts, "</svg>"])


def _axes(frame: _Frame, points: Sequence[Point]) -> Iterator[str]:
    """Both axes with their names and ticks: quarters of the quality, the least and highest cost."""
    floor, middle = _TOP + _TALL, _LEFT + _WIDE / 2
    yield f'<path d="M{_LEFT} {_TOP}V{floor}H{_LEFT + _WIDE}" stroke="{_INK}" fill="none"/>'
    yield f'<text x="{middle}" y="{_HEIGHT - 8}" text-anchor="middle">{_COST}</text>'
    turned = f"rotate(-90 14 {_TOP + _TALL / 2})"
    yield (
        f'<text x="14" y="{_TOP + _TALL / 2}" text-anchor="middle" transform="{turned}">'
        f"{_QUALITY}</text>"
    )
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        yield f'<text x="{_LEFT - 8}" y="{frame.up(tick) + 4:.0f}" text-anchor="end">{tick}</text>'
    costs = [p.cost for p in points]
    for cost in sorted({min(costs), max(costs)} if costs else ()):
        yield (
            f'<text x="{frame.across(cost):.0f}" y="{floor + 18}" text-anchor="middle">'
            f"{dollars(_exact(cost))}</text>"
        )
    if not points:
        yield f'<text x="{middle}" y="{_TOP + _TALL / 2}" text-anchor="middle">{_NOTHING}</text>'


def _image(svg: str, title: str) -> str:
    """As an image, in which nothing runs, and which untrusted notebooks show as well."""
    data = base64.b64encode(svg.encode("utf-8", "replace")).decode("ascii")
    alt = escape(one_line(title))
    return f'<img alt="{alt}" width="{_WIDTH}" src="data:image/svg+xml;base64,{data}">'
