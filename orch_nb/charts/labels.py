"""Where the names of marks are written, so that none covers another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from orch_nb.charts.picture import Anchor, extent

_GAP, _ABOVE, _BELOW, _TALL, _DOT = 9.0, -6.0, 16.0, 12.0, 4.5


@dataclass(frozen=True, slots=True)
class Label:
    """A name beside a mark: its text starts or ends at ``x``, its baseline is at ``y`` (pixels)."""

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

    def hides(self, dot: tuple[float, float]) -> bool:
        """Whether the text would lie over the mark at `dot`."""
        x, y = dot
        within = self.start - _DOT < x < self.start + extent(self.text) + _DOT
        return within and self.y - _TALL - _DOT < y < self.y + _DOT


_SIDES = {"start": "right", "end": "left", "middle": "center"}


def place_labels(
    marks: Iterable[tuple[str, float, float]],
    dots: Sequence[tuple[float, float]],
    left: float,
    right: float,
) -> list[Label | None]:
    """A label for each of `marks` (name, x, y) between `left` and `right`; None has no room.

    None of them covers another, or one of `dots`.
    """
    placed: list[Label | None] = []
    for name, x, y in marks:
        free = (
            label
            for label in _candidates(name, x, y)
            if label.start >= left
            and label.start + extent(name) <= right
            and not any(other is not None and label.covers(other) for other in placed)
            and not any(map(label.hides, dots))
        )
        placed.append(next(free, None))
    return placed


def _candidates(name: str, x: float, y: float) -> Iterator[Label]:
    # A front rises to the right, so it does not cross the first two.
    yield Label(name, x - _GAP, y + _ABOVE, "end", True)
    yield Label(name, x + _GAP, y + _BELOW, "start", False)
    yield Label(name, x + _GAP, y + _ABOVE, "start", True)
    yield Label(name, x - _GAP, y + _BELOW, "end", False)
