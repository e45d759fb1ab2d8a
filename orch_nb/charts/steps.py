"""When each step of a pipeline ran, how long, and what it cost."""

from __future__ import annotations

from collections.abc import Sequence

from orch_nb.charts.axis import Axis, written
from orch_nb.charts.bundle import Bundle, Chart, Traces, label, named, number, scale
from orch_nb.charts.lanes import COLOURS, FAILED, OTHERS, Rows
from orch_nb.charts.picture import BAR, Picture
from orch_nb.figures import dollars, seconds
from orch_nb.workflows.pipeline.outcome import Run, StepResult

_AXIS, _NOTHING = "seconds since the start", "no step ran"


def steps_chart(run: Run) -> Bundle:
    """The steps of `run` along time, in their order, with the model and the dollars of each."""
    shown = [result for result in run.steps.values() if result.parts]
    colours = _colours(shown)
    note = f"{dollars(run.paid)} billed, {dollars(run.cost)} with what the cache had"
    made = Chart(
        f"Steps of {run.name}",
        note,
        _traces(shown, colours),
        _layout(shown),
        _picture(shown, colours),
        _rows(shown),
        "" if shown else _NOTHING,
    )
    return made.bundle()


def _colours(shown: Sequence[StepResult]) -> list[str]:
    """One colour a model, in the order in which the models appear."""
    models = list(dict.fromkeys(map(_model, shown)))
    known = dict(zip(models, COLOURS, strict=False))
    return [
        FAILED if result.status == "failed" else known.get(_model(result), OTHERS)
        for result in shown
    ]


def _model(result: StepResult) -> str:
    return result.responses[0].model if result.responses else ""


def _said(result: StepResult) -> str:
    many = f" × {len(result.parts)}" if result.many else ""
    cost = dollars(result.paid) if result.responses else result.status
    return f"{_model(result)}{many}, {cost}".removeprefix(", ")


def _picture(shown: Sequence[StepResult], colours: Sequence[str]) -> Picture:
    beside = [_said(result) for result in shown]
    rows = Rows([result.id for result in shown], _NOTHING, beside=beside)
    axis = Axis.around([r.began + r.seconds for r in shown], rows.left, rows.right)
    rows.scale(axis, _AXIS, lambda tick: f"{written(tick)} s")
    for place, result in enumerate(shown):
        start, end = axis.at(result.began), axis.at(result.began + result.seconds)
        width = max(end - start, 1.0)  # what took no time is still seen
        rows.picture.bar(start, rows.middle(place) - BAR / 2, width, colours[place])
        rows.say(start + width, place, beside[place])
    return rows.picture


def _traces(shown: Sequence[StepResult], colours: Sequence[str]) -> Traces:
    return [
        {
            "type": "bar",
            "orientation": "h",
            "base": [number(result.began) for result in shown],
            "x": [number(result.seconds) for result in shown],
            "y": list(range(len(shown))),
            "customdata": [label(f"{r.id}: {_said(r)}, {seconds(r.seconds)}") for r in shown],
            "hovertemplate": "%{customdata}<extra></extra>",
            "marker": {"color": list(colours)},
        }
    ]


def _layout(shown: Sequence[StepResult]) -> dict[str, object]:
    return {
        "bargap": 0.4,
        "xaxis": scale(title={"text": _AXIS}, rangemode="tozero", ticksuffix=" s"),
        "yaxis": named([result.id for result in shown]),
    }


def _rows(shown: Sequence[StepResult]) -> list[list[str]]:
    head = ["step", "began", "took", "model", "billed"]
    return [
        head,
        *(
            [
                result.id,
                seconds(result.began),
                seconds(result.seconds),
                _model(result) or result.status,
                dollars(result.paid),
            ]
            for result in shown
        ),
    ]
