"""Whether who is good at one kind of task is good at another, from a table of outcomes.

``python tests/benchmarks/kinds.py PROMPTS OUTCOMES`` takes two CSV files: prompt_id, dataset,
task and prompt_id, model, quality. For each kind (dataset and task) a model's mean quality is
compared with its mean over the other kinds, once as it is, and once after each kind's average over
all models was taken off. The figures are correlations over models and kinds with the 95 % interval
of a bootstrap over the models. They are what `orch_nb.routing.quality` takes the offsets for.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
from numpy.typing import NDArray

_RESAMPLES = 2000


def correlation(quality: NDArray[np.float64]) -> float:
    """Of each cell of (model, kind) with the mean of the other cells of its row."""
    kinds = quality.shape[1]
    others = (quality.sum(axis=1, keepdims=True) - quality) / (kinds - 1)
    return float(np.corrcoef(quality.ravel(), others.ravel())[0, 1])


def centred(quality: NDArray[np.float64]) -> NDArray[np.float64]:
    """Without the averages of the kinds."""
    without: NDArray[np.float64] = quality - quality.mean(axis=0)
    return without


def main(prompts: str, outcomes: str) -> None:
    """Print both correlations and how far kinds and models are apart."""
    table = pd.read_csv(outcomes).merge(
        pd.read_csv(prompts, usecols=["prompt_id", "dataset", "task"])
    )
    means = table.pivot_table(index="model", columns=["dataset", "task"], values="quality")
    quality = means.dropna().to_numpy()
    models, kinds = quality.shape
    random = np.random.default_rng(0)
    drawn = [quality[random.integers(0, models, models)] for _ in range(_RESAMPLES)]
    print(f"{models} models, {kinds} kinds")
    for name, prepared in (("as they are", lambda q: q), ("kinds taken off", centred)):
        low, high = np.quantile([correlation(prepared(q)) for q in drawn], [0.025, 0.975])
        print(f"{name}: {correlation(prepared(quality)):.2f} [{low:.2f}, {high:.2f}]")
    print(f"standard deviation of the kinds: {quality.mean(axis=0).std(ddof=1):.2f}")
    print(f"of the models within a kind: {centred(quality).std():.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
