"""How long the answers of each model took."""

from __future__ import annotations

from collections.abc import Sequence

from orch_nb.charts.axis import Axis, spread, written
from orch_nb.charts.bundle import Bundle, Chart, Traces, label, named, scale
from orch_nb.charts.lanes import Lane, Rows, lanes
from orch_nb.charts.picture import Picture
from orch_nb.figures import seconds
from orch_nb.store.account import RECENT, middle
from orch_nb.store.overview import ModelFigures, Overview

_TITLE, _AXIS, _NOTHING = "Seconds per answer", "seconds", "nothing was timed yet"
_KEY = "dots: calls, lines: p50, p95; ticks below: cached, as first answered"
# Marks of one model. Chosen: more would cover each other.
_MARKS = 60
# Pixels above and below the middle of a row.
_CALLS, _CACHED, _TALL = -5, 11, 8
_SHORTEST = 1e-3  # seconds: what the clock of a call tells apart


def latency_chart(overview: Overview) -> Bundle:
    """The durations of each model's newest successful calls; cached ones apart."""
    shown = [lane for lane in lanes(overview.models) if _timed(lane.figures)]
    said = [_said(lane.figures) for lane in shown]
    rows = Rows([lane.name for lane in shown], _NOTHING, pitch=44, beside=said)
    durations = [t for lane in shown for t in (*_thin(lane.figures.seconds), *_old(lane))]
    logarithmic = spread(durations)
    axis = Axis.around(durations, rows.left, rows.right, logarithmic=logarithmic)
    rows.scale(axis, _AXIS, _ticked)
    for place, lane in enumerate(shown):
        _draw(rows.picture, axis, rows.middle(place), lane)
        rows.say(axis.end, place, said[place])
    across = scale(title={"text": _AXIS}, ticksuffix=" s", zeroline=False, **axis.plotly(_ticked))
    return Chart(
        _TITLE,
        f"at most the newest {RECENT}" if shown else "",
        _traces(shown),
        {"xaxis": across, "yaxis": named([lane.name for lane in shown], said)},
        rows.picture,
        _rows(overview),
        "" if shown else _NOTHING,
        _KEY,
    ).bundle()


def _ticked(tick: float) -> str:
    return f"{written(tick)} s"


def _timed(one: ModelFigures) -> bool:
    return bool(one.seconds or one.cached_seconds)


def _old(lane: Lane) -> list[float]:
    return _thin(lane.figures.cached_seconds)


def _thin(durations: Sequence[float]) -> list[float]:
    """At most 60 of sorted `durations`, evenly by rank, the first and the last among them."""
    last, marks = len(durations) - 1, min(len(durations), _MARKS)
    return [_clip(durations[round(i * last / (marks - 1 or 1))]) for i in range(marks)]


def _clip(duration: float) -> float:
    return max(round(duration, 3), _SHORTEST)


def _said(one: ModelFigures) -> str:
    if one.seconds:
        return f"p50 {seconds(one.p50)}, p95 {seconds(one.p95)}"
    return f"cached, was {seconds(middle(one.cached_seconds))}"


def _draw(picture: Picture, axis: Axis, y: float, lane: Lane) -> None:
    made, kept = _thin(lane.figures.seconds), _old(lane)
    picture.dots([(axis.at(t), y + _CALLS) for t in made], lane.colour, 0.45)
    ticks = "".join(f"M{axis.at(t):.1f} {y + _CACHED - 3:.1f}v6" for t in kept)
    if ticks:
        picture.line(ticks, lane.colour, opacity=0.8)
    p50, p95 = lane.figures.p50, lane.figures.p95
    if p50 is not None and p95 is not None:
        left, right, middle = axis.at(_clip(p50)), axis.at(_clip(p95)), y + _CALLS
        picture.line(f"M{left:.1f} {middle:.1f}H{right:.1f}", lane.colour, width=2)
        picture.line(f"M{left:.1f} {middle - _TALL:.1f}v{2 * _TALL}", lane.colour, width=4)
        picture.line(f"M{right:.1f} {middle - _TALL:.1f}v{2 * _TALL}", lane.colour, width=2)


def _traces(shown: Sequence[Lane]) -> Traces:
    traces: Traces = []
    for place, lane in enumerate(shown):
        name = label(lane.name)
        for times, symbol, opacity, shift in (
            (_thin(lane.figures.seconds), "circle", 0.5, -0.1),
            (_old(lane), "line-ns-open", 0.9, 0.25),
        ):
            said = "cached, first answered in" if symbol != "circle" else "answered in"
            if times:
                marker = {"color": lane.colour, "size": 7, "symbol": symbol, "opacity": opacity}
                traces.append(_marks(times, place + shift, f"{name}: {said} %{{x}}", marker))
        p50, p95 = lane.figures.p50, lane.figures.p95
        if p50 is not None and p95 is not None:
            marker = {"color": lane.colour, "size": [20, 16], "symbol": "line-ns"}
            marker |= {"line": {"color": lane.colour, "width": [4, 2]}}
            trace = _marks([_clip(p50), _clip(p95)], place - 0.1, "%{customdata}", marker)
            trace |= {"mode": "lines+markers", "line": {"color": lane.colour, "width": 2}}
            trace["customdata"] = [f"{name}: p50 {seconds(p50)}", f"{name}: p95 {seconds(p95)}"]
            traces.append(trace)
    return traces


def _marks(
    times: Sequence[float], height: float, said: str, marker: dict[str, object]
) -> dict[str, object]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": list(times),
        "y": [height] * len(times),
        "marker": marker,
        "hovertemplate": f"{said}<extra></extra>",
        "cliponaxis": False,
    }


def _rows(overview: Overview) -> list[list[str]]:
    return [
        ["model", "timed", "p50", "p95", "cached", "p50 as first answered"],
        *(
            [
                one.model,
                str(len(one.seconds)),
                seconds(one.p50),
                seconds(one.p95),
                str(len(one.cached_seconds)),
                seconds(middle(one.cached_seconds)),
            ]
            for one in overview.models
            if _timed(one)
        ),
    ]
