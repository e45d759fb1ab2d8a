"""Whether the answer of a weak model is to be replaced by a strong one's: fitted to answers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from orch_nb.agreement import short_answer
from orch_nb.arithmetic import wrong_statements
from orch_nb.routing.features import Vector
from orch_nb.routing.fitted import Scale, read
from orch_nb.routing.ridge import solve

Matrix = NDArray[np.float64]

# Chosen: from 1 to 15 the outcome is the same within its interval.
_PENALTY = 5.0
# What lies beyond is not looked at.
_LONGEST = 20_000
_FIGURE = re.compile(r"\d[\d,]*(?:\.\d+)?")
_HEDGE = re.compile(
    r"\b(?:however|wait|mistake|not enough|cannot|can't|approximately|about|assum\w*|maybe|perhaps"
    r"|unclear|not sure|sorry|round\w*|let'?s)\b|≈",
    re.IGNORECASE,
)
_UNKNOWN = re.compile(r"\blet x\b|\bequations?\b|\bsolve for\b", re.IGNORECASE)


def signs(prompt: str, answer: str) -> Matrix:
    """What an answer says about itself, 22 numbers: how long, how sure, wrong sums, a final answer.

    Numbers of the prompt that it does not use, and a final answer that is a fraction where the
    question counts things, tell the most.
    """
    prompt, answer = prompt[-_LONGEST:], answer[-_LONGEST:]
    figures = [figure.replace(",", "") for figure in _FIGURE.findall(answer)]
    given = {figure.replace(",", "") for figure in _FIGURE.findall(prompt)}
    unused = len(given - set(figures))
    lines = [line.strip() for line in answer.splitlines() if line.strip()]
    wrong = len(wrong_statements(answer))
    final = short_answer(answer)
    number = final if isinstance(final, Decimal) else None
    repeated = max(Counter(lines).values(), default=1) > 1
    return np.array(
        [
            *np.log1p(
                [
                    len(answer),
                    len(prompt),
                    len(lines),
                    len(figures),
                    answer.count("="),
                    len(given),
                    unused,
                    wrong,
                    max(map(len, figures), default=0),
                    0 if final is None else len(str(final)),
                ]
            ),
            unused / max(1, len(given)),
            sum("." in figure for figure in figures) / max(1, len(figures)),
            wrong > 0,
            final is None,
            "####" in answer or "\\boxed" in answer,
            number is not None and number != number.to_integral_value(),
            number is not None and number <= 0,
            number is not None and str(number) in given,
            repeated,
            bool(_HEDGE.search(answer)),
            bool(_UNKNOWN.search(answer)),
            answer.rstrip()[-1:] not in set('.!?0123456789)"}]`'),
        ],
        np.float64,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Escalation:
    """How much better the strong model is expected to be, given what the weak one answered."""

    questions: Scale
    answers: Scale
    centre: Matrix
    spread: Matrix
    weights: Vector

    def escalation(self, prompt: str, weak_answer: str) -> float:
        """Expected quality of the strong model less that of `weak_answer`."""
        return float(self._embed([prompt], [weak_answer])[0] @ self.weights)

    def _embed(self, prompts: Sequence[str], answers: Sequence[str]) -> Vector:
        rows = np.array([signs(*pair) for pair in zip(prompts, answers, strict=True)])
        # Nothing is learned about what is further off than anything that was seen.
        standard = np.clip((rows - self.centre) / self.spread, -3.0, 3.0)
        features: Vector = np.hstack(
            (
                self.questions.embed(*read(prompts)),
                self.answers.embed(*read(answers)),
                (standard / np.sqrt(rows.shape[1])).astype(np.float32),
            )
        )
        return features


def fit_escalation(prompts: Sequence[str], answers: Sequence[str], gain: Matrix) -> Escalation:
    """Fit `gain`, the strong model's quality less the weak one's, to prompts and weak answers."""
    rows = np.array([signs(*pair) for pair in zip(prompts, answers, strict=True)])
    spread = rows.std(axis=0)
    empty = Escalation(
        Scale.of(read(prompts)[1]),
        Scale.of(read(answers)[1]),
        rows.mean(axis=0),
        np.where(spread > 0, spread, 1.0),
        np.zeros(0, np.float32),
    )
    features = empty._embed(prompts, answers)
    weights = solve(features, (gain - gain.mean())[:, None], _PENALTY)[:, 0]
    return Escalation(empty.questions, empty.answers, empty.centre, empty.spread, weights)
