"""Every notebook runs with no key, no network and an empty home, and answers as saved in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from html import unescape
from pathlib import Path

import nbformat
import pytest
from nbconvert import HTMLExporter

from ui.notebook_page import write_notebook

ROOT = Path(__file__).parents[1]
OFFLINE = Path(__file__).parent / "offline"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
RECORDING = Path(".orch", "recording")
REACHES_OUT = """\
import socket
try:
    socket.create_connection(("192.0.2.1", 80), timeout=0.1)
except OSError:
    pass"""

every_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)


def run_python(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python in `folder`, without a network and with a home of its own."""
    inherited = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    home = {"HOME": str(folder / "home"), "OFFLINE_LOG": str(folder / "refused")}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=inherited | home | {"PYTHONPATH": str(OFFLINE)} | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )


def validate(notebook: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `notebook` and compare each output with the saved one."""
    options = ("--nbval", "--nbval-current-env", "-q", "-p", "no:cacheprovider")
    return run_python(notebook.parent, "-m", "pytest", *options, notebook.name, **variables)


def refused(folder: Path) -> str:
    """What a process in `folder` wanted from elsewhere."""
    log = folder / "refused"
    return log.read_text() if log.exists() else ""


@every_notebook
@pytest.mark.parametrize("stream", ["0", "1"])
def test_answers_as_saved(notebook: Path, stream: str, tmp_path: Path) -> None:
    copy = shutil.copy(notebook, tmp_path)
    if (notebook.parent / RECORDING).is_dir():
        shutil.copytree(notebook.parent / RECORDING, tmp_path / RECORDING)
    run = validate(Path(copy), ORCH_STREAM=stream)
    assert run.returncode == 0, run.stdout + run.stderr
    assert refused(tmp_path) == ""


def test_another_answer_is_seen(tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOKS[0], as_version=4)  # type: ignore[no-untyped-call]
    answers = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    answers[-1]["text"] += "and more"
    nbformat.write(notebook, tmp_path / "changed.ipynb")  # type: ignore[no-untyped-call]
    run = validate(tmp_path / "changed.ipynb")
    assert "1 failed" in run.stdout


def test_network_is_refused(tmp_path: Path) -> None:
    write_notebook(tmp_path / "reaches.ipynb", [REACHES_OUT])
    run = validate(tmp_path / "reaches.ipynb")
    assert "1 passed" in run.stdout, run.stdout + run.stderr  # the notebook hid the error
    assert refused(tmp_path) == "socket.getaddrinfo '192.0.2.1'\n"


@every_notebook
def test_saved_clean(notebook: Path) -> None:
    document = nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(document)
    assert document.metadata == {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
    }
    code = [cell for cell in document.cells if cell.cell_type == "code"]
    assert [cell.metadata for cell in document.cells] == [{}] * len(document.cells)
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert all(re.fullmatch(r"[a-z-]+", cell.id) for cell in document.cells)


@every_notebook
def test_becomes_a_page(notebook: Path) -> None:
    document = nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]
    # The basic template has no scripts of its own.
    body, _ = HTMLExporter(template_name="basic").from_notebook_node(document)  # type: ignore[no-untyped-call]
    page = unescape(body)
    assert "<script" not in page
    shown = [
        output.data["text/html"]
        for cell in document.cells
        for output in cell.get("outputs", ())
        if "data" in output
    ]
    assert shown
    assert [html for html in shown if unescape(html) not in page] == []


@every_notebook
def test_prints_its_answers(notebook: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy" / notebook.name
    before = notebook.read_bytes()
    script = str(ROOT / "notebooks" / "run.py")
    run = run_python(tmp_path, script, str(notebook), str(copy), OPENAI_API_KEY="sk-not-used")
    assert (run.returncode, run.stderr) == (0, "")
    assert "> %load_ext orch_nb\n\norch_nb " in run.stdout
    assert refused(tmp_path) == ""
    assert notebook.read_bytes() == before
    assert copy.is_file()


def test_failure_is_told(tmp_path: Path) -> None:
    write_notebook(tmp_path / "fails.ipynb", ["print(1)", "1 / 0", "print('later')"])
    script = str(ROOT / "notebooks" / "run.py")
    run = run_python(tmp_path, script, "fails.ipynb", "copy.ipynb")
    assert run.returncode == 1
    assert "ZeroDivisionError" in run.stdout
    assert "later" not in run.stdout
    assert run.stderr == "\nfails.ipynb failed in the cell above\n"
    assert not (tmp_path / "copy.ipynb").exists()
