"""Every notebook runs with no key, no network and an empty home, and answers as saved in it."""

from __future__ import annotations

import os
import re
import shutil
import socket
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
REPLAY = re.compile(r"ORCH_MODE=replay|OrchMagics\.mode = .replay")
LARGEST = 150_000  # bytes of a notebook: one that loads at once
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
        timeout=280,
    )


def validate(notebook: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `notebook` and compare each output with the saved one."""
    plugins = ("-p", "nbval.plugin", "-p", "no:cacheprovider")
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = ("-m", "pytest", *plugins, "--nbval", "--nbval-current-env", "-q", notebook.name)
    return run_python(notebook.parent, *command, **alone, **variables)


def refused(folder: Path) -> str:
    """What a process in `folder` wanted from elsewhere."""
    log = folder / "refused"
    return log.read_text() if log.exists() else ""


def copied(notebook: Path, folder: Path) -> Path:
    """`notebook`, and what was recorded beside it, in `folder`."""
    if replays(notebook):
        shutil.copytree(notebook.parent / RECORDING, folder / RECORDING)
    return Path(shutil.copy(notebook, folder))


def replays(notebook: Path) -> bool:
    """Whether some answers of `notebook` come from a recording."""
    document = nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]
    return any(REPLAY.search(c.source) for c in document.cells if c.cell_type == "code")


@every_notebook
def test_answers_as_saved(notebook: Path, tmp_path: Path) -> None:
    run = validate(copied(notebook, tmp_path), ORCH_STREAM="1")
    assert run.returncode == 0, run.stdout + run.stderr
    assert refused(tmp_path) == ""


def test_another_answer_is_seen(tmp_path: Path) -> None:
    changed = tmp_path / "changed.ipynb"
    write_notebook(changed, ["print('an answer')"])
    notebook = nbformat.read(changed, as_version=4)  # type: ignore[no-untyped-call]
    output = nbformat.v4.new_output("stream", text="an answer and more\n")  # type: ignore[no-untyped-call]
    notebook.cells[0].update(execution_count=1, outputs=[output])
    nbformat.write(notebook, changed)  # type: ignore[no-untyped-call]
    assert "1 failed" in validate(changed).stdout


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
    assert 10 <= len(document.cells) <= 25
    assert notebook.stat().st_size < LARGEST


@every_notebook
def test_says_what_was_recorded_and_by_whom(notebook: Path) -> None:
    document = nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]
    prose = (cell.source for cell in document.cells if cell.cell_type == "markdown")
    said = " ".join(" ".join(prose).split())
    told = [
        "are **recorded**: no paid model could be asked",
        "served by a local stand-in server",
        "are made up, with their prices",
    ]
    assert [part for part in told if (part in said) != replays(notebook)] == []


@every_notebook
def test_becomes_a_page(notebook: Path) -> None:
    document = nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]
    # The basic template has no scripts of its own.
    body, _ = HTMLExporter(template_name="basic").from_notebook_node(document)  # type: ignore[no-untyped-call]
    page = packed(body)
    assert "<script" not in page
    shown = [
        output.data["text/html"]
        for cell in document.cells
        for output in cell.get("outputs", ())
        if "text/html" in output.get("data", ())
    ]
    assert shown
    assert [html for html in shown if packed(html) not in page] == []


def packed(html: str) -> str:
    """`html` without what nbconvert lays out in its own way: entities, space and empty values."""
    return re.sub(r'\s+|=""', "", unescape(html))


# What is replayed is shown at once, whether answers are streamed or not: one of these will do.
@pytest.mark.parametrize("name", ["quickstart", "costs"])
def test_prints_its_answers(name: str, tmp_path: Path) -> None:
    notebook = ROOT / "notebooks" / f"{name}.ipynb"
    copy = tmp_path / "copy" / notebook.name
    before = notebook.read_bytes()
    script = str(ROOT / "notebooks" / "run.py")
    run = run_python(tmp_path, script, str(notebook), str(copy), OPENAI_API_KEY="sk-not-used")
    assert (run.returncode, run.stderr) == (0, "")
    assert "> %load_ext orch_nb\n\norch_nb " in run.stdout
    assert refused(tmp_path) == ""
    assert notebook.read_bytes() == before
    assert outputs(copy) == outputs(notebook)


def outputs(notebook: Path) -> list[list[object]]:
    """What each cell of `notebook` shows."""
    document = nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]
    cells = [cell.get("outputs", ()) for cell in document.cells]
    return [[output.get("data") or output.text for output in shown] for shown in cells]


def test_failure_is_told(tmp_path: Path) -> None:
    write_notebook(tmp_path / "fails.ipynb", ["print(1)", "1 / 0", "print('later')"])
    script = str(ROOT / "notebooks" / "run.py")
    run = run_python(tmp_path, script, "fails.ipynb", "copy.ipynb")
    assert run.returncode == 1
    assert "ZeroDivisionError" in run.stdout
    assert "later" not in run.stdout
    assert run.stderr == "\nfails.ipynb failed in the cell above\n"
    assert not (tmp_path / "copy.ipynb").exists()


def test_what_is_recorded_is_what_is_written_down(tmp_path: Path) -> None:
    for script in ("run.py", "record.py"):
        shutil.copy(ROOT / "notebooks" / script, tmp_path)
    asks = "print(orch_nb.session().ask('Name a river.', model='demo:small').text)"
    write_notebook(tmp_path / "asks.ipynb", ["%env ORCH_MODE=replay", "import orch_nb", asks])
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers" / "asks.yaml").write_text('[{asks: river, answer: "The Po."}]')
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    recorded = run_python(tmp_path, "record.py", "asks.ipynb", "--port", port)
    assert (recorded.returncode, recorded.stderr) == (0, "")
    replayed = run_python(tmp_path, "run.py", "asks.ipynb", "copy.ipynb")
    assert recorded.stdout.replace("=record", "=replay").endswith(replayed.stdout)
    assert "The Po." in replayed.stdout
    assert refused(tmp_path) == ""
