"""How models did on prompts, as one matrix of qualities and one of costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]

# A task with fewer prompts has too little to say of its own, and with more tasks than this the
# file grows without telling more.
_FEWEST, _MOST = 30, 16
_REST = "other"


class Outcome(NamedTuple):
    """How one model did on one prompt: quality in 0..1, cost in dollars or NaN."""

    prompt_id: str
    task: str
    prompt: str
    model: str
    quality: float
    cost: float


@dataclass(frozen=True, slots=True)
class Outcomes:
    """One row a prompt, one column a model; NaN where a model was not tried or nothing is known.

    `labels` is, for each prompt, the index of its task in `tasks`.
    """

    prompts: tuple[str, ...]
    tasks: tuple[str, ...]
    labels: NDArray[np.intp]
    models: tuple[str, ...]
    quality: NDArray[np.float64]
    cost: NDArray[np.float64]

    def take(self, rows: NDArray[np.intp]) -> Outcomes:
        """Only the prompts with the indices `rows`."""
        return Outcomes(
            tuple(self.prompts[row] for row in rows),
            self.tasks,
            self.labels[rows],
            self.models,
            self.quality[rows],
            self.cost[rows],
        )


def collect(outcomes: Iterable[Outcome]) -> Outcomes:
    """The matrices; what was tried more than once enters by its mean.

    Tasks with fewer than 30 prompts, and those beyond the 16 largest, are one task: "other".
    """
    known = list(outcomes)
    firsts: dict[str, Outcome] = {}
    for outcome in known:
        firsts.setdefault(outcome.prompt_id, outcome)
    place = {prompt_id: row for row, prompt_id in enumerate(firsts)}
    models = tuple(sorted({outcome.model for outcome in known}))
    column = {model: index for index, model in enumerate(models)}
    cells = [place[o.prompt_id] * len(models) + column[o.model] for o in known]
    shape = (len(place), len(models))
    tasks, labels = _label([first.task for first in firsts.values()])
    return Outcomes(
        tuple(first.prompt for first in firsts.values()),
        tasks,
        labels,
        models,
        _mean(cells, [outcome.quality for outcome in known], shape),
        _mean(cells, [outcome.cost for outcome in known], shape),
    )


def from_frame(frame: pd.DataFrame) -> Outcomes:
    """The outcomes in `frame`.

    Its columns are prompt_id, dataset (the task), prompt, model, quality (0..1) and cost
    (dollars, NaN where unknown).
    """
    names = ("prompt_id", "dataset", "prompt", "model", "quality", "cost")
    columns = (frame[name].tolist() for name in names)
    return collect(Outcome(*row) for row in zip(*columns, strict=True))


def _mean(cells: list[int], values: list[float], shape: tuple[int, int]) -> NDArray[np.float64]:
    column = np.array(values, np.float64)
    seen = ~np.isnan(column)
    places = np.array(cells, np.intp)[seen]
    total = np.bincount(places, column[seen], shape[0] * shape[1])
    count = np.bincount(places, minlength=shape[0] * shape[1])
    mean: NDArray[np.float64] = np.full(len(total), np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    return mean.reshape(shape)


def _label(tasks: list[str]) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    large = {task for task, count in Counter(tasks).most_common(_MOST) if count >= _FEWEST}
    merged = [task if task in large else _REST for task in tasks]
    names = tuple(sorted(set(merged)))
    index = {name: place for place, name in enumerate(names)}
    return names, np.array([index[task] for task in merged], np.intp)
