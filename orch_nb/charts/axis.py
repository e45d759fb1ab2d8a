"""Where on a picture a number is, and which numbers are written along it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

# Numbers that differ by more than this factor are drawn on a logarithmic axis.
_DECADE = 10.0
_TICKS = 5
# Below this factor from end to end powers of ten are too few ticks.
_FINE = 200.0
_MANTISSAS = (1.0, 2.0, 5.0, 10.0)


def spread(values: Sequence[float]) -> bool:
    """Whether a logarithmic axis tells more of `values`; what is 0 has no place on one."""
    return bool(values) and min(values) > 0 and max(values) > _DECADE * min(values)


@dataclass(frozen=True, slots=True)
class Axis:
    """Numbers from ``low`` to ``high`` between the pixels ``start`` and ``end``."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    @classmethod
    def around(
        cls, values: Sequence[float], start: float, end: float, *, logarithmic: bool = False
    ) -> Self:
        """From 0 to the highest of `values`, or, if `logarithmic`, from the lowest, with room."""
        if logarithmic:
            low, high = min(values), max(values)
            room = (high / low) ** 0.05
            return cls(low / room, high * room, start, end, True)
        return cls(0.0, max(values, default=0.0) * 1.02 or 1.0, start, end)

    def at(self, value: float) -> float:
        """The pixel of `value`."""
        low, high = self._place(self.low), self._place(self.high)
        return self.start + (self.end - self.start) * (self._place(value) - low) / (high - low)

    def _place(self, value: float) -> float:
        return math.log10(value) if self.logarithmic else value

    def ticks(self) -> list[float]:
        """Round numbers along the axis, about five: powers of ten where there are enough."""
        if not self.logarithmic:
            step = _step(self.high - self.low)
            count = int(self.high / step * (1 + 1e-9))
            return [number * step for number in range(count + 1)]
        lowest, highest = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        fine = self.high < _FINE * self.low
        stride = 1 + (highest - lowest) // (_TICKS + 1)
        marks = [
            mantissa * 10.0**power
            for power in range(lowest, highest + 1, stride)
            for mantissa in (_MANTISSAS[:3] if fine else _MANTISSAS[:1])
        ]
        return [mark for mark in marks if self.low <= mark <= self.high]

    def plotly(self, write: Callable[[float], str]) -> dict[str, Any]:
        """What Plotly's axis is to have: the ticks that `write` says, where it has no good ones."""
        if not self.logarithmic:
            return {"type": "linear", "rangemode": "tozero"}
        ticks = self.ticks()
        return {"type": "log", "tickvals": ticks, "ticktext": [write(tick) for tick in ticks]}


def _step(span: float) -> float:
    rough = span / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    return next(m * power for m in _MANTISSAS if m * power >= rough * (1 - 1e-9))


def written(value: float) -> str:
    """A tick in as few digits as it has."""
    text = f"{Decimal(f'{value:.6g}').normalize():f}"
    return text if len(text) <= 12 else f"{value:.3g}"
