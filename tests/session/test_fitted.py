"""A router that was fitted to the user's evaluations takes part in choosing."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from orch_nb import Session
from orch_nb.engine import RouterWarning
from orch_nb.settings import user_home
from stub.client import Stub


def settings(stub: Stub) -> dict[str, object]:
    stub.models("a", ["poet", "solver"])
    row = {"type": "compatible", "base_url": stub.url("a", "/v1")}
    price = {"price": {"input": 1, "output": 1}}
    models = {"a:poet": price, "a:solver": price}
    return {"providers": {"a": row}, "models": models, "probe": False, "cache": "off"}


def table(path: Path) -> Path:
    """Evaluations in which one model is good at sums and the other at verses."""
    rows = ["prompt,model,quality,cost,task"]
    for one, other in itertools.product(range(12), range(12)):
        for prompt, task, good in (
            (f"Add {one} and {other} and {one + other}.", "math", "a:solver"),
            (f"Rhyme in {one} verses about {other} birds.", "creative", "a:poet"),
        ):
            for model in ("a:poet", "a:solver"):
                rows.append(f'"{prompt}",{model},{float(model == good)},0.001,{task}')
    path.write_text("\n".join(rows))
    return path


def test_it_chooses_by_the_prompt(
    stub: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from orch_nb.routing.report import run

    assert run(["--table", str(table(tmp_path / "table.csv"))]) == 0
    assert "a:solver" in capsys.readouterr().out
    with Session(settings(stub)) as session:
        sums = session.select("Add 5 and 17 and 22.", strategy="task")
        verses = session.select("Rhyme in 5 verses about 17 birds.", strategy="task")
    assert (sums.best.model, verses.best.model) == ("a:solver", "a:poet")
    assert sums.best.sources["quality"] == "the fitted router"


def test_a_damaged_one_is_announced_and_left_out(stub: Stub) -> None:
    home = user_home(os.environ)
    home.mkdir(parents=True, exist_ok=True)
    (home / "router.json").write_text("{")
    with (
        Session(settings(stub)) as session,
        pytest.warns(RouterWarning, match="is no fitted router"),
    ):
        assert session.ask("hi").text
