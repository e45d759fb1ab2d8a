"""Fitting a router to evaluations: which model is how good at which prompts.

``python -m orch_nb.routing.learning --table PROMPTS.csv OUTCOMES.csv`` fits one to your own
evaluations, says what choosing by prompt gains over always taking the best model, and keeps the
numbers in your data folder, where the strategies find them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from orch_nb.agreement import short_answer
from orch_nb.routing.cascade_fitting import fit_pair
from orch_nb.routing.escalation import Escalation, fit_escalation
from orch_nb.routing.fitting import fit
from orch_nb.routing.outcomes import Outcomes, from_frame
from orch_nb.routing.report import run

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]

Policy = Callable[[str, Callable[[str], str | None]], str]

# Below whatever a strategy may add or take off for cost: never the largest.
_NEVER = -1e9


def fit_router(train: pd.DataFrame) -> Callable[[Sequence[str]], pd.DataFrame]:
    """Fit a router to `train`, and give the function from prompts to expected quality.

    `train` has a row for each prompt and model, with the columns prompt_id, dataset (the task),
    prompt, model, quality (0..1) and cost (dollars, NaN where unknown). What the function returns
    has a row a prompt and a column a model; a model that is not worth choosing from has a value
    so low that no weight on cost makes it the best.
    """
    import pandas as pd  # noqa: PLC0415 - pandas is optional

    router = fit(from_frame(train))
    others = np.setdiff1d(np.arange(len(router.models)), router.candidates)

    def predict(prompts: Sequence[str]) -> pd.DataFrame:
        expected = router.expect(prompts)
        expected[:, others] = _NEVER
        return pd.DataFrame(expected, columns=list(router.models))

    return predict


def fit_cascade(train: pd.DataFrame, answers: pd.DataFrame) -> Escalation | Policy:
    """Fit a cascade to `train`, as for `fit_router`, and `answers`: prompt_id, model, answer.

    Of two models: what tells from the weak one's answer how much better the strong one would be.
    Of more: a function of a prompt and of `ask`, which gives a model's answer and pays for it, to
    the name of the model whose answer is taken.
    """
    outcomes = from_frame(train)
    prompt_ids = train["prompt_id"].drop_duplicates()
    wide = answers.pivot(index="prompt_id", columns="model", values="answer")
    wide = wide.reindex(index=prompt_ids, columns=list(outcomes.models))
    texts = [[t if isinstance(t, str) else None for t in row] for row in wide.to_numpy().tolist()]
    if len(outcomes.models) == 2:
        return _of_two(outcomes, texts)
    fitted = fit_pair(outcomes, texts)
    best = outcomes.models[int(np.nanmean(outcomes.quality, axis=0).argmax())]

    def policy(prompt: str, ask: Callable[[str], str | None]) -> str:
        if fitted is None:
            return best
        if not fitted.trusts(prompt):
            return fitted.strong
        first, second = (short_answer(ask(model) or "") for model in (fitted.first, fitted.second))
        return fitted.first if first is not None and first == second else fitted.strong

    return policy


def _of_two(outcomes: Outcomes, texts: Sequence[Sequence[str | None]]) -> Escalation:
    weak, strong = np.argsort(np.nanmean(outcomes.quality, axis=0)).tolist()
    gain = outcomes.quality[:, strong] - outcomes.quality[:, weak]
    rows = [row for row, text in enumerate(texts) if text[weak] is not None]
    rows = [row for row in rows if not np.isnan(gain[row])]
    return fit_escalation(
        [outcomes.prompts[row] for row in rows],
        [texts[row][weak] or "" for row in rows],
        gain[rows],
    )


if __name__ == "__main__":
    raise SystemExit(run())
