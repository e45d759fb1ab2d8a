"""A notebook that is run as a whole at servers that repeat the key: nothing left holds it."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from stub.client import Stub
from stub.spec import write

KEY = "Onyx7Quartz5Velvet"


def test_a_notebook_and_its_folder_hold_no_key(
    stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", stub.url("alpha", "/v1"))
    stub.models("alpha", ["stub-small"])
    stub.plan(
        "alpha",
        "ok",
        "401?body=echo_key",
        write("err_mid", after=1, msg=f"bad key {KEY}"),
        write("400", msg=KEY),
    )
    asked = [f"%orch -m openai:stub-small prompt {number}" for number in range(4)]
    cells = [
        "%load_ext orch_nb\n%config OrchMagics.budget = {'session': 1, 'unpriced': 'allow'}",
        *asked,
        "import orch_nb\nprint(orch_nb.session().ledger.to_json(), orch_nb.session().settings)",
        "%orch report",
        "%orch providers",
        "%orch why",
    ]
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    resources = {"metadata": {"path": "."}}
    NotebookClient(notebook, timeout=120, resources=resources, allow_errors=True).execute()
    nbformat.write(notebook, "saved.ipynb")
    failed = [cell for cell in notebook.cells if "'error'" in str(cell.outputs)]
    assert [cell.source for cell in failed] == asked[1:]
    assert {entry.headers.get("authorization") for entry in stub.log()} == {f"Bearer {KEY}"}
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"saved.ipynb", "ledger.sqlite"} <= {path.name for path in files}
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []
    assert KEY not in "".join(capfd.readouterr())
