"""Fitting: what the prompts tell is found, and where they tell nothing nothing is lost."""

from __future__ import annotations

import gzip
import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from orch_nb.routing.fitted import FILE_NAME
from orch_nb.routing.fitting import fit
from orch_nb.routing.gain import cross_validate, share_interval
from orch_nb.routing.learning import fit_router
from orch_nb.routing.outcomes import Outcome, collect

from .evaluations import ODD, STRONG, WEAK, silent, telling, two_tasks


def frame(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    return pd.DataFrame(outcomes).rename(columns={"task": "dataset"})


def test_finds_what_the_prompt_tells() -> None:
    predict = fit_router(frame(telling(300)))
    held = [outcome for outcome in telling(400, seed=1) if outcome.model == WEAK]
    expected = predict([outcome.prompt for outcome in held])
    assert list(expected.columns) == sorted((STRONG, WEAK, ODD))
    lead = (expected[STRONG] - expected[WEAK]).to_numpy()
    hard = np.array([outcome.prompt.startswith("Prove") for outcome in held])
    assert lead[hard].mean() > 0.4
    assert abs(lead[~hard].mean()) < 0.2
    assert np.mean(lead[hard][:, None] > lead[~hard][None]) > 0.95


def test_tells_tasks_apart() -> None:
    gain = cross_validate(collect(two_tasks(300)), seed=0)
    assert gain is not None
    assert gain.low > 0.1
    assert gain.count == 300
    assert not gain.is_tie


@pytest.mark.parametrize("models", [2, 5])
def test_does_no_harm_where_prompts_tell_nothing(models: int) -> None:
    strengths, gains = [], []
    for seed in range(5):
        outcomes = collect(silent(250, models, seed))
        strengths.append(fit(outcomes).strength.max())
        gain = cross_validate(outcomes, seed)
        assert gain is not None
        gains.append(gain.mean)
    assert np.mean(strengths) < 0.3
    assert np.mean(gains) > -0.02


def test_at_most_seven_models_can_win() -> None:
    train = frame(silent(120, 20))
    expected = fit_router(train)(["tree river stone", "lamp"])
    possible = expected.loc[:, expected.iloc[0] > -1]
    assert 2 <= possible.shape[1] <= 7
    cost = train.groupby("model").cost.mean()
    dearer = cost[expected.columns].to_numpy()
    for weight in (0.0, 1.0, 1e3, 1e6):
        assert set((expected - weight * dearer).idxmax(axis=1)) <= set(possible.columns)


def test_a_model_that_is_the_best_at_one_task_only_may_win_it() -> None:
    draw = random.Random(0)
    outcomes = []
    for number in range(300):
        task = draw.choice(("poem", "sum"))
        rates = {f"m:{i}": 0.75 for i in range(9)} | {"m:poet": 0.95 if task == "poem" else 0.1}
        prompt = f"{'Write a rhyme' if task == 'poem' else 'Add 17 and 4'} number {number}"
        outcomes += [
            Outcome(f"p{number}", task, prompt, model, float(draw.random() < rate), float("nan"))
            for model, rate in rates.items()
        ]
    expected = fit_router(frame(outcomes))(["Write a rhyme number 5000", "Add 17 and 4 number 9"])
    assert (expected > -1).sum(axis=1).tolist() == [7, 7]
    assert expected.loc[0].idxmax() == "m:poet"
    assert expected.loc[1].idxmax() != "m:poet"


def test_repeated_and_missing_evaluations() -> None:
    outcomes = telling(100)
    outcomes = [o for o in outcomes if not (o.model == WEAK and o.prompt_id < "p2")]
    outcomes += [outcomes[0]._replace(quality=1.0 - outcomes[0].quality)]
    matrix = collect(outcomes)
    assert matrix.quality[0, 0] == 0.5
    router = fit(matrix)
    seen = dict(zip(router.models, router.counts[0].tolist(), strict=True))
    assert seen == {STRONG: 100, ODD: 100, WEAK: sum(o.model == WEAK for o in outcomes)}
    assert np.isfinite(router.expect(["a lemma"])).all()


def test_nothing_to_compare() -> None:
    outcomes = [o for o in telling(60) if (o.model == WEAK) == (int(o.prompt_id[1:]) % 2 == 0)]
    router = fit(collect(outcomes))
    assert router.strength.max() == 0.0
    assert np.isfinite(router.expect(["lemma"])).all()
    apart = [Outcome(f"p{i}", "", f"say {i}", f"m:{i}", 1.0, 0.1) for i in range(40)]
    assert cross_validate(collect(apart), seed=0) is None


def test_few_evaluations_are_shrunk() -> None:
    outcomes = [o for o in telling(200) if o.model != ODD]
    outcomes += [o._replace(model=ODD, quality=1.0) for o in telling(3)[::3]]
    router = fit(collect(outcomes))
    assert router.quality[0, router.models.index(ODD)] < router.quality[0].max()


def test_same_result_each_time() -> None:
    shuffled = telling(80)
    random.Random(3).shuffle(shuffled)
    one, other = fit(collect(telling(80))), fit(collect(telling(80)))
    assert one.to_json() == other.to_json()
    assert fit(collect(shuffled)).expect(["lemma"]) == pytest.approx(
        one.expect(["lemma"]), abs=0.02
    )


def test_share_interval() -> None:
    # statsmodels.stats.proportion.proportion_confint(8, 10, method="wilson")
    interval = share_interval(np.array([1.0] * 8 + [0.0] * 2))
    assert (interval.low, interval.high) == pytest.approx((0.4902, 0.9433), abs=1e-3)


# -- the command


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "orch_nb.routing.learning", *arguments],
        cwd=folder,
        env={**os.environ, "ORCH_HOME": str(folder / "data")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_command_with_two_files(tmp_path: Path) -> None:
    table = frame(telling(120))
    prompts = table.drop_duplicates("prompt_id")[["prompt_id", "prompt"]]
    prompts.to_csv(tmp_path / "prompts.csv", index=False)
    outcomes = table[["prompt_id", "model", "quality", "cost"]]
    outcomes.to_csv(tmp_path / "outcomes.csv.gz", index=False)
    done = run(tmp_path, "--table", "prompts.csv", "outcomes.csv.gz")
    assert done.returncode == 0, done.stderr
    assert f"{STRONG}  0." in done.stdout
    assert "120  $0.010" in done.stdout
    assert "a tie" in done.stdout
    kept = json.loads((tmp_path / "data" / FILE_NAME).read_text())
    assert kept["counts"] == [[120, 120, 120]]


def test_command_with_one_file(tmp_path: Path) -> None:
    frame(two_tasks(120))[["prompt", "model", "quality", "dataset"]].to_csv(
        tmp_path / "table.csv", index=False
    )
    done = run(tmp_path, "--table", "table.csv", "--out", "mine.json")
    assert done.returncode == 0, done.stderr
    assert ": better" in done.stdout
    assert "—" in done.stdout
    assert json.loads((tmp_path / "mine.json").read_text())["tasks"] == ["poem", "sum"]
    assert not (tmp_path / "data").exists()


HEAD = "prompt,model,quality,cost\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no column 'model'"),
        ("prompt,model\nhi,a:b\n", "no column 'quality'; its first line names 'prompt', 'model'"),
        (HEAD, "holds no outcome"),
        (HEAD + "hi,a:b,good,1\n", "table.csv, line 2: column quality: 'good' is no number"),
        (HEAD + "hi,a:b,nan,1\n", "table.csv, line 2: column quality: 'nan' is no number"),
        (HEAD + 'hi,a:b,1,1\n"two\nlines",a:b,7,1\n', "line 4: column quality: 7 is above 1"),
        (HEAD + "hi,a:b,1,-2\n", "table.csv, line 2: column cost: '-2' is no number"),
        (HEAD + "hi,gpt,1,1\n", "line 2: column model: 'gpt' is no `provider:model`"),
        (HEAD + " ,a:b,1,1\n", "table.csv, line 2: the prompt is empty"),
        (HEAD + "hi,a:b,1,1,1\n", "table.csv, line 2: not 4 fields"),
        (HEAD + "hi,a:b,1\n", "table.csv, line 2: not 4 fields"),
        (HEAD + '"hi,a:b,1\n', "table.csv is no CSV file"),
        (HEAD + "hi,a:b,1,1\n", "0 prompts were tried with two models or more"),
    ],
)
def test_wrong_table(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "table.csv").write_text(content)
    done = run(tmp_path, "--table", "table.csv")
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "data").exists()


def test_wrong_files(tmp_path: Path) -> None:
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(HEAD.encode() * 100)[:30])
    (tmp_path / "prompts.csv").write_text("prompt_id,prompt\n1,hi\n1,ho\n")
    (tmp_path / "table.csv").write_text("prompt_id,model,quality\n9,a:b,1\n")
    for files, message in (
        (["none.csv"], "cannot read none.csv (No such file"),
        (["bytes.csv"], "bytes.csv is not UTF-8"),
        (["cut.csv.gz"], "cannot read cut.csv.gz (damaged)"),
        (["prompts.csv", "table.csv"], "prompts.csv, line 3: prompt_id '1' is there twice"),
        (["a", "b", "c"], "--table takes one file, or two"),
    ):
        done = run(tmp_path, "--table", *files)
        assert done.returncode == 2
        assert message in done.stderr
        assert done.stderr.count("\n") == 1
    (tmp_path / "prompts.csv").write_text("prompt_id,prompt\n1,hi\n")
    done = run(tmp_path, "--table", "prompts.csv", "table.csv")
    assert "table.csv, line 2: no prompt has the prompt_id '9'" in done.stderr


def test_any_name(tmp_path: Path) -> None:
    table = frame(telling(40)).replace({WEAK: "weak\x1b[31m"})
    table[["prompt", "model", "quality"]].to_csv(tmp_path / "table.csv", index=False)
    assert run(tmp_path, "--table", "table.csv").returncode == 2
    done = run(tmp_path, "--table", "table.csv", "--any-name")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
