"""Fitting a cascade to outcomes whose truth is known, and the file that it is kept in."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from orch_nb.errors import InputError
from orch_nb.routing.cascade_fitting import fit_pair
from orch_nb.routing.fitted_cascade import FittedCascade
from orch_nb.routing.learning import fit_cascade
from orch_nb.routing.outcomes import Outcomes
from orch_nb.routing.report import run

MODELS = ("bad", "big", "fair", "good", "huge")
SKILL = np.array([0.3, 0.97, 0.75, 0.85, 0.9])
COST = np.array([0.1, 10.0, 0.2, 0.3, 30.0])


def evaluated(count: int = 300) -> tuple[Outcomes, list[list[str | None]]]:
    """Right answers are equal, wrong ones mostly not; of "riddle" prompts cheap ones err alike."""
    draw = np.random.default_rng(0)
    riddle = np.arange(count) % 4 == 0
    right = draw.random((count, 5)) < SKILL
    right[np.ix_(riddle, [0, 2, 3])] &= draw.random((int(riddle.sum()), 1)) < 0.3
    wrong = np.where(riddle[:, None], 1, draw.integers(1, 50, (count, 5)))
    answers: list[list[str | None]] = [
        [str(0 if ok else off) for ok, off in zip(*row, strict=True)]
        for row in zip(right, wrong, strict=True)
    ]
    texts = tuple(
        f"A riddle of the sphinx, number {n}" if odd else f"What is {n} + {n}?"
        for n, odd in enumerate(riddle)
    )
    labels = np.zeros(count, np.intp)
    cost = np.tile(COST, (count, 1))
    return Outcomes(texts, ("all",), labels, MODELS, right.astype(float), cost), answers


@pytest.fixture(scope="module")
def fitted() -> FittedCascade:
    found = fit_pair(*evaluated())
    assert found is not None
    return found


def test_the_best_cheap_one_drafts_and_the_best_of_all_is_strong(fitted: FittedCascade) -> None:
    assert (fitted.first, fitted.strong) == ("good", "big")
    assert fitted.second in ("fair", "bad")
    assert fitted.count == 300


def test_saving_and_difference_come_with_intervals(fitted: FittedCascade) -> None:
    assert fitted.saving.low < fitted.saving.mean < fitted.saving.high
    assert fitted.saving.low > 0.3
    assert fitted.difference.low < 0.05
    assert fitted.difference.low > -0.1
    assert 0.0 < fitted.escalation < 0.7


def test_agreement_is_trusted_where_it_was_right(fitted: FittedCascade) -> None:
    assert fitted.trusts("What is 7 + 7?")
    assert not fitted.trusts("A riddle of the sphinx, number 7")


def test_too_little_to_fit_to() -> None:
    assert fit_pair(*evaluated(59)) is None
    outcomes, answers = evaluated(100)
    unpriced = Outcomes(
        outcomes.prompts,
        outcomes.tasks,
        outcomes.labels,
        MODELS,
        outcomes.quality,
        np.full((100, 5), np.nan),
    )
    assert fit_pair(unpriced, answers) is None


def test_nobody_is_cheap_enough() -> None:
    outcomes, answers = evaluated(100)
    same = Outcomes(
        outcomes.prompts,
        outcomes.tasks,
        outcomes.labels,
        MODELS,
        outcomes.quality,
        np.ones((100, 5)),
    )
    assert fit_pair(same, answers) is None


def test_the_file_holds_the_same_numbers(fitted: FittedCascade, tmp_path: Path) -> None:
    path = tmp_path / "cascade.json"
    assert FittedCascade.load(path) is None
    fitted.save(path)
    again = FittedCascade.load(path)
    assert again is not None
    assert again.to_json() == fitted.to_json()
    assert again.saving == fitted.saving
    assert not again.trusts("A riddle of the sphinx, number 7")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"first": "good"', '"first": "big"'),
        ('"count": 300', '"count": "300"'),
        ('"spread": [', '"spread": [1.0, '),
        ('"risk": "', '"risk": "AAAA'),
        ('"threshold": ', '"threshold": 1e999, "more": '),
        ("{", "["),
    ],
)
def test_a_damaged_file_is_refused_in_one_line(fitted: FittedCascade, old: str, new: str) -> None:
    damaged = fitted.to_json().replace(old, new, 1)
    assert damaged != fitted.to_json()
    with pytest.raises(InputError, match="fit it again") as caught:
        FittedCascade.from_json(damaged)
    assert "\n" not in str(caught.value)


def write(path: Path, header: str, rows: list[tuple[object, ...]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([tuple(header.split()), *rows])
    return path


def cells() -> list[tuple[str, str, float, float, str | None]]:
    outcomes, answers = evaluated()
    return [
        (prompt, f"x:{model}", outcomes.quality[row, at], outcomes.cost[row, at], answers[row][at])
        for row, prompt in enumerate(outcomes.prompts)
        for at, model in enumerate(MODELS)
    ]


def test_the_command_fits_a_cascade_beside_the_router(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows: list[tuple[object, ...]] = [*cells()]
    table = write(tmp_path / "t.csv", "prompt model quality cost", [row[:4] for row in rows])
    answers = write(
        tmp_path / "a.csv", "prompt model answer", [(row[0], row[1], row[4]) for row in rows]
    )
    command = ["--table", str(table), "--out", str(tmp_path / "router.json"), "--answers"]
    assert run([*command, str(answers)]) == 0
    assert "cascade: x:good and x:" in capsys.readouterr().out
    kept = FittedCascade.load(tmp_path / "cascade.json")
    assert kept is not None
    assert kept.strong == "x:big"
    other = write(tmp_path / "o.csv", "prompt model answer", [("?", "x:big", "1")])
    assert run([*command, str(other)]) == 2
    assert "answers none of the prompts" in capsys.readouterr().err


def test_the_function_asks_the_drafts_and_then_the_strong_one() -> None:
    rows = [(row[0], "all", *row) for row in cells()]
    names = ["prompt_id", "dataset", "prompt", "model", "quality", "cost", "answer"]
    frame = pd.DataFrame(rows, columns=names)
    policy = fit_cascade(frame.drop(columns="answer"), frame[["prompt_id", "model", "answer"]])
    assert callable(policy)
    asked: list[str] = []

    def agreeing(model: str) -> str:
        asked.append(model)
        return "The answer is 14."

    assert policy("What is 7 + 7?", agreeing) == "x:good"
    assert len(asked) == 2
    assert policy("What is 7 + 7?", lambda model: model) == "x:big"
    asked.clear()
    assert policy("A riddle of the sphinx, number 7", agreeing) == "x:big"
    assert not asked
