"""Which models failed, of what, and which answered in their place."""

from __future__ import annotations

from orch_nb.charts.bars import Bars, Part
from orch_nb.charts.bundle import Bundle, Chart
from orch_nb.charts.lanes import FAILED, lanes
from orch_nb.figures import count
from orch_nb.store.overview import ModelFigures, Overview

_TITLE, _AXIS, _NOTHING = "Errors and fallbacks", "calls", "nothing failed"
_KEY = "red: failed, other colours: answered when another had failed"
_CAUSES = 3  # named beside a bar


def failure_chart(overview: Overview) -> Bundle:
    """Calls of each model that failed, and its answers after another had failed."""
    shown = [
        lane for lane in lanes(overview.models) if lane.figures.failed or lane.figures.stepped_in
    ]
    failed = [lane.figures.failed for lane in shown]
    stepped_in = [lane.figures.stepped_in for lane in shown]
    parts = [
        Part("failed", failed, [FAILED] * len(shown)),
        Part("answered for another", stepped_in, [lane.colour for lane in shown]),
    ]
    bars = Bars(shown, parts, _said, "", _AXIS, _NOTHING)
    calls = sum(one.calls for one in overview.models)
    note = f"{sum(one.failed for one in overview.models)} of {count(calls, 'call')} failed"
    empty = "" if shown else _NOTHING
    drawn = bars.traces(), bars.layout(), bars.picture()
    made = Chart(_TITLE, note, *drawn, _rows(overview), empty, _KEY)
    return made.bundle()


def _said(one: ModelFigures) -> str:
    parts = [_causes(one)] if one.failed else []
    if one.stepped_in:
        parts.append(f"stepped in {one.stepped_in}×")
    return ", ".join(parts)


def _causes(one: ModelFigures) -> str:
    ranked = sorted(one.failures.items(), key=lambda cause: -cause[1])
    said = [f"{times}× {cause}" for cause, times in ranked[:_CAUSES]]
    return ", ".join([*said, "…"] if len(ranked) > _CAUSES else said)


def _rows(overview: Overview) -> list[list[str]]:
    return [
        ["model", "calls", "failed", "stepped in", "causes"],
        *(
            [one.model, str(one.calls), str(one.failed), str(one.stepped_in), _causes(one)]
            for one in overview.models
            if one.failed or one.stepped_in
        ),
    ]
