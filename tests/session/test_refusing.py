"""What a session refuses before it sends anything."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from orch_nb import Session
from orch_nb.errors import InputError, SettingsError
from stub.client import Stub


def test_a_working_folder_that_was_deleted_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(SettingsError, match="was deleted; change to another"):
        Session()


def test_an_on_text_that_cannot_be_called_is_refused_before_the_model_is_asked() -> None:
    with Session() as session:
        with pytest.raises(InputError, match="on_text must be a function"):
            session.ask("hi", model="sim:small", on_text=3)  # type: ignore[arg-type]
        assert not list(session.ledger)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"model": []}, "model is an empty list"),
        ({"model": "team:a\nb"}, "no name of a model"),
        ({"max_tokens": 10**30}, "max_tokens must be at most"),
        ({"seed": 2**70}, "seed must be at most"),
        ({"deadline": 10**400}, "deadline must be"),
    ],
)
def test_odd_values_are_refused_in_one_line(options: dict[str, Any], said: str) -> None:
    with Session() as session:
        with pytest.raises(InputError, match=said):
            session.ask("hi", **options)
        assert not list(session.ledger)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_can_ask(stub: Stub, tmp_path: Path) -> None:
    """In a process of its own: one that has run threads may not be forked safely."""
    code = f"""
import gc, os, sys, orch_nb
team = {{"type": "compatible", "base_url": {stub.url("team", "/v1")!r}}}
session = orch_nb.Session(config={{"providers": {{"team": team}}, "cache": "off"}})
print(session.ask("in the parent", model="team:m").text[:4], flush=True)
child = os.fork()
if child == 0:
    print(session.ask("in the child", model="team:m", deadline=20).text[:4], flush=True)
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
print(session.ask("again in the parent", model="team:m").text[:4], flush=True)
child = os.fork()
if child == 0:
    gc.collect()
    sys.exit()  # what it has inherited is destroyed now
os.waitpid(child, 0)
print(session.ask("last in the parent", model="team:m", deadline=5).text[:4], flush=True)
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.split() == ["echo"] * 4, done.stderr
    assert not done.stderr
    asked = [entry for entry in stub.log("team") if entry.prompt]
    # The children have not closed what their parent asks over.
    assert len({entry.connection for entry in asked if "parent" in entry.prompt}) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_shares_neither_busy_models_nor_chance(stub: Stub) -> None:
    stub.rule("a", "hang")
    code = f"""
import os, threading, time, orch_nb
url = {stub.url("")!r}
rows = {{name: {{"type": "compatible", "base_url": f"{{url}}{{name}}/v1"}} for name in "ab"}}
models = {{f"{{name}}:m": {{"quality": {{"chat": 0.9}}}} for name in rows}}
session = orch_nb.Session(config={{"providers": rows, "models": models, "probe": False}})
threading.Thread(target=session.ask, args=["hi"], kwargs={{"model": "a:m"}}, daemon=True).start()
for _ in range(2):  # a has its turn, then b has; and a is busy
    while session.select("hi", strategy="least_busy").best.model != "b:m":
        time.sleep(0.01)
    session.ask("hi", model="b:m")
for _ in range(2):
    if os.fork() == 0:
        least = session.select("hi", strategy="least_busy", deadline=20).best.model
        drawn = session.select("hi", strategy="adaptive", deadline=20).best.score
        print(least, drawn, flush=True)
        os._exit(0)
    os.wait()
os._exit(0)
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    first, second = (line.split() for line in done.stdout.splitlines())
    assert first[0] == second[0] == "a:m", done.stderr
    assert first[1] != second[1]
