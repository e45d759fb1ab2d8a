"""``%orch costs``: of the session, of all sessions, and of a notebook that was saved."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

import orch_nb
from notebook.test_commands import failure, row
from notebook.test_report import said, text
from orch_nb.charts.bundle import PLOTLY
from orch_nb.errors import InputError
from orch_nb.figures import dollars
from shells.here import Shell
from ui.notebook_page import write_notebook


def asked(shell: Shell) -> None:
    for prompt in ("one", "two", "one"):
        assert shell.run(f"%orch -m alpha:stub-small {prompt}").error is None


def test_numbers_equal_the_ledgers(shell: Shell) -> None:
    asked(shell)
    cell = shell.run("%orch costs")
    ledger = orch_nb.session().ledger
    (stats,) = ledger.by_model().values()
    shown = row(text(cell), "alpha:stub-small")
    saved = sum(r.response.cost or Decimal(0) for r in ledger if r.response and r.response.cached)
    assert saved > 0
    assert shown[1:5] == ["2", "1", dollars(stats.cost), dollars(Decimal(saved))]
    assert row(text(cell), "total")[1:5] == shown[1:5]
    assert f"{dollars(ledger.spent.known)} known" in text(cell)
    charts = [output.data for output in cell.outputs[:-1]]
    assert len(charts) == 3
    (paid, worth) = charts[0][PLOTLY]["data"]
    assert Decimal(repr(paid["x"][0])) == ledger.spent.total
    assert Decimal(repr(worth["x"][0])) == saved


def test_nothing_was_asked(shell: Shell) -> None:
    cell = shell.run("%orch costs")
    assert len(cell.outputs) == 1
    assert row(text(cell), "total")[1:5] == ["0", "0", "$0", "$0"]


def test_of_all_sessions(shell: Shell) -> None:
    asked(shell)
    shell.run("%reload_ext orch_nb")
    assert row(said(shell, "%orch costs"), "total")[1] == "0"
    for line in ("%orch costs --all", "%orch costs --days 1"):
        assert row(said(shell, line), "alpha:stub-small")[1:3] == ["2", "1"]


@pytest.mark.filterwarnings("ignore:Your element with mimetype")  # one that shows nothing
def test_of_a_saved_notebook_that_no_kernel_knows(shell: Shell) -> None:
    prompts = [f"%orch -m alpha:stub-small {prompt}" for prompt in ("one", "two", "one")]
    write_notebook(Path("other.ipynb"), ["%load_ext orch_nb", *prompts, "%orch costs"])
    document = nbformat.read("other.ipynb", as_version=4)  # type: ignore[no-untyped-call]
    NotebookClient(document, timeout=120, resources={"metadata": {"path": "."}}).execute()
    nbformat.write(document, "other.ipynb")  # type: ignore[no-untyped-call]
    spent = orch_nb.session().ledger.history().spent
    found = said(shell, "%orch costs other.ipynb")
    assert row(found, "alpha:stub-small")[1:4] == ["2", "1", dollars(spent.total)]
    assert "3 answers saved in other.ipynb" in found
    assert row(said(shell, "%orch costs"), "total")[1] == "0"
    # Without a kernel, and without Plotly, the pictures are there.
    page, _ = HTMLExporter().from_notebook_node(document)  # type: ignore[no-untyped-call]
    assert page.count('src="data:image/svg+xml;base64,') == 3
    assert 'alt="Cost per model"' in page


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("of living in Rome", "comes after --"),
        ("none.ipynb", "No such file"),
        ("none.ipynb --all", "no other sessions"),
        ("--days many", "invalid float"),
        ("--days 0", "above 0"),
        ("--days nan", "above 0"),
    ],
)
def test_wrong_words(shell: Shell, words: str, reason: str) -> None:
    error = failure(shell, f"%orch costs {words}")
    assert isinstance(error, InputError)
    assert reason in str(error)
