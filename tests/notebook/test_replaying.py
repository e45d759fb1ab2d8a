"""A notebook that was recorded is the same notebook wherever it is replayed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import nbformat
import pytest

import orch_nb
from orch_nb.errors import RecordingError
from orch_nb.store.recording import FOLDER
from shells.here import Shell
from shells.settings import write_settings
from stub.client import Stub
from test_notebooks import refused, run_python, validate
from ui.notebook_page import write_notebook

CELLS = [
    "%load_ext orch_nb\nimport orch_nb\nfrom dataclasses import dataclass",
    "%%orch --strategy cost\nName three rivers, and 2 {braces}.",
    "%%orch --explain -m alpha:stub-large --temperature 0.5\nName three *lakes*.",
    "%orch_select --strategy performance Name three rivers.",
    "%orch --dry-run Name three seas.",
    "for n in range(2):\n    %orch --no-cache Name {{ n }} hills.",
    "answer = %orch -m alpha:stub-small Name three hills.\nanswer",
    "@dataclass\nclass River:\n    name: str\n    km: int",
    "%orch -m alpha:stub-json --schema River The longest river?",
    "%orch why",
    "with orch_nb.session().using(strategy='cost') as s:\n    print(s.ask('Again?').cost)",
    "%orch -m alpha:stub-small Name three hills.",
    "%%orch --compare alpha:stub-small,alpha:stub-large --thread hills\nName three hills.",
    "%%orch --compare 2 --thread hills\nAnd three more.",
    "%%orch --compare 2 --blind -o voted\nName three seas.",
    "voted",
    "%orch compare vote B",
    "%orch rerun 1 -m alpha:stub-large",
    "%orch rerun",
]


def execute(notebook: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run all cells of `notebook`, and save what they answer in it."""
    options = ("--to", "notebook", "--execute", "--inplace", "--log-level", "ERROR")
    return run_python(notebook.parent, "-m", "nbconvert", *options, notebook.name, **variables)


def outputs(notebook: Path) -> list[list[dict[str, Any]]]:
    """What each code cell of a saved notebook answered, metadata and all."""
    document = nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]
    return [cell.outputs for cell in document.cells]


@pytest.fixture(scope="module")
def master(stub_process: Stub, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A notebook that was run in the mode record; what it asked cannot be reached any more."""
    folder, stub = tmp_path_factory.mktemp("notebook"), stub_process
    stub.reset()
    stub.rule("alpha", "500", model="stub-down")
    stub.rule("alpha", 'ok?text={"name": "Nile", "km": 6650}', model="stub-json")
    write_settings(folder, stub)
    write_notebook(folder / "rivers.ipynb", CELLS)
    run = execute(folder / "rivers.ipynb", ORCH_MODE="record")
    assert run.returncode == 0, run.stdout + run.stderr
    assert stub.log()
    settings = (folder / "orch.yaml").read_text()
    (folder / "orch.yaml").write_text(settings.replace(str(stub.port), str(stub.dead_port())))
    return folder


@pytest.fixture
def recorded(master: Path, stub: Stub, tmp_path: Path) -> Path:
    """The notebook as somebody else gets it: with its settings and its recording."""
    folder = tmp_path / "notebook"
    shutil.copytree(master, folder, ignore=shutil.ignore_patterns("home"))
    return folder / "rivers.ipynb"


def test_byte_for_byte(recorded: Path, stub: Stub) -> None:
    saved = outputs(recorded)
    assert all(saved[1:4])
    recording = {path.name: path.read_bytes() for path in (recorded.parent / FOLDER).iterdir()}
    run = execute(recorded, ORCH_MODE="replay")
    assert run.returncode == 0, run.stdout + run.stderr
    assert outputs(recorded) == saved
    assert stub.log() == []
    assert refused(recorded.parent) == ""
    now = {path.name: path.read_bytes() for path in (recorded.parent / FOLDER).iterdir()}
    assert now == recording


@pytest.mark.parametrize("stream", ["0", "1"])
def test_nbval_finds_the_same(recorded: Path, stub: Stub, stream: str) -> None:
    run = validate(recorded, ORCH_MODE="replay", ORCH_STREAM=stream)
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"{len(CELLS)} passed" in run.stdout
    assert stub.log() == []


def test_nbval_sees_what_was_not_recorded(recorded: Path) -> None:
    for path in (recorded.parent / FOLDER).iterdir():
        path.unlink()
    run = validate(recorded, ORCH_MODE="replay")
    assert "'Name three rivers, and 2 {braces}.' is not in .orch/recording" in run.stdout
    assert "run it once with ORCH_MODE=record" in run.stdout


def test_the_mode_is_a_trait(shell: Shell, stub: Stub) -> None:
    shell.run('%config OrchMagics.mode = "record"')
    first = shell.run("%orch -m alpha:stub-small Name three hills.").value
    stub.reset()
    shell.run('%config OrchMagics.mode = "replay"')
    assert shell.run("%orch -m alpha:stub-small Name three hills.").value.text == first.text
    missed = shell.run("%orch -m alpha:stub-small Name four hills.")
    assert isinstance(missed.error, RecordingError)
    assert missed.printed.count("\n") == 1
    assert stub.log() == []
    shell.run('%config OrchMagics.mode = "play"')
    assert orch_nb.session().settings.mode == "replay"


@pytest.mark.parametrize("mode", ["record", "replay"])
def test_the_first_line_is_the_same_in_both(
    bare: Shell, alpha: Stub, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setenv("ORCH_MODE", mode)
    said = bare.run("%load_ext orch_nb").printed
    assert said.endswith(" · mode record/replay: answers in .orch/recording · strategy balanced\n")
    assert alpha.log() == []
