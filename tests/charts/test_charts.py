"""Every chart: the ledger's numbers, right with nothing, one and 10 000 calls; small and inert."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import plotly.graph_objects as go
import pytest

from charts.records import made_records
from orch_nb.charts.bundle import PLOTLY, Bundle
from orch_nb.charts.cost import cost_chart
from orch_nb.charts.failures import failure_chart
from orch_nb.charts.lanes import FAILED, OTHERS, colour_of, lanes
from orch_nb.charts.latency import latency_chart
from orch_nb.charts.mix import mix_chart
from orch_nb.charts.report import report_charts
from orch_nb.charts.spend import spend_chart
from orch_nb.store.ledger import Ledger
from orch_nb.store.overview import CallFigures, ModelFigures, Overview, Try
from orch_nb.store.reckoning import reckon
from orch_nb.store.report import Report
from orch_nb.types import Score, Track

CHARTS = (cost_chart, latency_chart, spend_chart, mix_chart, failure_chart)
HOSTILE = '<a href="https://evil.test">$x$</a>\x1b[2J"><script>alert(1)</script>\u202e'
Drawn = Callable[[Overview], Bundle]


def ledger_of(count: int, models: int = 4) -> Ledger:
    ledger = Ledger()
    for record in made_records(count, models):
        ledger.add(record)
    return ledger


def picture(bundle: Bundle) -> ElementTree.Element:
    (data,) = re.findall(r'src="data:image/svg\+xml;base64,([\w+/=]+)"', bundle["text/html"])
    return ElementTree.fromstring(base64.b64decode(data))


def texts(bundle: Bundle) -> list[str]:
    return [e.text or "" for e in picture(bundle).iter() if e.tag.endswith("text")]


def traces(bundle: Bundle) -> list[dict[str, Any]]:
    return json.loads(json.dumps(bundle[PLOTLY]))["data"]  # type: ignore[no-any-return]


def exact(numbers: list[float]) -> list[Decimal]:
    return [Decimal(repr(number)) for number in numbers]


def test_costs_equal_the_ledgers() -> None:
    ledger = ledger_of(300)
    chart = cost_chart(Report.of(ledger).overview)
    paid, saved = traces(chart)
    stats = ledger.by_model()
    assert exact(paid["x"]) == [one.cost for one in stats.values()]
    assert sum(exact(paid["x"])) == ledger.spent.total
    worth = {model: Decimal(0) for model in stats}
    for record in ledger:
        response = record.response
        if response is not None and response.cached and response.cost is not None:
            worth[response.model] += response.cost
    assert exact(saved["x"]) == list(worth.values())
    assert sum(worth.values()) > 0


def test_durations_equal_the_ledgers() -> None:
    ledger = ledger_of(300)
    chart = latency_chart(Report.of(ledger).overview)
    marks = [trace["x"] for trace in traces(chart) if trace["mode"] == "lines+markers"]
    stats = ledger.by_model().values()
    assert marks == [
        [pytest.approx(one.seconds, abs=1e-3), pytest.approx(one.p95, abs=1e-3)] for one in stats
    ]


def test_cached_answers_stand_apart_with_their_first_durations() -> None:
    calls = [
        CallFigures("a:m", tries=(Try("a:m", 2.0),)),
        CallFigures("a:m", cached=True, seconds=7.0),
    ]
    chart = latency_chart(reckon(calls))
    made, cached, _ = traces(chart)
    assert (made["x"], made["marker"]["symbol"]) == ([2.0], "circle")
    assert (cached["x"], cached["marker"]["symbol"]) == ([7.0], "line-ns-open")
    assert cached["y"] != made["y"]
    assert "a:m    1      2.0 s  2.0 s  1       7.0 s" in chart["text/plain"]


def test_the_last_step_is_what_was_spent() -> None:
    ledger = ledger_of(300)
    known, total, most = traces(spend_chart(Report.of(ledger).overview))
    spent = ledger.spent
    assert spent.unknown > 0
    assert exact([known["y"][-1], total["y"][-1]]) == [spent.known, spent.total]
    assert Decimal(repr(most["y"][-1])) == spent.total + spent.unknown
    assert known["y"] == sorted(known["y"])
    assert [trace["name"] for trace in (known, total, most)] == [
        *("known", "estimated", "up to unknown"),
    ]


def test_every_step_is_one_of_the_ledgers_sums() -> None:
    ledger = Ledger()
    sums = []
    for record in made_records(1000):
        ledger.add(record)
        sums.append(ledger.spent)
    for moment in Report.of(ledger).overview.moments:
        assert moment.spent == sums[moment.call - 1]


def test_shares_equal_the_answers() -> None:
    ledger = ledger_of(300)
    overview = Report.of(ledger).overview
    counted: dict[str, int] = {}
    for trace in traces(mix_chart(overview)):
        counted[trace["name"]] = sum(trace["customdata"])
    answers = [record.response.model for record in ledger if record.response is not None]
    assert counted == {model: answers.count(model) for model in dict.fromkeys(answers)}
    shares = [trace["x"] for trace in traces(mix_chart(overview))]
    assert [sum(kind) for kind in zip(*shares, strict=True)] == pytest.approx([1.0] * 4, abs=1e-5)


def test_failures_equal_the_ledgers() -> None:
    ledger = ledger_of(300)
    failed, stepped_in = traces(failure_chart(Report.of(ledger).overview))
    tried = [attempt for record in ledger for attempt in record.attempts if not attempt.shared]
    assert sum(failed["x"]) == sum(attempt.error is not None for attempt in tried) > 0
    assert sum(stepped_in["x"]) == sum(len(record.attempts) == 2 for record in ledger)
    assert set(failed["marker"]["color"]) == {FAILED}


@pytest.mark.parametrize("chart", CHARTS)
def test_of_nothing_there_is_nothing_to_see(chart: Drawn) -> None:
    made = chart(Overview())
    (said,) = [text for text in texts(made) if text.startswith("nothing ")]
    assert said in made["text/plain"]
    (note,) = made[PLOTLY]["layout"]["annotations"]
    assert (note["text"], made[PLOTLY]["layout"]["xaxis"]["visible"]) == (said, False)


@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize("count", [0, 1, 2, 10_000])
def test_plotly_takes_it_and_it_is_small(chart: Drawn, count: int) -> None:
    made = chart(reckon(_calls(count)))
    go.Figure(made[PLOTLY])
    assert len(json.dumps(made)) < 60_000
    assert "nan" not in made["text/html"].lower()
    assert "NaN" not in json.dumps(made[PLOTLY])
    svg = picture(made)
    assert all(-1 <= x <= 641 for x in _numbers(svg, ("x", "cx")))
    assert all(0 <= y <= float(svg.attrib["height"]) for y in _numbers(svg, ("y", "cy")))


def _calls(count: int) -> list[CallFigures]:
    from orch_nb.store.call_figures import of_record

    return [of_record(record) for record in made_records(count, models=10)]


def _numbers(svg: ElementTree.Element, names: tuple[str, ...]) -> list[float]:
    return [float(e.attrib[name]) for e in svg.iter() for name in names if name in e.attrib]


@pytest.mark.parametrize("seconds", [0.0, 1e-9, 86400.0])
def test_durations_that_are_hardly_any(seconds: float) -> None:
    calls = [CallFigures("a:m", tries=(Try("a:m", t),)) for t in (seconds, 1.0)]
    made = latency_chart(reckon(calls))
    go.Figure(made[PLOTLY])
    assert min(min(trace["x"]) for trace in traces(made)) >= 0.001


@pytest.mark.parametrize("chart", CHARTS)
def test_hostile_names_do_nothing(chart: Drawn) -> None:
    tries = (Try(HOSTILE, 1.0), Try("a:m", 0.1, HOSTILE))
    calls = [
        CallFigures(HOSTILE, kind=HOSTILE, cached=True, seconds=1.0),
        CallFigures(HOSTILE, kind=HOSTILE, tries=tries),
    ]
    made = chart(reckon(calls))
    plotly = json.dumps(made[PLOTLY], ensure_ascii=False)
    for bad in ("<a ", "<script", "$x$", "\x1b", "\u202e"):
        assert bad not in plotly
        assert bad not in made["text/html"]
    assert "\x1b" not in made["text/plain"]
    tags = {e.tag.rpartition("}")[2] for e in picture(made).iter()}
    assert tags <= {"svg", "text", "path", "rect", "circle"}


def test_more_models_than_colours() -> None:
    calls = [
        CallFigures(f"a:m{n % 2000}", tries=(Try(f"a:m{n % 2000}", 1.0),)) for n in range(10_000)
    ]
    overview = reckon(calls)
    shown = lanes(overview.models)
    assert len(shown) == 9
    assert len({lane.colour for lane in shown}) == 9
    assert (shown[-1].name, shown[-1].colour) == ("1992 others", OTHERS)
    assert sum(lane.figures.calls for lane in shown) == 10_000
    text = cost_chart(overview)["text/plain"]
    assert text.endswith("… and 1940 more\n")


def test_a_model_has_one_colour_and_one_place_in_all_charts() -> None:
    report = Report.of(made_records(500, models=6))
    models = [one.model for one in report.overview.models]
    colours = [colour_of(report.overview.models)(model) for model in models]
    assert len(set(colours)) == 6
    paid, _ = traces(cost_chart(report.overview))
    _, stepped_in = traces(failure_chart(report.overview))
    mix = {t["name"]: t["marker"]["color"] for t in traces(mix_chart(report.overview))}
    assert paid["marker"]["color"] == stepped_in["marker"]["color"] == colours
    assert mix == dict(zip(models, colours, strict=True))


def test_others_sum_to_the_whole() -> None:
    models = [
        ModelFigures(f"a:{n}", 1, 0, Decimal(n) / 3, failures={"429": 1}, seconds=(float(n),))
        for n in range(20)
    ]
    shown = lanes(models)
    assert [lane.name for lane in shown[:-1]] == [f"a:{n}" for n in range(12, 20)]
    assert sum(lane.figures.paid for lane in shown) == sum(one.paid for one in models)
    assert shown[-1].figures.failures == {"429": 12}


def test_time_that_goes_back_and_calls_without_time() -> None:
    calls = [CallFigures("a:m", at) for at in (100.0, 50.0, 400.0)]
    (known,) = traces(spend_chart(reckon(calls)))
    assert known["x"][:-1] == [0.0, 0.0, 5.0]
    untimed = spend_chart(reckon([replace(call, at=None) for call in calls]))
    assert traces(untimed)[0]["x"][:-1] == [1.0, 2.0, 3.0]
    assert untimed[PLOTLY]["layout"]["xaxis"]["title"]["text"] == "calls"


def test_a_report_draws_quality_where_it_is_known() -> None:
    records = list(made_records(100))
    first = records[0].response
    assert first is not None
    track = Track(quality={"chat": Score(6.0, 0.5, {}), "code": Score(2.0, 1.0, {})})
    report = Report.of(records, {first.model: track, "never:asked": track})
    (graded,) = report.graded
    assert (graded.model, graded.quality, graded.weight) == (first.model, 0.625, 8.0)
    *_, quality = report_charts(report)
    _, marks = traces(quality)
    assert exact(marks["x"]) == [graded.cost]
    assert marks["y"] == [0.625]
    assert first.model in texts(quality)
