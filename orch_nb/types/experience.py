"""What was seen of models, one observation at a time, and what it adds up to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Self, get_args

from orch_nb.errors import InputError, UnknownNameError
from orch_nb.types.task import TASKS, canonical_task

ObservationSource = Literal["call", "evaluation", "rating", "vote"]
_SOURCES = frozenset(get_args(ObservationSource))
_LARGEST = 2**53  # what a server may say counts to more; beyond this floats and disks go wrong


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing that was seen of a model: a call, an evaluation, a rating or a vote.

    None is not known, or does not apply. ``at`` is seconds since the epoch, ``kind`` one of
    `TASKS`, ``ok`` whether the call was answered, ``quality`` in 0..1 (a vote is 1 for the one
    that was preferred, 0 for the others). ``seconds``, ``ttft`` (time to the first token) and
    ``output_tokens`` count towards the model's speed: leave them out for an answer that was
    cached, simulated or stopped. ``input_tokens`` is the provider's count, ``estimated_tokens``
    what was estimated of the same text before any calibration.

    Raises `InputError` for numbers that cannot be.
    """

    at: float
    model: str
    kind: str
    source: ObservationSource
    ok: bool | None = None
    quality: float | None = None
    seconds: float | None = None
    ttft: float | None = None
    output_tokens: int | None = None
    estimated_tokens: int | None = None
    input_tokens: int | None = None

    def __post_init__(self) -> None:
        if self.source not in _SOURCES:
            raise InputError(f"unknown source of an observation: {self.source!r}")
        if self.quality is not None and not 0 <= self.quality <= 1:
            raise InputError(f"a quality is in 0..1, not {self.quality}")
        for amount in (
            self.at,
            self.seconds,
            self.ttft,
            self.output_tokens,
            self.estimated_tokens,
            self.input_tokens,
        ):
            if amount is not None and not 0 <= amount <= _LARGEST:
                raise InputError("times and counts are 0 or more, and finite")

    def canonical(self) -> Self:
        """The same under the name that `TASKS` has for its kind. Raises `UnknownNameError`."""
        kind = canonical_task(self.kind)
        if kind is None:
            raise UnknownNameError("task", self.kind, TASKS)
        return replace(self, kind=kind)


@dataclass(frozen=True, slots=True)
class Score:
    """Quality as observed in one kind of task.

    ``weight`` is how many observations it is worth, the older ones for less; ``mean`` is in 0..1.
    ``counts`` is how many there were, by source and whatever their age.
    """

    weight: float
    mean: float
    counts: Mapping[ObservationSource, int]


@dataclass(frozen=True, slots=True)
class Track:
    """What one model did so far, older observations counting for less.

    ``calls`` and ``successes`` are decayed weights. ``ttft`` (seconds to the first token) and
    ``tokens_per_second`` (output after the first) are medians; ``p50`` and ``p95`` are quantiles
    of the seconds of an answer. None is not known.
    """

    calls: float = 0.0
    successes: float = 0.0
    ttft: float | None = None
    tokens_per_second: float | None = None
    p50: float | None = None
    p95: float | None = None
    quality: Mapping[str, Score] = field(default_factory=dict)
