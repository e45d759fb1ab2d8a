"""What was spent in the course of a session: known, estimated, and up to unknown."""

from __future__ import annotations

from collections.abc import Sequence

from orch_nb.charts.axis import Axis, written
from orch_nb.charts.bundle import Bundle, Chart, Traces, label, number, scale
from orch_nb.charts.picture import GRID, INK, TOP, WIDTH, Picture
from orch_nb.figures import count, dollars
from orch_nb.store.account import Spend
from orch_nb.store.overview import Moment, Overview

_TITLE, _NOTHING = "Spent so far", "nothing was asked yet"
_UP, _CALLS = "dollars", "calls"
_KEY = "drawn in this order from below"
_HEIGHT, _LEFT, _RIGHT, _BOTTOM = 300, 76, 24, 48
# From how many seconds on time is told in which unit, and its length.
_UNITS = ((2 * 86400.0, 86400.0, "days"), (2 * 3600.0, 3600.0, "hours"), (120.0, 60.0, "minutes"))
# What no model is: three shades of the ink, the surer the stronger.
_LAYERS = (("known", 0.55, ""), ("estimated", 0.25, "5 3"), ("up to unknown", 0.1, "2 3"))
_ROWS = 12  # of the text form


def spend_chart(overview: Overview) -> Bundle:
    """Dollars after each call, in steps: those known, on top of them those estimated.

    Above both is up to how much more the calls can have cost that nobody counted.
    """
    moments = overview.moments
    across, unit = _across(moments)
    levels = [_levels(moment.spent) for moment in moments]
    chart = _Steps(across, levels, unit)
    spent = overview.spent
    parts = [f"{dollars(spent.known)} known"]
    if spent.estimated:
        parts.append(f"{dollars(spent.estimated)} estimated")
    if spent.unknown_calls:
        most = f"up to {dollars(spent.unknown)} " if spent.unknown else ""
        parts.append(f"{most}unknown of {count(spent.unknown_calls, 'call')}")
    timed = [] if unit == _CALLS else [unit]
    rows = [["call", *timed, "known", "estimated", "up to unknown"]]
    stride = max(1, -(-len(moments) // _ROWS))
    picked = sorted({*range(0, len(moments), stride), len(moments) - 1} - {-1})
    for place in picked:
        moment = moments[place]
        amounts = (moment.spent.known, moment.spent.estimated, moment.spent.unknown)
        since = [f"{across[place]:.4g}" for _ in timed]
        rows.append([str(moment.call), *since, *map(dollars, amounts)])
    return Chart(
        _TITLE,
        ", ".join(parts),
        chart.traces(),
        {
            "xaxis": scale(title={"text": unit}, rangemode="tozero"),
            "yaxis": scale(title={"text": _UP}, tickprefix="$", rangemode="tozero"),
            "hovermode": "x unified",
            "hoverlabel": {"bgcolor": "rgba(128,128,128,0.15)"},
        },
        chart.picture(),
        rows,
        "" if moments else _NOTHING,
        _KEY if spent.estimated or spent.unknown else "",
    ).bundle()


def _across(moments: Sequence[Moment]) -> tuple[list[float], str]:
    """Where the moments are, and in what: time since the first, or calls where there is none."""
    times = [moment.at for moment in moments if moment.at is not None]
    if not times or len(times) < len(moments):
        return [float(moment.call) for moment in moments], _CALLS
    # A clock that was put back does not undo what was spent.
    newest, passed = times[0], []
    for time in times:
        newest = max(newest, time)
        passed.append(newest - times[0])
    for least, length, unit in _UNITS:
        if passed[-1] >= least:
            return [round(time / length, 4) for time in passed], f"{unit} since the first call"
    return [round(time, 2) for time in passed], "seconds since the first call"


def _levels(spent: Spend) -> tuple[float, float, float]:
    """The heights of the three layers, each on top of the one before."""
    total = spent.total + spent.unknown
    return number(spent.known), number(spent.total), number(total)


class _Steps:
    def __init__(
        self, across: Sequence[float], levels: Sequence[tuple[float, float, float]], unit: str
    ) -> None:
        # What was spent last still is: the last step is as wide as a glance needs.
        self._across = [*across, *([across[-1] * 1.03 or 1.0] if across else ())]
        self._levels, self._unit = [*levels, *levels[-1:]], unit

    def traces(self) -> Traces:
        """One line a layer, filled down to the one below; a layer that is empty has none."""
        made: Traces = []
        for place, (name, opacity, dash) in enumerate(_LAYERS):
            if place and all(level[place] == level[place - 1] for level in self._levels):
                continue
            heights = [level[place] for level in self._levels]
            made.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "name": name,
                    "x": list(self._across),
                    "y": heights,
                    "line": {
                        "shape": "hv",
                        "color": INK,
                        "width": 2,
                        "dash": "dot" if dash else "solid",
                    },
                    "fill": "tozeroy" if not made else "tonexty",
                    "fillcolor": f"rgba(125,125,125,{opacity})",
                    "hovertemplate": f"{label(name)} %{{y:$.6~f}}<extra></extra>",
                }
            )
        return made

    def picture(self) -> Picture:
        picture = Picture(_HEIGHT)
        floor, right = _HEIGHT - _BOTTOM, WIDTH - _RIGHT
        if not self._levels:
            picture.text((_LEFT + right) / 2, (TOP + floor) / 2, _NOTHING, "middle")
            return picture
        across = Axis.around(self._across, _LEFT, right)
        up = Axis.around([level[2] for level in self._levels], floor, TOP + 8)
        for tick in up.ticks():
            picture.line(f"M{_LEFT} {up.at(tick):.1f}H{right}", GRID)
            picture.text(_LEFT - 8, up.at(tick) + 4, f"${written(tick)}", "end")
        for tick in across.ticks():
            picture.text(across.at(tick), floor + 16, written(tick), "middle")
        picture.text((_LEFT + right) / 2, floor + 36, self._unit, "middle")
        below = [0.0] * len(self._levels)
        for place, (_, opacity, dash) in enumerate(_LAYERS):
            heights = [level[place] for level in self._levels]
            if heights != below:
                way = self._way(across, up, heights)
                back = self._way(across, up, below, back=True)
                picture.area(f"{way}{back}", INK, opacity)
                picture.line(way, INK, width=1.5, dash=dash)
            below = heights
        return picture

    def _way(self, across: Axis, up: Axis, heights: Sequence[float], *, back: bool = False) -> str:
        """Along the steps, or, `back`, from the last to the first."""
        places = [(across.at(x), up.at(y)) for x, y in zip(self._across, heights, strict=True)]
        if back:
            places.reverse()
        (x, y), *others = places
        steps = [f"{'L' if back else 'M'}{x:.1f} {y:.1f}"]
        for x, y in others:
            went = [f"H{x:.1f}", f"V{y:.1f}"]
            steps += reversed(went) if back else went
        return "".join(steps)
