"""Models as lanes, one below the other: the same models, order and colours in every chart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from orch_nb.charts.axis import Axis
from orch_nb.charts.picture import GRID, TOP, WIDTH, Picture, extent, fit
from orch_nb.store.overview import ModelFigures

# Colours whose contrast is at least 3.3 to white and to a dark page (#111).
COLOURS = (
    *("#3b82c4", "#c9741a", "#3a9a5b", "#9b6bc9"),
    *("#1f9aa0", "#cc5a96", "#8f8a1e", "#a3704c"),
)
OTHERS = "#8a8a8a"
#: Nothing that a model has: errors.
FAILED = "#d24b45"
# Pixels: the longest name, the longest figures beside a lane, the axis at the bottom.
_NAME, _BESIDE, _BOTTOM = 190, 260, 44


@dataclass(frozen=True, slots=True)
class Lane:
    """One model, or the ``others`` that have no lane of their own, taken together."""

    name: str
    colour: str
    figures: ModelFigures
    others: int = 0


def lanes(models: Sequence[ModelFigures]) -> list[Lane]:
    """A lane each for at most eight of `models`, those with the most dollars and calls.

    They stay in the order of `models`; the rest share a grey one at the end.
    """
    first = sorted(
        range(len(models)),
        key=lambda place: (-_worth(models[place]), -_answers(models[place]), place),
    )[: len(COLOURS)]
    own = [models[place] for place in sorted(first)]
    made = [Lane(one.model, colour, one) for one, colour in zip(own, COLOURS, strict=False)]
    rest = [one for place, one in enumerate(models) if place not in set(first)]
    if rest:
        name = f"{len(rest)} others"
        made.append(Lane(name, OTHERS, _together(name, rest), len(rest)))
    return made


def colour_of(models: Sequence[ModelFigures]) -> Callable[[str], str]:
    """The colour of each of `models` by its id; grey for all else."""
    known = {lane.name: lane.colour for lane in lanes(models) if not lane.others}
    return lambda model: known.get(model, OTHERS)


def _worth(one: ModelFigures) -> Decimal:
    return one.paid + one.saved


def _answers(one: ModelFigures) -> int:
    return one.calls + one.cached


def _together(name: str, models: Sequence[ModelFigures]) -> ModelFigures:
    """What the charts show of `models` as one."""
    failures: Counter[str] = Counter()
    for one in models:
        failures.update(one.failures)
    return ModelFigures(
        name,
        calls=sum(one.calls for one in models),
        cached=sum(one.cached for one in models),
        paid=sum((one.paid for one in models), Decimal(0)),
        saved=sum((one.saved for one in models), Decimal(0)),
        unknown=sum(one.unknown for one in models),
        unsaved=sum(one.unsaved for one in models),
        failures=dict(failures),
        stepped_in=sum(one.stepped_in for one in models),
        seconds=tuple(sorted(seconds for one in models for seconds in one.seconds)),
        cached_seconds=tuple(sorted(seconds for one in models for seconds in one.cached_seconds)),
    )


class Rows:
    """A picture of rows: their names at the left, what is said `beside`, and an axis below."""

    def __init__(
        self, names: Sequence[str], nothing: str, *, pitch: int = 30, beside: Sequence[str] = ()
    ) -> None:
        shown = [fit(name, _NAME) for name in names]
        self.left = 24 + max(map(extent, shown), default=40)
        self.right = WIDTH - 16 - min(max(map(extent, beside), default=0.0), _BESIDE)
        self._blank = not names
        self._pitch, self._floor = pitch, TOP + pitch * max(len(names), 2)
        self.picture = Picture(self._floor + _BOTTOM)
        for place, name in enumerate(shown):
            self.picture.text(self.left - 8, self.middle(place) + 4, name, "end")
        if not names:
            self.picture.text(WIDTH / 2, self.middle(1) - pitch / 2, nothing, "middle")

    def middle(self, place: int) -> float:
        """The height of the middle of a row."""
        return TOP + self._pitch * (place + 0.5)

    def scale(self, axis: Axis, title: str, write: Callable[[float], str]) -> None:
        """Draw `axis` with its ticks as `write` says them; none of nothing."""
        if self._blank:
            return
        for tick in axis.ticks():
            x = axis.at(tick)
            self.picture.line(f"M{x:.1f} {TOP}V{self._floor}", GRID)
            self.picture.text(x, self._floor + 16, write(tick), "middle")
        self.picture.text((axis.start + axis.end) / 2, self._floor + 36, title, "middle")

    def say(self, x: float, place: int, text: str) -> None:
        """Write `text` into a row, right of `x`."""
        self.picture.text(x + 6, self.middle(place) + 4, fit(text, WIDTH - x - 12))
