"""Fitting a router to evaluations: which model is how good at which prompts.

``python -m orch_nb.routing.learning --table PROMPTS.csv OUTCOMES.csv`` fits one to your own
evaluations, says what choosing by prompt gains over always taking the best model, and keeps the
numbers in your data folder, where the strategies find them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from orch_nb.routing.fitting import fit
from orch_nb.routing.outcomes import from_frame
from orch_nb.routing.report import run

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]

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


if __name__ == "__main__":
    raise SystemExit(run())
