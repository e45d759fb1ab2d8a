"""The files of a recording: what is no file of ours, what is left out, and who else writes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from orch_nb.errors import RecordingError
from orch_nb.store.recorded import write_entry
from orch_nb.store.recording import FOLDER, Recording
from orch_nb.store.requested import describe, digest
from orch_nb.types import (
    Attempt,
    Response,
    Usage,
    Wants,
)
from store.test_recording import (
    DECISION,
    REQUEST,
    RESPONSE,
    SETTINGS,
    answered,
    answers,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where `REQUEST` is recorded."""
    Recording(tmp_path).keep_answer(REQUEST, SETTINGS, RESPONSE)
    return tmp_path / FOLDER / f"{digest(describe(REQUEST, SETTINGS))}.json"


def replay(folder: Path) -> Response:
    return answered(Recording(folder), REQUEST)


def test_what_was_kept_is_given(path: Path, tmp_path: Path) -> None:
    assert replay(tmp_path).text == RESPONSE.text
    assert list(path.parent.iterdir()) == [path]


def no_file(path: Path) -> None:
    path.mkdir()


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_link(path: Path) -> None:
    elsewhere = path.with_name("elsewhere")
    elsewhere.write_bytes(write_entry(answers(RESPONSE)))
    path.symlink_to(elsewhere)


def too_large(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 30)


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes there, and links need a right")
@pytest.mark.parametrize("make", [no_file, a_pipe, a_link, too_large])
def test_what_is_no_file_of_ours(path: Path, tmp_path: Path, make: Callable[[Path], None]) -> None:
    path.unlink()
    make(path)
    with pytest.raises(RecordingError, match=f"{FOLDER}/{path.name} is damaged"):
        replay(tmp_path)


def test_a_damaged_file_is_recorded_anew(path: Path, tmp_path: Path) -> None:
    path.write_bytes(b"{")
    Recording(tmp_path).keep_answer(REQUEST, SETTINGS, RESPONSE)
    assert replay(tmp_path).text == RESPONSE.text


def test_paths_and_keys_are_left_out_of_what_was_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    said = f"no model in {tmp_path}/models and /home/me/models, bearer abcdefgh1234"
    made = replace(DECISION, notice=said)
    attempts = (Attempt("a:m", 0.1, said, "429"),)
    recording = Recording(tmp_path)
    kept = recording.keep_answer(REQUEST, SETTINGS, replace(RESPONSE, decision=made))
    assert kept.decision.notice == "no model in ./models and ~/models, •••"
    recording.keep_answer(REQUEST, SETTINGS, replace(RESPONSE, attempts=attempts))
    recording.keep_decision(REQUEST, SETTINGS, made)
    (path,) = (tmp_path / FOLDER).iterdir()
    content = path.read_text(encoding="utf-8")
    assert str(tmp_path) not in content
    assert "/home/me" not in content
    assert "abcdefgh" not in content


def test_a_miss_says_what_differs(tmp_path: Path) -> None:
    recording = Recording(tmp_path)
    recording.keep_answer(REQUEST, SETTINGS, RESPONSE)
    for n, broken in enumerate((b"{", b"[]", b'{"request": 1}', b"[" * 100_000)):
        (tmp_path / FOLDER / f"{n}.json").write_bytes(broken)
    other = replace(REQUEST, system="Be brief.", wants=Wants(strategy="cost"))
    with pytest.raises(RecordingError) as missed:
        Recording(tmp_path).answer(other, SETTINGS)
    assert str(missed.value) == (
        "'Name three rivers.' is not in .orch/recording (it was recorded with another "
        "strategy, system); run it once with ORCH_MODE=record"
    )


def test_two_sessions_record_side_by_side(tmp_path: Path) -> None:
    first, second = Recording(tmp_path), Recording(tmp_path)
    other = replace(REQUEST, system="Be brief.")
    first.keep_answer(REQUEST, SETTINGS, RESPONSE)
    second.keep_answer(other, SETTINGS, replace(RESPONSE, text="b"))
    second.keep_decision(REQUEST, SETTINGS, DECISION)
    first.keep_tokens(REQUEST, SETTINGS, Usage(4))
    assert replay(tmp_path).text == RESPONSE.text
    assert answered(Recording(tmp_path), other).text == "b"
    assert Recording(tmp_path).tokens(REQUEST, SETTINGS) == Usage(4)
