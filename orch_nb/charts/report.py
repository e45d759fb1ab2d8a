"""All charts of a report, in the order in which they are read."""

from __future__ import annotations

from collections.abc import Sequence

from orch_nb.charts.bundle import Bundle
from orch_nb.charts.cost import cost_chart
from orch_nb.charts.failures import failure_chart
from orch_nb.charts.lanes import colour_of
from orch_nb.charts.latency import latency_chart
from orch_nb.charts.mix import mix_chart
from orch_nb.charts.quality import Point, quality_against_cost
from orch_nb.charts.spend import spend_chart
from orch_nb.store.overview import Overview
from orch_nb.store.report import Graded, Report

_TITLE = "Quality against cost"


def cost_charts(overview: Overview) -> list[Bundle]:
    """What the calls cost, how long they took, and what was spent in the course of time.

    There is no chart of what there was none of.
    """
    made = [cost_chart(overview)] if overview.models else []
    if any(one.seconds or one.cached_seconds for one in overview.models):
        made.append(latency_chart(overview))
    return [*made, spend_chart(overview)] if overview.models else made


def report_charts(report: Report) -> list[Bundle]:
    """The same, and who answers what, who fails, and who is how good for which money."""
    made, overview = cost_charts(report.overview), report.overview
    if overview.kinds:
        made.append(mix_chart(overview))
    if any(one.failed or one.stepped_in for one in overview.models):
        made.append(failure_chart(overview))
    if report.graded:
        colours = colour_of(overview.models)
        made.append(quality_against_cost(_points(report.graded), _TITLE, colours))
    return made


def _points(graded: Sequence[Graded]) -> list[Point]:
    from orch_nb.routing.gain import share_bounds  # noqa: PLC0415 - loads numpy

    return [
        Point(
            one.model,
            float("nan") if one.cost is None else float(one.cost),
            one.quality,
            *share_bounds(one.quality, one.weight),
        )
        for one in graded
    ]
