"""The files of a recording: what is in them, who may read them, and what damage does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from orch_nb import Session
from orch_nb.errors import (
    OrchError,
    RecordingError,
)
from orch_nb.store.recording import FOLDER, RecordingWarning
from session.conftest import Open, Replay
from session.test_asking import LUNA
from session.test_replaying import River, files
from stub.client import Stub


def test_no_secret_path_or_time_is_written(
    configured: Stub, open_session: Open, replay: Replay, tmp_path: Path
) -> None:
    rows = {"openai": {"headers": {"X-Api-Token": "token-of-mine", "X-Team": "rivers"}}}
    s = open_session(mode="record", providers=rows)
    configured.rule("openai", "ok?text=all about rivers")
    s.ask("the prompt of bearer abcdefgh1234", model=LUNA)
    (path,) = files()
    content = path.read_text(encoding="utf-8")
    for hidden in ("sk-openai-test", "token-of-mine", "abcdefgh", str(tmp_path), "127.0.0.1"):
        assert hidden not in content
    assert replay().ask("the prompt of bearer abcdefgh1234", model=LUNA).replayed
    with pytest.raises(RecordingError):
        replay().ask("the prompt of bearer another12345", model=LUNA)


@pytest.mark.parametrize("secret", ["sk-openai-test", "token-of-mine"])
def test_an_answer_that_holds_a_key_is_not_recorded(
    configured: Stub, open_session: Open, secret: str
) -> None:
    rows = {"openai": {"headers": {"X-Api-Token": "token-of-mine"}}}
    s = open_session(mode="record", providers=rows)
    configured.rule("openai", f"ok?text=it is {secret}!")
    with pytest.warns(RecordingWarning, match="holds a key"):
        assert s.ask("x", model=LUNA).text.endswith(f"{secret}!")
    assert not Path(FOLDER).exists()


def test_git_sees_the_recording_and_not_the_cache(
    configured: Stub, open_session: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ORCH_CACHE_DIR")
    open_session().ask("x", model=LUNA)  # makes the cache's own .gitignore
    open_session(mode="record").ask("y", model=LUNA)
    env = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(Path.cwd())}
    for words in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *words], check=True, env=env, capture_output=True)
    run = subprocess.run(["git", "ls-files"], check=True, env=env, capture_output=True, text=True)
    assert run.stdout.split() == [path.as_posix() for path in files()]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
@pytest.mark.parametrize("link", [".orch", FOLDER])
def test_a_planted_link_leads_nowhere(recorder: Session, tmp_path: Path, link: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    Path(link).parent.mkdir(exist_ok=True)
    Path(link).symlink_to(outside)
    with pytest.warns(RecordingWarning, match="is a link"):
        assert recorder.ask("x", model=LUNA).text
    assert list(outside.iterdir()) == []


def test_a_read_only_folder_costs_one_warning(recorder: Session) -> None:
    Path(".orch").write_text("a file stands where the folder should be")
    with pytest.warns(RecordingWarning, match="cannot be written"):
        recorder.ask("x", model=LUNA)
    assert recorder.ask("y", model=LUNA).text  # a second warning would be an error


def test_a_damaged_file_is_named(recorder: Session, replay: Replay) -> None:
    recorder.ask("x", model=LUNA)
    (path,) = files()
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(RecordingError) as failed:
        replay().ask("x", model=LUNA)
    assert f"{FOLDER}/{path.name} is damaged" in str(failed.value)
    assert "\n" not in str(failed.value)


def test_a_file_of_another_request_is_not_given(recorder: Session, replay: Replay) -> None:
    recorder.ask("x", model=LUNA)
    (path,) = files()
    recorder.ask("y", model=LUNA)
    (other,) = set(files()) - {path}
    path.write_bytes(other.read_bytes())
    with pytest.raises(RecordingError, match="another request"):
        replay().ask("x", model=LUNA)


def test_an_answer_that_no_longer_fits(recorder: Session, replay: Replay, stub: Stub) -> None:
    stub.rule("openai", 'ok?text={"name": "Nile", "km": 6650}')
    recorder.ask("The longest river?", model=LUNA, schema=River)
    (path,) = files()
    path.write_text(path.read_text(encoding="utf-8").replace("6650", "long"), encoding="utf-8")
    with pytest.raises(RecordingError, match="no longer fits"):
        replay().ask("The longest river?", model=LUNA, schema=River)


def test_all_of_it_is_one_of_our_errors(replay: Replay) -> None:
    with pytest.raises(OrchError):
        replay().ask("x")
