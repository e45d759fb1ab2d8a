"""Numbers from text: the same everywhere, finite for every text, and telling."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_nb.routing.features import WIDTH, Vector, describe, wave

_PROMPTS = [
    "Which of these is a prime number?\nA. 4\nB. 7\nC. 9\nD. 12\nAnswer:",
    "def f(x):\n    return x * 2\nassert f(21) == ??",
    "Tom has 3 apples and buys 4 more each day. How many has he after 12 days?",
]


def hashed(text: str) -> Vector:
    return describe(text)[0]


@given(st.text(st.characters(), max_size=80))
def test_every_text_is_finite_numbers(text: str) -> None:
    hashed, measures = describe(text)
    waves = wave(measures)
    assert len(hashed) + len(waves) == WIDTH
    assert np.isfinite(hashed).all()
    assert np.isfinite(measures).all()
    assert np.isfinite(waves).all()


@pytest.mark.parametrize("text", ["", " ", "a", "ab", "\ud800", "日本語", "\0" * 10])
def test_odd_texts(text: str) -> None:
    hashed, measures = describe(text)
    assert np.isfinite(hashed).all()
    assert np.isfinite(measures).all()


def test_blocks_have_length_one() -> None:
    for prompt in _PROMPTS:
        words, runs = np.split(hashed(prompt), 2)
        assert np.linalg.norm(words) == pytest.approx(1.0, abs=1e-5)
        assert np.linalg.norm(runs) == pytest.approx(1.0, abs=1e-5)


def test_same_in_another_process() -> None:
    code = (
        "import sys, zlib; from orch_nb.routing.features import *;"
        "hashed, m = describe(sys.argv[1]);"
        "print(zlib.crc32(hashed.tobytes()), m.sum(), wave(m / 10).sum())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code, _PROMPTS[0]],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_near_texts_are_near() -> None:
    near = hashed(_PROMPTS[2]) @ hashed(_PROMPTS[2].replace("Tom", "Ann"))
    far = hashed(_PROMPTS[2]) @ hashed(_PROMPTS[1])
    assert near > 1.2
    assert far < 0.5


def test_head_and_tail_count_and_the_middle_does_not() -> None:
    text = "start " * 200 + "middle " * 3000 + "end of it " * 400
    other = "start " * 200 + "centre " * 3000 + "end of it " * 400
    assert (hashed(text) == hashed(other)).all()
    assert (hashed(text) != hashed(text + "?")).any()
    assert (hashed(text) != hashed("?" + text)).any()


def test_measures_tell_what_they_say() -> None:
    question, code, sum_ = (describe(prompt)[1] for prompt in _PROMPTS)
    numbers, options, brackets = 2, 4, 14
    assert np.expm1(question[options]) == pytest.approx(4)
    assert np.expm1(code[brackets]) == pytest.approx(4)
    assert np.expm1(sum_[numbers]) == pytest.approx(3)


def test_waves_make_a_gaussian_kernel() -> None:
    points = np.random.default_rng(1).standard_normal((60, 26))
    waves = wave(points).astype(float)
    squares = ((points[:, None] - points[None]) ** 2).sum(-1)
    expected = np.exp(-squares / 2 / 26)
    assert np.abs(waves @ waves.T - expected).max() < 0.25
    assert np.abs(waves @ waves.T - expected).mean() < 0.05
