"""``python tests/benchmarks/difficulty.py --tables FOLDER``: is what is called hard, hard?

For each benchmark among the ``*.prompts.csv.gz`` and ``*.outcomes.csv.gz`` in the folder:
Spearman's rank correlation of the difficulty with the share of failure, which is one minus the
mean quality over the models, with a 95 % interval (bootstrap over prompts). Needs pandas. Within a
benchmark, since between them it is the benchmark, and not the prompt, that is hard.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from orch_nb.routing.analyse import analyse
from orch_nb.types import Message, Request

_RESAMPLES = 300


def correlations(folder: Path) -> pd.DataFrame:
    """A row for each benchmark: prompts, models, rho, low, high."""
    rows = []
    for path in sorted(folder.glob("*.prompts.csv.gz")):
        table = path.name.removesuffix(".prompts.csv.gz")
        prompts = pd.read_csv(path, keep_default_na=False)
        outcomes = pd.read_csv(folder / f"{table}.outcomes.csv.gz")
        quality = outcomes.groupby("prompt_id").quality.mean()
        prompts["failure"] = 1 - prompts.prompt_id.map(quality)
        prompts["difficulty"] = [
            analyse(Request((Message("user", prompt),))).difficulty for prompt in prompts.prompt
        ]
        for name, group in [*prompts.groupby("dataset"), ("all of it", prompts)]:
            rho, low, high = _spearman(group[["difficulty", "failure"]])
            rows.append((table, name, len(group), outcomes.model.nunique(), rho, low, high))
    return pd.DataFrame(
        rows, columns=["table", "benchmark", "prompts", "models", "rho", "low", "high"]
    )


def _spearman(pairs: pd.DataFrame) -> tuple[float, float, float]:
    generator = np.random.default_rng(0)
    again = [
        pairs.iloc[generator.integers(len(pairs), size=len(pairs))].rank().corr().iloc[0, 1]
        for _ in range(_RESAMPLES)
    ]
    low, high = np.nanquantile(again, [0.025, 0.975])
    return float(pairs.rank().corr().iloc[0, 1]), float(low), float(high)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=Path, required=True)
    print(correlations(parser.parse_args().tables).round(2).to_string(index=False))


if __name__ == "__main__":
    main()
