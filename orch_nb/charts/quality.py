"""Quality against cost, with the Pareto front."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from orch_nb.charts.axis import Axis, spread, written
from orch_nb.charts.bundle import Bundle, Chart, Traces, label, scale
from orch_nb.charts.labels import Label, place_labels
from orch_nb.charts.lanes import COLOURS
from orch_nb.charts.picture import GRID, INK, TOP, WIDTH, Picture, fit
from orch_nb.figures import dollars

_HEIGHT, _LEFT, _RIGHT, _BOTTOM = 380, 64, 24, 52
_CEILING = 1.08  # of the axis of quality: room for the marks of what is at 1
_COST, _QUALITY, _NOTHING = "dollars an answer", "quality", "nothing is measured yet"
# Names beyond this many points would cover each other; those on the front keep theirs.
_NAMED = 12
_NAME = 220  # pixels
_KEY = "dotted: the Pareto front; bars: 95 % intervals"
_FEW = 30  # points whose intervals can be told apart
# Points beside the front. Chosen: more are a cloud, and make the notebook large.
_MOST = 200


@dataclass(frozen=True, slots=True)
class Point:
    """One model: dollars an answer, the mean quality in 0..1, and its 95 % interval."""

    name: str
    cost: float
    quality: float
    low: float
    high: float


def quality_against_cost(
    points: Sequence[Point],
    title: str,
    colour: Callable[[str], str] = lambda _: COLOURS[0],
) -> Bundle:
    """A chart of `points` with the Pareto front, each in its `colour`.

    Points whose cost is not a finite number (unknown) are in the text and not in the picture.
    """
    known = [p for p in points if math.isfinite(p.cost)]
    line = front_of(known)
    stride = -(-len(known) // _MOST) or 1
    drawn = [p for place, p in enumerate(known) if place % stride == 0 or p in line]
    plot = _Plot(drawn, line, colour)
    some = len(drawn) < len(points)
    note = f"{len(drawn)} of {len(points)} models are drawn" if some else ""
    rows = _rows(sorted(points, key=lambda p: p not in line), set(line))
    empty = "" if drawn else _NOTHING
    made = Chart(title, note, plot.traces(), plot.layout(), plot.picture(), rows, empty, _KEY)
    return made.bundle()


def front_of(points: Sequence[Point]) -> list[Point]:
    """The Pareto front, the cheapest first."""
    if not points:
        return []
    import numpy as np  # noqa: PLC0415 - slow to import

    from orch_nb.routing.front import front  # noqa: PLC0415

    places = front(np.array([p.cost for p in points]), np.array([p.quality for p in points]))
    return [points[place] for place in places]


def _rows(points: Sequence[Point], best: set[Point]) -> list[list[str]]:
    return [
        ["model", "cost an answer", "quality", "95 % interval", ""],
        *(
            [
                point.name,
                dollars(_exact(point.cost)),
                f"{point.quality:.2f}",
                f"{point.low:.2f} to {point.high:.2f}",
                "on the Pareto front" if point in best else "",
            ]
            for point in points
        ),
    ]


def _exact(cost: float) -> Decimal | None:
    return Decimal(repr(cost)) if math.isfinite(cost) else None


class _Plot:
    def __init__(
        self, points: Sequence[Point], line: Sequence[Point], colour: Callable[[str], str]
    ) -> None:
        self._points, self._line = points, line
        self._colours = [colour(p.name) for p in points]
        costs = [p.cost for p in points]
        self._opacity = 1.0 if len(points) <= _FEW else 0.2
        self._spread, self._floor = spread(costs), _HEIGHT - _BOTTOM
        self._across = Axis.around(costs, _LEFT + 20, WIDTH - _RIGHT - 20, logarithmic=self._spread)
        self._up = Axis(0.0, _CEILING, self._floor, TOP)
        self._labels = self._place(set(points if len(points) <= _NAMED else line))

    def _place(self, named: set[Point]) -> dict[Point, Label]:
        """The names that have room, those on the front first."""
        order = sorted(named, key=lambda p: (p not in self._line, p.cost, p.name))
        marks = [
            (fit(p.name, _NAME), self._across.at(p.cost), self._up.at(p.quality)) for p in order
        ]
        dots = [(self._across.at(p.cost), self._up.at(p.quality)) for p in self._points]
        placed = zip(order, place_labels(marks, dots, _LEFT, WIDTH - 4), strict=True)
        return {point: label for point, label in placed if label is not None}

    def traces(self) -> Traces:
        """The front as a line, and the models as marks with their intervals."""
        points, labels = self._points, [self._labels.get(p) for p in self._points]
        front_line = {
            "type": "scatter",
            "x": [p.cost for p in self._line],
            "y": [p.quality for p in self._line],
            "mode": "lines",
            "name": "Pareto front",
            "line": {"color": INK, "dash": "dot"},
            "hoverinfo": "skip",
        }
        models = {
            "type": "scatter",
            "x": [p.cost for p in points],
            "y": [p.quality for p in points],
            "error_y": {
                "type": "data",
                "symmetric": False,
                "array": [round(p.high - p.quality, 4) for p in points],
                "arrayminus": [round(p.quality - p.low, 4) for p in points],
                "thickness": 1,
                "color": f"rgba(125,125,125,{self._opacity})",
            },
            "mode": "markers+text",
            "name": "models",
            "text": ["" if one is None else label(one.text) for one in labels],
            "customdata": [label(f"{p.name}, {dollars(_exact(p.cost))}") for p in points],
            "hovertemplate": "%{customdata}<br>quality %{y:.2f}<extra></extra>",
            "textposition": ["top right" if one is None else one.plotly for one in labels],
            "marker": {"color": self._colours, "size": 9},
            "cliponaxis": False,
        }
        return [front_line, models]

    def layout(self) -> dict[str, Any]:
        across = self._across.plotly(lambda tick: f"&#36;{written(tick)}")
        return {
            "xaxis": scale(title={"text": _COST}, tickprefix="$", **across),
            "yaxis": scale(title={"text": _QUALITY}, range=[0, _CEILING]),
        }

    def picture(self) -> Picture:
        """The same, still."""
        picture, right = Picture(_HEIGHT), WIDTH - _RIGHT
        across, up, floor = self._across, self._up, self._floor
        for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
            picture.line(f"M{_LEFT} {up.at(tick):.1f}H{right}", GRID)
            picture.text(_LEFT - 8, up.at(tick) + 4, f"{tick:g}", "end")
        picture.text(16, (TOP + floor) / 2, _QUALITY, "middle", turned=True)
        picture.text((_LEFT + right) / 2, floor + 40, _COST, "middle")
        if not self._points:
            picture.text((_LEFT + right) / 2, (TOP + floor) / 2, _NOTHING, "middle")
            return picture
        for tick in across.ticks():
            picture.line(f"M{across.at(tick):.1f} {TOP}V{floor}", GRID)
            picture.text(across.at(tick), floor + 18, f"${written(tick)}", "middle")
        self._draw(picture)
        return picture

    def _draw(self, picture: Picture) -> None:
        across, up = self._across, self._up
        places = [(across.at(p.cost), p) for p in self._points]
        whiskers = (f"M{x:.1f} {up.at(p.low):.1f}V{up.at(p.high):.1f}" for x, p in places)
        picture.line("".join(whiskers), opacity=self._opacity)
        if self._line:
            way = "L".join(f"{across.at(p.cost):.1f} {up.at(p.quality):.1f}" for p in self._line)
            picture.line(f"M{way}", INK, dash="2 3")
        for (x, point), colour in zip(places, self._colours, strict=True):
            picture.dot(x, up.at(point.quality), colour)
        for one in self._labels.values():
            picture.text(one.x, one.y, one.text, one.anchor)
