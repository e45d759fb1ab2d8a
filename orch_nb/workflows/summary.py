"""What the rows of an evaluation come to, model by model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import fmean, median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orch_nb.routing.gain import Interval


@dataclass(frozen=True, slots=True)
class Row:
    """One answer of one model, graded.

    ``item`` and ``repeat`` count from 0. ``quality`` is in 0..1, None where there is no answer or
    no grade, and ``error`` says why. ``cost`` and ``seconds`` are those of the call that paid for
    the answer, which may be an earlier one (``cached``); ``billed`` is what this evaluation added
    to the bill, or did when it was recorded (``replayed``), ``judge_cost`` what grading cost, both
    in dollars; None is unknown.
    """

    item: int
    repeat: int
    prompt: str
    expected: object
    model: str
    kind: str
    text: str | None = None
    quality: float | None = None
    cost: Decimal | None = None
    billed: Decimal | None = None
    judge_cost: Decimal | None = Decimal(0)
    seconds: float | None = None
    cached: bool = False
    replayed: bool = False
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Whether there is an answer, and nothing went wrong with grading it."""
        return self.error is None


@dataclass(frozen=True, slots=True)
class Summary:
    """One model in an evaluation.

    ``quality`` is the mean over its ``count`` prompts that were graded, in 0..1, None where none
    was; ``errors`` counts rows without an answer or a grade. ``cost`` is the mean of an answer in
    dollars, None if one is unknown; ``p50`` the median seconds of an answer.
    """

    model: str
    quality: Interval | None
    cost: Decimal | None
    p50: float | None
    errors: int


def summarise(rows: Iterable[Row], models: Sequence[str]) -> tuple[Summary, ...]:
    """One summary for each of `models`, in their order."""
    by_model: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_model[row.model].append(row)
    return tuple(_summary(model, by_model[model]) for model in models)


def leaders(summaries: Iterable[Summary]) -> tuple[str, ...]:
    """The best mean first, then every model whose interval overlaps with its."""
    graded = [(one.quality, one.model) for one in summaries if one.quality is not None]
    if not graded:
        return ()
    ranked = sorted(graded, key=lambda pair: -pair[0].mean)
    least = ranked[0][0].low
    return tuple(model for quality, model in ranked if quality.high >= least)


def _summary(model: str, rows: Sequence[Row]) -> Summary:
    import numpy as np  # noqa: PLC0415 - slow to import

    from orch_nb.routing.gain import share_interval  # noqa: PLC0415

    graded: defaultdict[int, list[float]] = defaultdict(list)
    for row in rows:
        if row.quality is not None:
            graded[row.item].append(row.quality)
    # Repeats of one prompt are alike: it is the prompts that were drawn, so each counts once.
    means = [fmean(values) for values in graded.values()]
    quality = share_interval(np.array(means)) if means else None
    answered = [row for row in rows if row.text is not None]
    costs = [row.cost for row in answered if row.cost is not None]
    known = bool(costs) and len(costs) == len(answered)
    times = [row.seconds for row in answered if row.seconds is not None]
    return Summary(
        model,
        quality,
        sum(costs, Decimal(0)) / len(costs) if known else None,
        median(times) if times else None,
        sum(not row.ok for row in rows),
    )
