"""Where the names of marks are written, so that none covers another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from orch_nb.charts.picture import Anchor, extent

_GAP, _ABOVE, _BELOW, _TALL = 9.0, -5.0, 14.0, 14.0


@dataclass(frozen=True, slots=True)
class Label:
    """A name beside the mark at ``x``, ``y`` (pixels); its text starts or ends at ``left``."""

    text: str
    x: float
    y: float
    anchor: Anchor
    above: bool

    @property
    def start(self) -> float:
        """The left end of the text."""
        return self.x if self.anchor == "start" else self.x - extent(self.text)

    @property
    def plotly(self) -> str:
        """The same place in Plotly's words."""
        return f"{'top' if self.above else 'bottom'} {_SIDES[self.anchor]}"

    def covers(self, other: Label) -> bool:
        """Whether the two texts would lie over each other."""
        apart = abs(self.y - other.y) >= _TALL
        ends = self.start + extent(self.text), other.start + extent(other.text)
        return not apart and self.start < ends[1] and other.start < ends[0]


_SIDES = {"start": "right", "end": "left", "middle": "center"}


def place_labels(
    marks: Iterable[tuple[str, float, float]], left: float, right: float
) -> list[Label | None]:
    """A label for each of `marks` (name, x, y) between `left` and `right`; None has no room."""
    placed: list[Label | None] = []
    for name, x, y in marks:
        free = (
            label
            for label in _candidates(name, x, y)
            if label.start >= left
            and label.start + extent(name) <= right
            and not any(other is not None and label.covers(other) for other in placed)
        )
        placed.append(next(free, None))
    return placed


def _candidates(name: str, x: float, y: float) -> Iterator[Label]:
    for above, shift in ((True, _ABOVE), (False, _BELOW)):
        yield Label(name, x + _GAP, y + shift, "start", above)
        yield Label(name, x - _GAP, y + shift, "end", above)
