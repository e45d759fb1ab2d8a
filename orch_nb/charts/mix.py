"""Which models answered which kinds of task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orch_nb.charts.axis import Axis
from orch_nb.charts.bundle import LONGEST, TOP_PLOTLY, Bundle, Chart, Traces, label, named, scale
from orch_nb.charts.lanes import OTHERS, Rows, colour_of
from orch_nb.charts.picture import BAR, WIDTH, Picture, extent, fit
from orch_nb.figures import count
from orch_nb.store.overview import Overview

_TITLE, _AXIS, _NOTHING = "Who answers what", "share of the answers", "nothing was answered yet"
_SWATCH, _LINE = 10, 20
_KINDS = 20  # rows; there are fewer kinds of task


def mix_chart(overview: Overview) -> Bundle:
    """The share of each model in the answers to each kind of task, cached ones among them."""
    kinds = sorted(overview.kinds.items(), key=lambda one: -sum(one[1].values()))[:_KINDS]
    said = [count(sum(counts.values()), "answer") for _, counts in kinds]
    rows = Rows([kind for kind, _ in kinds], _NOTHING, beside=said)
    axis = Axis(0.0, 1.0, rows.left, rows.right)
    rows.scale(axis, _AXIS, lambda tick: f"{100 * tick:.0f} %")
    segments = _segments(overview, kinds)
    for place, (_, counts) in enumerate(kinds):
        total = sum(counts.values())
        x = rows.left
        for _, colour, shares in segments:
            width = axis.at(shares[place] / total) - rows.left
            rows.picture.bar(x, rows.middle(place) - BAR / 2, width, colour)
            x += width
        rows.say(rows.right, place, said[place])
    _legend(rows.picture, [(name, colour) for name, colour, _ in segments])
    return Chart(
        _TITLE,
        "answers by the kind of task, from the cache or not",
        _traces(segments, kinds),
        {
            "barmode": "stack",
            "bargap": 0.4,
            "xaxis": scale(tickformat=".0%", range=[0, 1.02], zeroline=False),
            "yaxis": named([f"{kind} ({sum(counts.values())})" for kind, counts in kinds]),
            "showlegend": True,
            **_room(len(kinds), len(segments)),
        },
        rows.picture,
        _rows(kinds),
        "" if kinds else _NOTHING,
    ).bundle()


_Kinds = Sequence[tuple[str, Mapping[str, int]]]
_Segments = list[tuple[str, str, list[int]]]


def _segments(overview: Overview, kinds: _Kinds) -> _Segments:
    """Per model its name, its colour and its answers by kind; models without a colour as one."""
    colour, made = colour_of(overview.models), []
    others = [0] * len(kinds)
    for model in (one.model for one in overview.models):
        answers = [counts.get(model, 0) for _, counts in kinds]
        if colour(model) == OTHERS:
            others = [a + b for a, b in zip(others, answers, strict=True)]
        elif any(answers):
            made.append((model, colour(model), answers))
    return [*made, ("others", OTHERS, others)] if any(others) else made


def _room(kinds: int, names: int) -> dict[str, Any]:
    """Plotly's legend below the axis, in two columns where it is narrow."""
    below = 40 + _LINE * -(-names // 2)
    return {
        "legend": {
            **{"orientation": "h", "traceorder": "normal", "x": 0},
            **{"yref": "container", "y": 0.01, "yanchor": "bottom"},
        },
        "margin": {"t": TOP_PLOTLY, "l": 20, "r": 20, "b": below},
        "height": TOP_PLOTLY + 36 * max(kinds, 2) + below,
    }


def _legend(picture: Picture, names: Sequence[tuple[str, str]]) -> None:
    """Below the picture, in as many lines as it takes."""
    x, y = 24.0, float(picture.height + 16)
    for name, colour in names:
        shown = fit(name, 200)
        width = _SWATCH + 6 + extent(shown) + 18
        if x + width > WIDTH and x > 24:
            x, y = 24.0, y + _LINE
        picture.bar(x, y - _SWATCH, _SWATCH, colour, tall=_SWATCH)
        picture.text(x + _SWATCH + 6, y, shown)
        x += width
    if names:
        picture.height = int(y) + 14


def _traces(segments: _Segments, kinds: _Kinds) -> Traces:
    totals = [sum(counts.values()) for _, counts in kinds]
    return [
        {
            "type": "bar",
            "orientation": "h",
            "name": label(name, LONGEST),
            "x": [round(part / total, 6) for part, total in zip(answers, totals, strict=True)],
            "y": list(range(len(kinds))),
            "customdata": answers,
            "hovertemplate": f"{label(name)}: %{{customdata}}, %{{x:.0%}}<extra></extra>",
            "marker": {"color": colour},
        }
        for name, colour, answers in segments
    ]


def _rows(kinds: _Kinds) -> list[list[str]]:
    return [
        ["kind", "model", "answers"],
        *(
            [kind, model, str(answers)]
            for kind, counts in kinds
            for model, answers in sorted(counts.items(), key=lambda one: -one[1])
        ),
    ]
