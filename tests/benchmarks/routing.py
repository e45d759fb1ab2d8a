"""How well models are chosen, on tables of outcomes that others have published.

``python tests/benchmarks/routing.py --data FOLDER`` reads, for each set, ``SET.prompts.csv.gz``
(prompt_id, dataset, split, prompt), ``SET.outcomes.csv.gz`` (prompt_id, model, quality 0..1, and
maybe cost in dollars) and, for cascades, ``SET.answers.csv.gz`` (prompt_id, model, answer). Sets
that are not there are left out. Each figure is a mean over seeds, which draw what is fitted to, and
its 95 % interval is over seeds × bootstrap samples of the prompts that are held out: how far off
one such measurement may be. Where what can be had without looking at the prompt lies inside, it is
a tie.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.metrics import Matrix, against_singles, gap_recovered, swept
from orch_nb.routing.features import describe
from orch_nb.routing.fitting import fit
from orch_nb.routing.learning import fit_cascade, fit_router
from orch_nb.routing.outcomes import from_frame

_SAMPLES = 50
# What each metric is without looking at the prompt.
_BLIND = {"APGR": 0.5, "CPT50": 50.0, "CPT80": 80.0, "dAIQ": 0.0, "PerfGain0 %": 0.0, "gain": 0.0}
_BLIND |= {"PerfGain %": 0.0, "CostSave %": 0.0}


@dataclass(frozen=True)
class Outcomes:
    """One set: `prompts` a row each; `quality` and `cost` are prompts × models."""

    name: str
    folder: Path
    prompts: pd.DataFrame
    models: list[str]
    quality: Matrix
    cost: Matrix

    def train(self, rows: Matrix) -> pd.DataFrame:
        """The form that is fitted to: a row a prompt and model."""
        part = self.prompts.iloc[np.repeat(rows, len(self.models))]
        frame = part[["prompt_id", "dataset", "prompt"]].reset_index(drop=True)
        frame["model"] = self.models * len(rows)
        frame["quality"] = self.quality[rows].ravel()
        frame["cost"] = self.cost[rows].ravel()
        return frame

    def answers(self) -> pd.DataFrame:
        """What the models answered: prompt_id, model, answer."""
        path = self.folder / f"{self.name}.answers.csv.gz"
        return pd.read_csv(path, keep_default_na=False, dtype={"answer": str})


# Of a set, what is fitted and the rows to fit to and to hold out: a function from held out rows
# that are drawn with replacement to the metrics.
Measure = Callable[[Outcomes, Any, Matrix, Matrix], Callable[[Matrix], Mapping[str, float]]]


def choose_of_two(
    outcomes: Outcomes, function: Any, train: Matrix, held: Matrix
) -> Callable[[Matrix], Mapping[str, float]]:
    """The score is how much better the strong model is expected to be."""
    expected = _expect(outcomes, function, train, held)
    weak, strong = np.argsort(outcomes.quality[held].mean(axis=0))
    score = expected[:, strong] - expected[:, weak]
    quality = outcomes.quality[held]
    return lambda rows: gap_recovered(score[rows], quality[rows, weak], quality[rows, strong])


def choose_of_many(
    outcomes: Outcomes, function: Any, train: Matrix, held: Matrix
) -> Callable[[Matrix], Mapping[str, float]]:
    """With costs: expected is, for each model, a straight line in the length of the prompt."""
    expected = _expect(outcomes, function, train, held)
    quality, cost = outcomes.quality[held], outcomes.cost[held]
    price = _prices(outcomes, train)[held] / outcomes.cost[train].mean()
    got, paid = swept(expected, price, quality, cost)
    return lambda rows: against_singles(got[:, rows], paid[:, rows], quality[rows], cost[rows])


def choose_best(
    outcomes: Outcomes, function: Any, train: Matrix, held: Matrix
) -> Callable[[Matrix], Mapping[str, float]]:
    """Without costs: the quality of the choice, and its gain over the best model in hindsight."""
    quality = outcomes.quality[held]
    chosen = _expect(outcomes, function, train, held).argmax(axis=1)
    got = quality[np.arange(len(held)), chosen]
    gain = got - quality[:, quality.mean(axis=0).argmax()]
    return lambda rows: {"quality": got[rows].mean(), "gain": gain[rows].mean()}


def escalate(
    outcomes: Outcomes, function: Any, train: Matrix, held: Matrix
) -> Callable[[Matrix], Mapping[str, float]]:
    """The score is read from the prompt and the answer of the weak model, which is always paid."""
    answers, fitted = _answered(outcomes, function, train)
    weak, strong = np.argsort(outcomes.quality[train].mean(axis=0))
    texts = answers[outcomes.models[weak]]
    prompts = outcomes.prompts["prompt"]
    score = np.array([fitted.escalation(prompts.iloc[at], texts.iloc[at]) for at in held])
    quality = outcomes.quality[held]
    return lambda rows: gap_recovered(score[rows], quality[rows, weak], quality[rows, strong])


def cascade(
    outcomes: Outcomes, function: Any, train: Matrix, held: Matrix
) -> Callable[[Matrix], Mapping[str, float]]:
    """Quality gained and cost saved, in per cent, against the best single model in hindsight."""
    answers, policy = _answered(outcomes, function, train)
    column = {model: at for at, model in enumerate(outcomes.models)}
    got, paid = np.zeros(len(held)), np.zeros(len(held))
    for place, at in enumerate(held):
        asked: set[str] = set()

        def ask(model: str, at: int = at, asked: set[str] = asked) -> str:
            asked.add(model)
            return str(answers[model].iloc[at])

        taken = policy(outcomes.prompts["prompt"].iloc[at], ask)
        got[place] = outcomes.quality[at, column[taken]]
        paid[place] = sum(outcomes.cost[at, column[model]] for model in asked | {taken})
    quality, cost = outcomes.quality[held], outcomes.cost[held]
    best = quality.mean(axis=0).argmax()
    return lambda rows: {
        "PerfGain %": 100 * (got[rows].mean() / quality[rows, best].mean() - 1),
        "CostSave %": 100 * (1 - paid[rows].mean() / cost[rows, best].mean()),
    }


# (set, protocol, how it is measured, what is fitted); another line is another figure.
FIGURES: tuple[tuple[str, str, Measure, Any], ...] = (
    ("routellm_mmlu_dev", "native", choose_of_two, fit_router),
    ("routellm_mmlu_dev", "random", choose_of_two, fit_router),
    ("routellm_gsm8k_dev", "native", choose_of_two, fit_router),
    ("routellm_gsm8k_dev", "random", choose_of_two, fit_router),
    ("zeroeval_dev", "random", choose_of_many, fit_router),
    ("zeroeval_dev", "left out", choose_of_many, fit_router),
    ("routellm_gsm8k_dev", "native", escalate, fit_cascade),
    ("routellm_gsm8k_dev", "random", escalate, fit_cascade),
    ("zeroeval_dev", "random", cascade, fit_cascade),
    ("zeroeval_dev", "left out", cascade, fit_cascade),
    ("llmrouter9", "native", choose_best, fit_router),
    ("llmrouter9", "random", choose_best, fit_router),
)


def splits(outcomes: Outcomes, protocol: str, seeds: int) -> Iterator[tuple[Matrix, Matrix]]:
    """Rows to fit to and rows to hold out.

    "native" is the split that came with the set; "random" are random ones of the same sizes in
    each dataset, halves where none came; "left out" holds out one dataset after the other.
    """
    split, dataset = outcomes.prompts["split"].to_numpy(), outcomes.prompts["dataset"].to_numpy()
    names = sorted(set(dataset))
    rows = np.arange(len(split))
    if protocol == "left out":
        yield from ((rows[dataset != name], rows[dataset == name]) for name in names)
        return
    if protocol == "native":
        yield rows[split == "train"], rows[split == "test"]
        return
    for seed in range(seeds):
        draw = np.random.default_rng(seed)
        held = []
        for name in names:
            these = draw.permutation(rows[dataset == name])
            native = int((split[these] == "test").sum())
            held.append(these[: native if "test" in split else len(these) // 2])
        test = np.sort(np.concatenate(held))
        yield np.setdiff1d(rows, test), test


def measure(
    outcomes: Outcomes, protocol: str, how: Measure, function: Any, seeds: int
) -> dict[str, tuple[float, float, float]]:
    """Mean and 95 % interval by metric."""
    values: defaultdict[str, list[float]] = defaultdict(list)
    sampled: defaultdict[str, list[float]] = defaultdict(list)
    for seed, (train, held) in enumerate(splits(outcomes, protocol, seeds)):
        metrics = how(outcomes, function, train, held)
        for name, value in metrics(np.arange(len(held))).items():
            values[name].append(value)
        draw = np.random.default_rng(seed)
        for _ in range(_SAMPLES if seeds > 1 and protocol == "random" else 20 * _SAMPLES):
            for name, value in metrics(draw.integers(0, len(held), len(held))).items():
                sampled[name].append(value)
    return {
        name: (float(np.nanmean(values[name])), *np.nanpercentile(sampled[name], [2.5, 97.5]))
        for name in values
    }


def read(folder: Path, name: str) -> Outcomes | None:
    """The set `name`, None where it is not in the folder."""
    if not (folder / f"{name}.prompts.csv.gz").exists():
        return None
    prompts = pd.read_csv(folder / f"{name}.prompts.csv.gz", keep_default_na=False)
    table = pd.read_csv(folder / f"{name}.outcomes.csv.gz")
    if "cost" not in table:
        table["cost"] = np.nan
    wide = table.pivot(index="prompt_id", columns="model").loc[prompts["prompt_id"]]
    quality, cost = wide["quality"], wide["cost"]
    return Outcomes(name, folder, prompts, list(quality), quality.to_numpy(), cost.to_numpy())


def main() -> None:
    """Print a table of the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the sets")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--only", default="", help="only sets whose name contains this")
    options = parser.parse_args()
    print("| set | fitted to | what | metric | mean [95 % interval] | |\n|---|---|---|---|---|---|")
    for name, protocol, how, function in FIGURES:
        if options.only not in name:
            continue
        outcomes = read(options.data, name)
        if outcomes is None:
            print(f"| {name} | not there |", flush=True)
            continue
        started = time.perf_counter()
        measured = measure(outcomes, protocol, how, function, options.seeds)
        for metric, (mean, low, high) in measured.items():
            blind = _BLIND.get(metric, np.nan)
            tie = "tie" if low <= blind <= high else ""
            place = f"| {name} | {protocol} | {function.__name__} | {metric} |"
            print(f"{place} {mean:.4g} [{low:.4g}, {high:.4g}] | {tie} |", flush=True)
        print(f"{name} {protocol}: {time.perf_counter() - started:.0f} s", file=sys.stderr)
    for line in decision_time():
        print(line)


def decision_time() -> Iterator[str]:
    """Microseconds for a prompt of 500 words, the median of many."""
    draw = np.random.default_rng(0)
    words = ["".join(draw.choice(list("etaoinshrdlu"), 6)) for _ in range(300)]
    prompts = [" ".join(draw.choice(words, 500)) for _ in range(100)]
    quality = draw.random((len(prompts), 7))
    train = pd.DataFrame(
        {
            "prompt_id": np.repeat(np.arange(len(prompts)), 7),
            "dataset": "",
            "prompt": np.repeat(prompts, 7),
            "model": [f"m:{i}" for i in range(7)] * len(prompts),
            "quality": quality.ravel(),
            "cost": np.nan,
        }
    )
    router = fit(from_frame(train))
    for name, call in (("features", describe), ("expected quality of 7 models", router.predict)):
        times = []
        for prompt in prompts * 3:
            started = time.perf_counter()
            call(prompt)
            times.append(1e6 * (time.perf_counter() - started))
        yield f"{name}, a prompt of 500 words: {np.median(times):.0f} µs"


def _expect(outcomes: Outcomes, function: Any, train: Matrix, held: Matrix) -> Matrix:
    expected = function(outcomes.train(train))(outcomes.prompts["prompt"].iloc[held].tolist())
    return expected[outcomes.models].to_numpy(float)


def _answered(outcomes: Outcomes, function: Any, train: Matrix) -> tuple[pd.DataFrame, Any]:
    """All answers, prompts × models, and what was fitted to those of the rows `train`."""
    answers = outcomes.answers()
    known = answers[answers["prompt_id"].isin(outcomes.prompts["prompt_id"].iloc[train])]
    wide = answers.pivot(index="prompt_id", columns="model", values="answer")
    wide = wide.reindex(outcomes.prompts["prompt_id"])[outcomes.models]
    return wide, function(outcomes.train(train), known)


def _prices(outcomes: Outcomes, train: Matrix) -> Matrix:
    length = outcomes.prompts["prompt"].str.len().to_numpy(float)
    lines = np.column_stack((np.ones(len(length)), length))
    known = outcomes.cost[train]
    slopes = np.linalg.lstsq(lines[train], known, rcond=None)[0]
    return np.clip(
        lines @ slopes, np.quantile(known, 0.05, axis=0), np.quantile(known, 0.99, axis=0)
    )


if __name__ == "__main__":
    main()
