"""What was fitted to evaluations: the expected quality of each model for a prompt.

A prompt belongs, more or less, to each of the tasks that were evaluated. In each of them a model
has its mean, shrunk, and those that are worth choosing from have a correction by what the prompt
looks like (see `orch_nb.routing.learning`). All of it is plain numbers in one JSON file.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from orch_nb.errors import InputError
from orch_nb.files import read_regular, write_private
from orch_nb.routing.features import MEASURES, WIDTH, Vector, describe, wave

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Matrix = NDArray[np.float64]

FILE_NAME = "router.json"
_VERSION = 1
# 16 tasks and 7 models take 6 MB.
_BYTES = 32_000_000
# A task to which a prompt belongs by less than this does not change what is expected.
_SHARE = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """Means and standard deviations of the measures of prompts, 26 numbers each."""

    centre: Matrix
    spread: Matrix

    @classmethod
    def of(cls, measures: Matrix) -> Scale:
        """That of the prompts with `measures`, a row each; what does not vary has the spread 1."""
        spread = measures.std(axis=0)
        return cls(measures.mean(axis=0), np.where(spread > 0, spread, 1.0))

    def embed(self, hashed: Vector, measures: Matrix) -> Vector:
        """The features of prompts, a row each of length close to 1, from what `read` gave."""
        waves = wave((measures - self.centre) / self.spread)
        features: Vector = np.hstack((hashed, waves)) / np.float32(np.sqrt(3.0))
        return features


def read(prompts: Sequence[str]) -> tuple[Vector, Matrix]:
    """The hashed text and the measures of at least one prompt, a row each."""
    hashed, measures = zip(*map(describe, prompts), strict=True)
    return np.array(hashed), np.array(measures)


@dataclass(frozen=True, slots=True, eq=False)
class FittedRouter:
    """Frozen numbers. `models` and `tasks` name the axes.

    `counts` and `quality` (tasks × models) are how many evaluations there were, and their means
    shrunk; `cost` (models) is the mean in dollars, NaN where unknown. `candidates` are the
    indices of the models that are worth choosing from; `weights` (tasks × features × candidates)
    is their correction, of which `strength` (tasks) was left. `membership` (features × tasks)
    and `shares` (tasks) say to which tasks a prompt belongs.
    """

    models: tuple[str, ...]
    tasks: tuple[str, ...]
    counts: NDArray[np.int64]
    quality: Matrix
    cost: Matrix
    candidates: NDArray[np.intp]
    strength: Matrix
    shares: Matrix
    scale: Scale
    membership: Vector
    weights: Vector

    def predict(self, prompt: str) -> dict[str, float]:
        """The expected quality for `prompt` by model, in 0..1."""
        expected = np.clip(self.expect([prompt])[0], 0.0, 1.0)
        return dict(zip(self.models, expected.tolist(), strict=True))

    def expect(self, prompts: Sequence[str]) -> Matrix:
        """The expected quality, prompts × models. It may lie a little outside of 0..1."""
        if not prompts:
            return np.empty((0, len(self.models)))
        features = self.scale.embed(*read(prompts))
        belongs = self.belong(features)
        expected: Matrix = belongs @ self.quality
        for task in np.flatnonzero(belongs.max(axis=0) > _SHARE):
            correction = belongs[:, [task]] * (features @ self.weights[task])
            expected[:, self.candidates] += correction
        return expected

    def belong(self, features: Vector) -> Matrix:
        """How much each of the prompts with `features` belongs to each task; rows add up to 1."""
        # A regression to 0 and 1 is no probability; squares make what is likely likelier.
        near = np.maximum(self.shares + features @ self.membership, 0.0) ** 2
        total = near.sum(axis=1, keepdims=True)
        return np.where(total > 0, near / np.where(total > 0, total, 1.0), self.shares)

    def save(self, path: Path) -> None:
        """Write the file, for the user alone to read. Raises `InputError` where that fails."""
        write_fitted(path, self.to_json())

    def to_json(self) -> str:
        """The numbers as JSON; the large matrices in it are base64 of little-endian float32."""
        cost = [None if np.isnan(dollars) else dollars for dollars in self.cost.tolist()]
        return json.dumps(
            {
                "version": _VERSION,
                "models": self.models,
                "tasks": self.tasks,
                "counts": self.counts.tolist(),
                "quality": self.quality.tolist(),
                "cost": cost,
                "candidates": self.candidates.tolist(),
                "strength": self.strength.tolist(),
                "shares": self.shares.tolist(),
                "centre": self.scale.centre.tolist(),
                "spread": self.scale.spread.tolist(),
                "membership": _pack(self.membership),
                "weights": _pack(self.weights),
            },
            indent=1,
        )

    @classmethod
    def from_json(cls, content: str | bytes, source: str = FILE_NAME) -> FittedRouter:
        """The router that `to_json` wrote. Raises `InputError`, naming `source`."""
        try:
            file: _File = _adapter().validate_json(content)
            return file.router()
        except ValueError as error:
            raise InputError(
                f"{source} is no fitted router ({_reason(error)}); fit it again with "
                "`python -m orch_nb.routing.learning`, or delete it"
            ) from None

    @classmethod
    def load(cls, path: Path) -> FittedRouter | None:
        """The router in the file, None where there is no file.

        Raises `InputError` for a file that is damaged or cannot be read.
        """
        content = read_fitted(path, _BYTES)
        return None if content is None else cls.from_json(content, str(path))


def read_fitted(path: Path, limit: int) -> bytes | None:
    """What a file of at most `limit` bytes holds, None where there is none.

    Raises `InputError` where it cannot be read.
    """
    try:
        return read_regular(path, limit)[0]
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"cannot read {path} ({error.strerror or error})") from None


def write_fitted(path: Path, content: str) -> None:
    """Write `content`, for the user alone to read. Raises `InputError` where that fails."""
    try:
        write_private(path, content.encode())
    except OSError as error:
        reason = error.strerror or "unknown reason"
        raise InputError(f"cannot write {path} ({reason}); name another with --out") from None


@dataclass(frozen=True, slots=True)
class _File:
    """What the file holds, by the names there."""

    __pydantic_config__: ClassVar[dict[str, object]] = {"extra": "forbid", "strict": True}

    version: int
    models: tuple[str, ...]
    tasks: tuple[str, ...]
    counts: list[list[int]]
    quality: list[list[float]]
    cost: list[float | None]
    candidates: list[int]
    strength: list[float]
    shares: list[float]
    centre: list[float]
    spread: list[float]
    membership: str
    weights: str

    def router(self) -> FittedRouter:
        """The numbers as matrices. Raises `ValueError` where they do not belong together."""
        if self.version != _VERSION:
            raise ValueError(f"version {self.version} is not {_VERSION}")
        models, tasks, chosen = len(self.models), len(self.tasks), len(self.candidates)
        if not (models and tasks and chosen) or len(set(self.models)) < models:
            raise ValueError("no models, or the same one twice")
        candidates = np.array(self.candidates, np.intp)
        if (
            len(set(self.candidates)) < chosen
            or not 0 <= min(candidates) <= max(candidates) < models
        ):
            raise ValueError("candidates that are no models")
        spread = _matrix(self.spread, MEASURES)
        if not (spread > 0).all():
            raise ValueError("spread is not above 0")
        cost = [-1.0 if dollars is None else dollars for dollars in self.cost]
        known = _matrix(cost, models)
        return FittedRouter(
            models=self.models,
            tasks=self.tasks,
            counts=_matrix(self.counts, tasks, models).astype(np.int64),
            quality=_matrix(self.quality, tasks, models),
            cost=np.where(known < 0, np.nan, known),
            candidates=candidates,
            strength=_matrix(self.strength, tasks),
            shares=_matrix(self.shares, tasks),
            scale=Scale(_matrix(self.centre, MEASURES), spread),
            membership=_unpack(self.membership, WIDTH, tasks),
            weights=_unpack(self.weights, tasks, WIDTH, chosen),
        )


@cache
def _adapter() -> TypeAdapter[_File]:
    from pydantic import TypeAdapter  # noqa: PLC0415 - 0.1 s of CPU

    return TypeAdapter(_File)


def _reason(error: ValueError) -> str:
    """What is wrong, without what stands in the file."""
    from pydantic import ValidationError  # noqa: PLC0415 - loaded by now

    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg']}" if place else first["msg"]


def _matrix(numbers: object, *shape: int) -> Matrix:
    matrix = np.array(numbers, np.float64)
    if matrix.shape != shape or not np.isfinite(matrix).all():
        raise ValueError(f"numbers that are not {' × '.join(map(str, shape))}, or not finite")
    return matrix


def _pack(matrix: Vector) -> str:
    return base64.b64encode(matrix.astype("<f4").tobytes()).decode()


def _unpack(packed: str, *shape: int) -> Vector:
    content = base64.b64decode(packed, validate=True)
    if len(content) != 4 * np.prod(shape):
        raise ValueError("weights of another size")
    matrix = np.frombuffer(content, "<f4").astype(np.float32).reshape(shape)
    if not np.isfinite(matrix).all():
        raise ValueError("weights that are not finite")
    return matrix
