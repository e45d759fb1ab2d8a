"""What each model cost, and what the cache saved."""

from __future__ import annotations

from orch_nb.charts.bars import Bars, Part
from orch_nb.charts.bundle import Bundle, Chart, number
from orch_nb.charts.lanes import lanes
from orch_nb.figures import dollars
from orch_nb.store.overview import ModelFigures, Overview

_TITLE, _AXIS, _NOTHING = "Cost per model", "dollars", "nothing was asked yet"
# How much of a model's colour what was not paid has.
_FAINT = 0.35


def cost_chart(overview: Overview) -> Bundle:
    """Dollars paid, and behind them those that answers from the cache saved, per model."""
    shown = lanes(overview.models)
    colours = [lane.colour for lane in shown]
    paid = Part("paid", [number(lane.figures.paid) for lane in shown], colours)
    saved = [number(lane.figures.saved) for lane in shown]
    parts = [paid, Part("saved by the cache", saved, colours, _FAINT)]
    bars = Bars(shown, parts, _said, "$", _AXIS, _NOTHING)
    note = [f"{dollars(overview.spent.total)} paid"]
    note.append(f"{dollars(overview.saved)} saved by the cache")
    unknown = sum(one.unknown + one.unsaved for one in overview.models)
    if unknown:
        note.append(f"{unknown} of unknown cost, in no sum")
    made = Chart(
        _TITLE,
        ", ".join(note),
        bars.traces(),
        bars.layout(),
        bars.picture(),
        _rows(overview),
        "" if shown else _NOTHING,
        "paler: saved" if overview.saved else "",
    )
    return made.bundle()


def _said(one: ModelFigures) -> str:
    parts = []
    if one.calls or one.paid:
        parts.append(dollars(one.paid if one.paid or not one.unknown else None))
    if one.cached:
        parts.append(f"saved {dollars(one.saved if one.saved or not one.unsaved else None)}")
    return ", ".join(parts)


def _rows(overview: Overview) -> list[list[str]]:
    return [
        ["model", "calls", "cached", "paid", "saved", "unknown"],
        *(
            [
                one.model,
                str(one.calls),
                str(one.cached),
                dollars(one.paid),
                dollars(one.saved),
                str(one.unknown + one.unsaved),
            ]
            for one in overview.models
        ),
    ]
