"""Which drafts and which strong model a cascade takes, fitted to evaluations with their answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orch_nb.agreement import short_answer
from orch_nb.routing.cascade import CHEAP
from orch_nb.routing.features import Vector
from orch_nb.routing.fitted import Scale, read
from orch_nb.routing.fitted_cascade import FittedCascade
from orch_nb.routing.gain import Interval, difference_interval
from orch_nb.routing.outcomes import Outcomes

Matrix = NDArray[np.float64]
Mask = NDArray[np.bool_]

# What a cascade is for: at least half of the strong model's cost is to be left.
_GOAL = 0.5
# From 1 to 10 the outcome is the same; few wrong agreements leave little to fit.
_PENALTY = 3.0
_FOLDS = 5
_FEWEST = 60


@dataclass(frozen=True, slots=True, eq=False)
class _Trial:
    """Prompts × models: quality, cost, and answers as codes, equal where the answers are."""

    quality: Matrix
    cost: Matrix
    answers: NDArray[np.intp]
    features: Vector

    def take(self, rows: NDArray[np.intp]) -> _Trial:
        return _Trial(self.quality[rows], self.cost[rows], self.answers[rows], self.features[rows])


@dataclass(frozen=True, slots=True, eq=False)
class _Choice:
    """Columns of the models, and where agreement is trusted; `risk` is linear in the features."""

    first: int
    second: int
    strong: int
    risk: Vector
    offset: float
    threshold: float

    def play(self, trial: _Trial) -> tuple[Matrix, Matrix, Mask]:
        """Differences to the strong model in quality and cost; where drafts asked disagreed."""
        trusted = self.offset + trial.features @ self.risk <= self.threshold
        same = trial.answers[:, self.first] == trial.answers[:, self.second]
        strong = trial.cost[:, self.strong]
        drafts = trial.cost[:, [self.first, self.second]].sum(axis=1)
        kept = trusted & same
        gain = trial.quality[:, self.first] - trial.quality[:, self.strong]
        paid = np.where(trusted, drafts, 0.0) + np.where(kept, 0.0, strong)
        return np.where(kept, gain, 0.0), paid - strong, ~same[trusted]


def fit_pair(outcomes: Outcomes, answers: Sequence[Sequence[str | None]]) -> FittedCascade | None:
    """Fit a cascade to `outcomes` and `answers`, which have a row a prompt and a column a model.

    The strong model is the best on the questions on which good cheap models disagree, as these
    are what it will be asked. The first draft is the best of those that cost at most a quarter of
    it; the second is, with as many of the prompts of most risk sent to the strong model at once as
    leaves half of its cost, among those as good as the best within a standard error (Breiman's
    rule: the best of many noisy ones is mostly lucky) the one that could save the most. Where half
    costs quality, by more than a standard error, less is saved.

    None where fewer than 60 prompts were tried with all models that have a cost, or where no two
    drafts are cheap enough to save anything.
    """
    columns = np.flatnonzero((~np.isnan(outcomes.cost)).any(axis=0))
    complete = ~np.isnan(outcomes.quality[:, columns] + outcomes.cost[:, columns]).any(axis=1)
    rows = np.flatnonzero(complete)
    if len(rows) < _FEWEST or len(columns) < 3:
        return None
    hashed, measures = read([outcomes.prompts[row] for row in rows])
    scale = Scale.of(measures)
    trial = _Trial(
        outcomes.quality[np.ix_(rows, columns)],
        outcomes.cost[np.ix_(rows, columns)],
        np.array([_code([answers[row][at] for at in columns.tolist()]) for row in rows.tolist()]),
        scale.embed(hashed, measures),
    )
    choice = _choose(trial)
    if choice is None:
        return None
    saving, difference, escalation = _validate(trial)
    names = [outcomes.models[column] for column in columns]
    return FittedCascade(
        first=names[choice.first],
        second=names[choice.second],
        strong=names[choice.strong],
        count=len(rows),
        threshold=choice.threshold,
        offset=choice.offset,
        escalation=escalation,
        saving=saving,
        difference=difference,
        scale=scale,
        risk=choice.risk,
    )


def _code(answers: Sequence[str | None]) -> list[int]:
    """Equal numbers for equal answers; what is no short answer equals nothing."""
    seen: dict[object, int] = {}
    codes = []
    for place, text in enumerate(answers):
        answer = None if text is None else short_answer(text)
        codes.append(-1 - place if answer is None else seen.setdefault(answer, len(seen)))
    return codes


def _choose(trial: _Trial) -> _Choice | None:
    quality, cost = trial.quality.mean(axis=0), trial.cost.mean(axis=0)
    strong = _strongest(trial)
    cheap = np.flatnonzero((cost <= CHEAP * cost[strong]) & (np.arange(len(cost)) != strong))
    if len(cheap) < 2:
        return None
    first = int(cheap[quality[cheap].argmax()])
    seconds = cheap[cheap != first]
    same = trial.answers[:, seconds] == trial.answers[:, [first]]
    loss = trial.quality[:, strong] - trial.quality[:, first]
    agreed = same.mean(axis=1)
    # Of all second drafts together: what goes wrong is a matter of the prompt, and rare.
    risk, offset, expected = _fit_risk(trial.features, loss, agreed)
    order = np.argsort(expected, kind="stable")
    saved = same * trial.cost[:, [strong]] - cost[seconds] - cost[first]
    place, threshold = _pick(
        saved[order] / cost[strong], -(same * loss[:, None])[order], expected[order]
    )
    if place is None:
        return None
    return _Choice(first, int(seconds[place]), strong, risk, offset, threshold)


def _pick(saved: Matrix, gained: Matrix, risk: Matrix) -> tuple[int | None, float]:
    """The column of the second draft, and the risk up to which agreement with it is trusted.

    `saved` (share of the strong model's cost) and `gained` (quality) have a row a prompt, those of
    the least risk first. Each draft is trusted as far as it takes to reach the goal, or as it goes
    without losing more than a standard error.
    """
    count = len(risk)
    saving, gain = np.cumsum(saved, axis=0) / count, np.cumsum(gained, axis=0) / count
    # One more loss than was seen, as none seen is not none to come.
    error = np.sqrt(np.cumsum(gained**2, axis=0) + 1.0) / count
    harmless = np.where(gain >= -error, saving, -np.inf)
    reaches = (harmless >= _GOAL).any(axis=0)
    until = np.where(reaches, (harmless >= _GOAL).argmax(axis=0), harmless.argmax(axis=0))
    columns = np.arange(saving.shape[1])
    if not reaches.any():
        most = harmless[until, columns]
        place = int(most.argmax())
        return (place if most[place] > 0 else None), float(risk[until[place]])
    at_goal = np.where(reaches, gain[until, columns], -np.inf)
    best = int(at_goal.argmax())
    equal = at_goal >= at_goal[best] - error[until[best], best]
    place = int(np.where(equal, saving[-1], -np.inf).argmax())
    return place, float(risk[until[place]])


def _strongest(trial: _Trial) -> int:
    """The best where those cheap models disagree that are not worse than most cheap ones."""
    quality, cost = trial.quality.mean(axis=0), trial.cost.mean(axis=0)
    cheap = np.flatnonzero(cost <= CHEAP * cost[quality.argmax()])
    if len(cheap) < 2:
        return int(quality.argmax())
    good = cheap[quality[cheap] >= np.median(quality[cheap])]
    weight = np.zeros(len(trial.quality))
    for place, one in enumerate(good):
        for other in good[place + 1 :]:
            weight += trial.answers[:, one] != trial.answers[:, other]
    return int((weight @ trial.quality).argmax() if weight.any() else quality.argmax())


def _fit_risk(features: Vector, loss: Matrix, weight: Matrix) -> tuple[Vector, float, Matrix]:
    """Weighted ridge regression: weights, offset, and what is expected with each row left out."""
    offset = float(np.average(loss, weights=weight)) if weight.any() else 0.0
    root = np.sqrt(weight + 1e-6)  # a prompt on which nobody agrees still gets its prediction
    target = root * (loss - offset)
    gram = (features @ features.T).astype(np.float64) * root[:, None] * root
    inverse = np.linalg.inv(gram + _PENALTY * np.eye(len(gram)))
    dual = inverse @ target
    left_out = (target - dual / np.diag(inverse)) / root + offset
    risk: Vector = (features.T @ (root * dual)).astype(np.float32)
    return risk, offset, left_out


def _validate(trial: _Trial) -> tuple[Interval, Interval, float]:
    """Saving, difference and escalation where each fifth is judged by a choice without it.

    The strong model of each choice is what it is compared with.
    """
    part = np.random.default_rng(0).permutation(len(trial.quality)) % _FOLDS
    gains, savings, asked = [], [], []
    for fold in range(_FOLDS):
        choice = _choose(trial.take(np.flatnonzero(part != fold)))
        if choice is None:
            continue
        held = trial.take(np.flatnonzero(part == fold))
        gain, change, disagreed = choice.play(held)
        gains.append(gain)
        savings.append(-change / held.cost[:, choice.strong].mean())
        asked.append(disagreed)
    if not gains:
        nothing = Interval(0.0, -1.0, 1.0, 0)
        return nothing, nothing, 1.0
    escalated = np.concatenate(asked)
    return (
        difference_interval(np.concatenate(savings)),
        difference_interval(np.concatenate(gains)),
        float(escalated.mean()) if len(escalated) else 1.0,
    )
