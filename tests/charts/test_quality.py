"""The chart of quality against cost: right with nothing, one point and thousands; inert."""

from __future__ import annotations

import base64
import json
import math
import re
from itertools import pairwise
from typing import cast
from xml.etree import ElementTree

import pytest

from orch_nb.charts.bundle import PLOTLY
from orch_nb.charts.quality import Point, front_of, quality_against_cost

CHEAP = Point("a:cheap", 0.0001, 0.6, 0.5, 0.7)
BEATEN = Point("a:beaten", 0.002, 0.55, 0.45, 0.65)
BEST = Point("a:best", 0.01, 0.9, 0.8, 0.95)
UNPRICED = Point("a:unpriced", math.nan, 0.7, 0.6, 0.8)


def picture(points: list[Point], title: str = "Quality") -> ElementTree.Element:
    html = quality_against_cost(points, title)["text/html"]
    (data,) = re.findall(r'src="data:image/svg\+xml;base64,([\w+/=]+)"', html)
    return ElementTree.fromstring(base64.b64decode(data))


def texts(picture: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in picture.iter() if element.tag.endswith("text")]


def traces(points: list[Point]) -> list[dict[str, object]]:
    made = quality_against_cost(points, "Quality")[PLOTLY]
    return json.loads(json.dumps(made))["data"]  # type: ignore[no-any-return]


def test_the_same_points_in_every_form() -> None:
    points = [BEST, BEATEN, CHEAP]
    line, marks = traces(points)
    assert line["x"] == [CHEAP.cost, BEST.cost]
    assert (marks["x"], marks["y"]) == ([p.cost for p in points], [p.quality for p in points])
    said = texts(picture(points))
    assert {"a:cheap", "a:beaten", "a:best", "$0.0001", "$0.01"} <= set(said)
    text = quality_against_cost(points, "Quality")["text/plain"]
    lines = [line.split() for line in text.splitlines()]
    assert [
        "a:best",
        "$0.010",
        "0.90",
        "0.80",
        "to",
        "0.95",
        "on",
        "the",
        "Pareto",
        "front",
    ] in lines
    assert ["a:beaten", "$0.0020", "0.55", "0.45", "to", "0.65"] in lines


def test_dots_stand_in_order() -> None:
    circles = [e for e in picture([CHEAP, BEATEN, BEST]).iter() if e.tag.endswith("circle")]
    across = [float(e.attrib["cx"]) for e in circles]
    down = [float(e.attrib["cy"]) for e in circles]
    assert across == sorted(across)
    assert down[2] < down[0] < down[1]
    assert all(64 < x < 640 for x in across)


@pytest.mark.parametrize("points", [[], [UNPRICED]])
def test_nothing_to_draw(points: list[Point]) -> None:
    assert "nothing is measured yet" in texts(picture(points))
    assert [trace["x"] for trace in traces(points)] == [[], []]


@pytest.mark.parametrize("cost", [0.0, 0.002])
def test_one_point(cost: float) -> None:
    point = Point("a:one", cost, 1.0, 0.2, 1.0)
    (circle,) = [e for e in picture([point]).iter() if e.tag.endswith("circle")]
    assert 36 <= float(circle.attrib["cy"]) <= 360
    assert traces([point])[1]["x"] == [cost]


def test_an_unknown_cost_is_in_the_text_alone() -> None:
    made = quality_against_cost([CHEAP, UNPRICED], "Quality")
    assert "a:unpriced  —               0.70" in made["text/plain"]
    assert "a:unpriced" not in json.dumps(made[PLOTLY])


def test_thousands_of_points_are_thinned_and_named_on_the_front_only() -> None:
    points = [Point(f"a:{n}", n / 1e5 + 1e-5, 0.5 + n / 3e4, 0.0, 1.0) for n in range(10_000)]
    front = {point.name for point in front_of(points)}
    drawn = [name for name in texts(picture(points)) if name.startswith("a:")]
    assert 2 <= len(drawn) <= len(front) == 7
    assert set(drawn) <= front
    line, marks = traces(points)
    assert set(filter(None, cast("list[str]", marks["text"]))) == set(drawn)
    assert set(cast("list[float]", line["x"])) <= set(cast("list[float]", marks["x"]))
    made = quality_against_cost(points, "Quality")
    assert len(json.dumps(made)) < 60_000
    assert "206 of 10000 models are drawn" in made["text/plain"]


def test_names_do_not_cover_each_other() -> None:
    points = [Point(f"provider:model-{n}", 0.01, 0.5 + n / 1000, 0.4, 0.6) for n in range(10)]
    drawn = [e for e in picture(points).iter() if (e.text or "").startswith("provider:")]
    places = sorted(float(e.attrib["y"]) for e in drawn if e.attrib["text-anchor"] == "end")
    assert places
    assert all(after - before >= 14 for before, after in pairwise(places))


def test_hostile_names_do_nothing() -> None:
    name = '<a href="https://evil.test">$x$</a>\x1b[2J"><script>alert(1)</script>'
    made = quality_against_cost([Point(name, 0.1, 0.5, 0.4, 0.6)], name)
    plotly = json.dumps(made[PLOTLY])
    assert "<a " not in plotly
    assert "$x$" not in plotly
    assert "<script" not in made["text/html"]
    assert "\x1b" not in made["text/plain"]
    drawn = picture([Point(name, 0.1, 0.5, 0.4, 0.6)])
    assert {e.tag.rpartition("}")[2] for e in drawn.iter()} == {"svg", "text", "path", "circle"}
