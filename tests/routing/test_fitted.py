"""The fitted numbers and their file: the same after reading, and nothing else is read."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from orch_nb.errors import InputError
from orch_nb.routing.features import WIDTH
from orch_nb.routing.fitted import FILE_NAME, FittedRouter
from orch_nb.routing.fitting import fit
from orch_nb.routing.outcomes import collect

from .evaluations import ODD, STRONG, WEAK, telling, two_tasks


@pytest.fixture(scope="module")
def router() -> FittedRouter:
    return fit(collect(two_tasks(200)))


PROMPTS = ["Write a rhyme on lamp and tree", "Add 17 and 4 to a river", "", "\ud800 Ω\n" * 3000]


def test_same_after_reading(router: FittedRouter, tmp_path: Path) -> None:
    path = tmp_path / "new" / FILE_NAME
    router.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = FittedRouter.load(path)
    assert again is not None
    assert (again.expect(PROMPTS) == router.expect(PROMPTS)).all()
    assert again.models == router.models == (STRONG, WEAK)
    assert (again.counts == router.counts).all()
    assert np.isnan(again.cost).all()


def test_one_by_one_as_all_together(router: FittedRouter) -> None:
    together = np.clip(router.expect(PROMPTS), 0, 1)
    for prompt, row in zip(PROMPTS, together, strict=True):
        assert list(router.predict(prompt).values()) == pytest.approx(row.tolist(), abs=1e-5)
    assert router.expect([]).shape == (0, 2)


def test_expected_quality_is_a_quality() -> None:
    expected = fit(collect(telling(200))).predict("Prove with a lemma that a tree is a tree")
    assert set(expected) == {STRONG, WEAK, ODD}
    assert all(0.0 <= quality <= 1.0 for quality in expected.values())
    assert expected[STRONG] > max(expected[WEAK], expected[ODD]) + 0.3


def test_no_file_is_no_router(tmp_path: Path) -> None:
    assert FittedRouter.load(tmp_path / FILE_NAME) is None


def changed(router: FittedRouter, **changes: Any) -> str:
    return json.dumps({**json.loads(router.to_json()), **changes})


def packed(value: float, count: int) -> str:
    return base64.b64encode(np.full(count, value, "<f4").tobytes()).decode()


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2},
        {"version": True},
        {"models": []},
        {"models": ["a:x", "a:x"]},
        {"models": ["a:x", "b:y", "c:z"]},
        {"models": [1, 2]},
        {"tasks": ["one"]},
        {"counts": [[1, 2]]},
        {"quality": [[0.5, 0.5], [0.5]]},
        {"quality": [[0.5, float("nan")], [0.5, 0.5]]},
        {"cost": [0.1]},
        {"candidates": []},
        {"candidates": [0, 2]},
        {"candidates": [0, 0]},
        {"candidates": [-1, 0]},
        {"candidates": "01"},
        {"spread": [0.0] * 26},
        {"centre": [0.0] * 25},
        {"weights": "????"},
        {"weights": packed(0.0, 3)},
        {"weights": packed(float("inf"), 2 * WIDTH * 2)},
        {"membership": None},
        {"code": "import os"},
    ],
    ids=str,
)
def test_damaged(router: FittedRouter, changes: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.write_text(changed(router, **changes))
    with pytest.raises(InputError, match="is no fitted router") as caught:
        FittedRouter.load(path)
    assert str(path) in str(caught.value)
    assert "orch_nb.routing.learning" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"[" * 100_000, b"null"])
def test_no_json(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(content)
    with pytest.raises(InputError, match="is no fitted router"):
        FittedRouter.load(path)


def test_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read"):
        FittedRouter.load(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        fit(collect(two_tasks(30))).save(tmp_path / "file" / FILE_NAME)
