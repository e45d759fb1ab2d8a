"""What the documents show runs: Python, notebook cells, a provider, a strategy."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from documents import CONTRIBUTING, FOR_USERS, PACKAGE, PAGES, README, ROOT, blocks
from orch_nb import Session
from stub.client import Stub
from stub.spec import write

VENDOR = re.compile(r"\b(openai|anthropic):")


@pytest.fixture(params=["sim", "vendors"])
def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Nothing is configured; or the loopback server stands in for both vendors."""
    if request.param == "vendors":
        stub: Stub = request.getfixturevalue("stub")
        stub.models("openai", ["gpt-6-luna", "gpt-6.1-sol"])
        stub.models("anthropic", ["claude-haiku-5-5", "claude-opus-5-5"])
        monkeypatch.setenv("OPENAI_API_KEY", "k")
        monkeypatch.setenv("OPENAI_BASE_URL", stub.url("openai", "/v1"))
        monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", stub.url("anthropic"))
    return str(request.param)


def run(code: str, **env: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_python_examples(world: str) -> None:
    package = blocks(PAGES["extending"], "python")
    examples = [example for example in blocks(FOR_USERS, "python") if example not in package]
    assert examples
    for example in examples:
        assert ("Simulated answer" in run(example)) == (world == "sim")


def test_cells(world: str) -> None:
    """In a real kernel, one after the other; a cell that fails fails the test."""
    cells: list[str] = []
    for document in (README, *PAGES.values()):
        shown = blocks(document, "ipython")
        if world == "sim":
            shown = [cell for cell in shown if not VENDOR.search(cell)]
        # Each page stands for itself.
        cells += ["%reset -f", "%load_ext orch_nb", *shown] if shown else []
    assert len(cells) > 2
    v4: Any = nbformat.v4  # it has no annotations
    notebook = v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    answer = notebook.cells[3].outputs[-1]["data"]["text/plain"]
    assert ("simulated" in answer) == (world == "sim")


def test_a_pipeline_and_the_row_of_its_server(tmp_path: Path, stub: Stub) -> None:
    """A run of the pipeline that is shown, with the settings that are shown for its server."""
    (server,) = blocks(PAGES["providers"], "yaml")
    (pipeline,) = blocks(PAGES["pipelines"], "yaml")
    stub.models("team", ["qwen3-32b"])
    stub.rule("team", write("ok", text="springs\nbanks\nmouths"))
    said = server.replace("http://127.0.0.1:8000/v1", stub.url("team", "/v1"))
    priced = 'models: {"team:qwen3-32b": {price: {input: 0.1, output: 0.1}}}'
    (tmp_path / "orch.yaml").write_text(f"{said}{priced}", encoding="utf-8")
    with Session(directory=tmp_path) as session:
        run = session.pipeline(pipeline).run()
    assert [len(run["part"]), run["edit"].model] == [3, "team:qwen3-32b"]
    assert run.outputs["article"].startswith("springs")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package, to add to it what CONTRIBUTING.md says."""
    ignored = shutil.ignore_patterns("labextension", "__pycache__")
    shutil.copytree(PACKAGE, tmp_path / "copy" / "orch_nb", ignore=ignored)
    for example in blocks(CONTRIBUTING, "python"):
        path = tmp_path / "copy" / example.splitlines()[0].removeprefix("# ")
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        path.write_text(f"{before}\n{example}", encoding="utf-8")
    return tmp_path / "copy"


def test_a_provider_is_one_file(copy: Path) -> None:
    code = """\
import orch_nb
from orch_nb.providers._port import Port
from orch_nb.providers.echo import Provider
with orch_nb.Session(config={"providers": {"echo": {}}}) as session:
    response = session.ask("Say it again.")
assert {name for name in vars(Port) if name[0] != "_"} <= set(vars(Provider))
print(orch_nb.__file__, response.model, response.text)
"""
    file = copy / "orch_nb" / "__init__.py"
    assert run(code, PYTHONPATH=str(copy)).split(maxsplit=2) == [
        str(file),
        "echo:plain",
        "Say it again.\n",
    ]


def test_a_strategy_is_one_file(copy: Path) -> None:
    code = """\
import orch_nb, thorough
with orch_nb.Session(config={"strategy": "thorough"}) as session:
    print(*(choice.model for choice in session.select("hello").ranking))
"""
    assert run(code, PYTHONPATH=str(copy)) == "sim:large sim:medium sim:small\n"


def test_a_panel_is_one_file(copy: Path) -> None:
    code = """\
import orch_nb, slowest
from orch_nb.notebook.panel import still
with orch_nb.Session() as session:
    session.ask("hello")
    print(still(session, "slowest")["text/plain"])
"""
    assert re.search(r"(?m)^sim:\w+ +[<\d.]+ s$", run(code, PYTHONPATH=str(copy)))


@pytest.mark.parametrize("name", ["shout.py", "pyproject.toml"])
def test_the_package_that_is_shown_is_the_one_that_is_tested(name: str) -> None:
    package = ROOT / "tests" / "plugin" / "shout"
    language = "python" if name.endswith(".py") else "toml"
    shown = blocks(PAGES["extending"], language)
    assert shown == [(package / name).read_text(encoding="utf-8")]
