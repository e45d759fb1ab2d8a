"""Stacked bars, one a model, with its figures written beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from orch_nb.charts.axis import Axis, written
from orch_nb.charts.bundle import Traces, label, named, scale
from orch_nb.charts.lanes import Lane, Rows
from orch_nb.charts.picture import BAR, INK, Picture, extent
from orch_nb.store.overview import ModelFigures

# Pixels of an axis in a narrow notebook; the words take at most this part of them.
_NARROW, _LEAST = 400, 0.75


@dataclass(frozen=True, slots=True)
class Part:
    """One part of all bars: its values, and in which colour, `opacity` of it, it is drawn."""

    name: str
    values: Sequence[float]
    colours: Sequence[str]
    opacity: float = 1.0


@dataclass(frozen=True, slots=True)
class Bars:
    """``said`` gives the words beside a bar. ``unit`` stands before a number if it is "$"."""

    shown: Sequence[Lane]
    parts: Sequence[Part]
    said: Callable[[ModelFigures], str]
    unit: Literal["$", ""]
    title: str
    nothing: str

    def _totals(self) -> list[float]:
        return [sum(part.values[place] for part in self.parts) for place in range(len(self.shown))]

    def picture(self) -> Picture:
        """The bars as a still picture."""
        beside = [self.said(lane.figures) for lane in self.shown]
        rows = Rows([lane.name for lane in self.shown], self.nothing, beside=beside)
        totals = self._totals()
        axis = Axis.around(totals, rows.left, rows.right)
        whole = not self.unit
        rows.scale(
            axis,
            self.title,
            lambda tick: "" if whole and tick % 1 else f"{self.unit}{written(tick)}",
        )
        for place in range(len(self.shown)):
            x, value, top = rows.left, 0.0, rows.middle(place) - BAR / 2
            for part in self.parts:
                value += part.values[place]
                end = axis.at(value)
                rows.picture.bar(x, top, end - x, part.colours[place], opacity=part.opacity)
                x = end
            rows.say(x, place, beside[place])
        return rows.picture

    def traces(self) -> Traces:
        """The bars as Plotly draws them."""
        said = [label(f"{lane.name}: {self.said(lane.figures)}") for lane in self.shown]
        return [
            {
                "type": "bar",
                "orientation": "h",
                "name": part.name,
                "x": list(part.values),
                "y": list(range(len(self.shown))),
                "customdata": said,
                "hovertemplate": "%{customdata}<extra></extra>",
                "marker": {"color": list(part.colours), "opacity": part.opacity},
            }
            for part in self.parts
        ]

    def _room(self, totals: Sequence[float]) -> float:
        """How far Plotly's axis goes, so that the words have room where a chart is narrow."""
        shares = (extent(self.said(lane.figures)) / _NARROW for lane in self.shown)
        ends = (t / (1 - min(share, _LEAST)) for t, share in zip(totals, shares, strict=True))
        return max(ends, default=0.0) or 1.0

    def layout(self) -> dict[str, Any]:
        """Plotly's axes, and the words beside the bars: stacked ones have none outside."""
        totals = self._totals()
        across = {"range": [0, self._room(totals)], "zeroline": False}
        across |= {"tickprefix": "$"} if self.unit else {"tickformat": "d", "nticks": 6}
        return {
            "barmode": "stack",
            "bargap": 0.4,
            "xaxis": scale(title={"text": self.title}, **across),
            "yaxis": named([lane.name for lane in self.shown]),
            "annotations": [
                {
                    "x": total,
                    "y": place,
                    "text": label(self.said(lane.figures)),
                    "showarrow": False,
                    "xanchor": "left",
                    "font": {"color": INK},
                }
                for place, (lane, total) in enumerate(zip(self.shown, totals, strict=True))
            ],
        }
