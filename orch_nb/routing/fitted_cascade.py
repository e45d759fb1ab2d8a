"""A cascade that was fitted to evaluations, as plain numbers."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from orch_nb.errors import InputError
from orch_nb.routing.features import MEASURES, WIDTH, Vector
from orch_nb.routing.fitted import Scale, read, read_fitted, write_fitted
from orch_nb.routing.gain import Interval

if TYPE_CHECKING:
    from pydantic import TypeAdapter

FILE_NAME = "cascade.json"
# The weights take 50 kB.
_BYTES = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class FittedCascade:
    """Two drafts that must agree, the strong model, and where agreement is not to be trusted.

    `risk` (features) times what a prompt looks like, and `offset`, is how much worse than the
    strong model's an answer is on which cheap models agree; above `threshold` the strong model is
    asked at once. `count` prompts were fitted to. `saving` (share of the strong model's cost) and
    `difference` (in quality to the strong model) were measured on prompts not fitted to;
    `escalation` is how often the drafts disagreed where they were asked.
    """

    first: str
    second: str
    strong: str
    count: int
    threshold: float
    offset: float
    escalation: float
    saving: Interval
    difference: Interval
    scale: Scale
    risk: Vector

    @property
    def models(self) -> tuple[str, str, str]:
        """The drafts and the strong one."""
        return self.first, self.second, self.strong

    @property
    def source(self) -> str:
        """What the models were chosen by."""
        return f"fitted to {self.count} evaluated prompts"

    def trusts(self, prompt: str) -> bool:
        """Whether an answer to `prompt` on which the drafts agree is good enough."""
        features = self.scale.embed(*read([prompt]))[0]
        return float(self.offset + features @ self.risk) <= self.threshold

    def to_json(self) -> str:
        """The numbers as JSON; `risk` in it is base64 of little-endian float32."""
        return json.dumps(
            {
                **{name: getattr(self, name) for name in _PLAIN},
                "saving": _row(self.saving),
                "difference": _row(self.difference),
                "centre": self.scale.centre.tolist(),
                "spread": self.scale.spread.tolist(),
                "risk": base64.b64encode(self.risk.astype("<f4").tobytes()).decode(),
            },
            indent=1,
        )

    @classmethod
    def from_json(cls, content: str | bytes, source: str = "the cascade") -> FittedCascade:
        """The cascade that `to_json` wrote. Raises `InputError`, naming `source`."""
        try:
            return _adapter().validate_json(content).cascade()
        except ValueError:
            raise InputError(
                f"{source} is no fitted cascade; fit it again with "
                "`python -m orch_nb.routing.learning`, or delete it"
            ) from None

    def save(self, path: Path) -> None:
        """Write the file, for the user alone to read. Raises `InputError` where that fails."""
        write_fitted(path, self.to_json())

    @classmethod
    def load(cls, path: Path) -> FittedCascade | None:
        """The cascade in the file, None where there is no file.

        Raises `InputError` for a file that is damaged or cannot be read.
        """
        content = read_fitted(path, _BYTES)
        return None if content is None else cls.from_json(content, str(path))


_PLAIN = ("first", "second", "strong", "count", "threshold", "offset", "escalation")


@dataclass(frozen=True, slots=True)
class CascadeFile:
    """What is written, by the names there; intervals are (mean, low, high, count)."""

    __pydantic_config__: ClassVar[dict[str, object]] = {"extra": "forbid", "strict": True}

    first: str
    second: str
    strong: str
    count: int
    threshold: float
    offset: float
    escalation: float
    saving: tuple[float, float, float, int]
    difference: tuple[float, float, float, int]
    centre: list[float]
    spread: list[float]
    risk: str

    def cascade(self) -> FittedCascade:
        """The numbers as vectors. Raises `ValueError` where they do not belong together."""
        centre, spread = np.array(self.centre), np.array(self.spread)
        numbers = [self.threshold, self.offset, *self.saving, *self.difference, *centre, *spread]
        if len(centre) != MEASURES or len(spread) != MEASURES or not np.isfinite(numbers).all():
            raise ValueError(f"not {MEASURES} measures, or not finite")
        if not (spread > 0).all() or not 0.0 <= self.escalation <= 1.0:
            raise ValueError("spread or escalation out of bounds")
        if len({self.first, self.second, self.strong}) < 3:
            raise ValueError("the same model twice")
        return FittedCascade(
            **{name: getattr(self, name) for name in _PLAIN},
            saving=Interval(*self.saving),
            difference=Interval(*self.difference),
            scale=Scale(centre, spread),
            risk=_unpack(self.risk),
        )


@cache
def _adapter() -> TypeAdapter[CascadeFile]:
    from pydantic import TypeAdapter  # noqa: PLC0415 - 0.1 s of CPU

    return TypeAdapter(CascadeFile)


def _row(interval: Interval) -> tuple[float, float, float, int]:
    return interval.mean, interval.low, interval.high, interval.count


def _unpack(packed: str) -> Vector:
    weights = np.frombuffer(base64.b64decode(packed, validate=True), "<f4").astype(np.float32)
    if weights.shape != (WIDTH,) or not np.isfinite(weights).all():
        raise ValueError("weights of another size, or not finite")
    return weights
