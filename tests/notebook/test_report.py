"""``%orch report`` in a shell: numbers of the ledger, suggestions, charts, and a page by itself."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

import orch_nb
from notebook.test_commands import failure, row
from orch_nb.charts.bundle import PLOTLY
from orch_nb.errors import InputError
from orch_nb.figures import dollars
from shells.here import Cell, Shell
from stub.client import Stub

_FETCHED = re.compile(
    r"""<script|<link|<iframe|\bon\w+=|(?:src|href)=["'](?!data:)|url\(|@import"""
)


def said(shell: Shell, line: str) -> str:
    """What `line` shows last, as text: the charts stand above it."""
    return text(shell.run(line))


def text(cell: Cell) -> str:
    assert cell.error is None, cell.error
    return str(cell.outputs[-1].data["text/plain"])


def test_numbers_equal_the_ledgers(shell: Shell) -> None:
    for prompt in ("one", "two", "one"):
        shell.run(f"%orch -m alpha:stub-small {prompt}")
    text = said(shell, "%orch report")
    (stats,) = orch_nb.session().ledger.by_model().values()
    model, calls, success, *_, cost, each, cached, hits = row(text, "alpha:stub-small")
    assert (model, calls, success, cached, hits) == ("alpha:stub-small", "2", "100 %", "1", "33 %")
    assert (cost, each) == (dollars(stats.cost), dollars(stats.cost_per_call))
    assert "- no suggestions" in text


def test_a_slow_model_yields_a_suggestion(shell: Shell, alpha: Stub) -> None:
    alpha.rule("alpha", "slow?s=5.2", model="stub-large")
    shell.run(
        "from concurrent.futures import ThreadPoolExecutor\n"
        "import orch_nb\n"
        "def ask(n): return orch_nb.session().ask(f'prompt {n}', model='alpha:stub-large')\n"
        "with ThreadPoolExecutor(3) as pool: answers = list(pool.map(ask, range(3)))"
    )
    text = said(shell, "%orch report")
    assert re.search(r"alpha:stub-large took \d\.\d s on average", text)
    assert "more than 5.0 s" in text


def test_an_empty_session_and_a_wrong_word(shell: Shell) -> None:
    cell = shell.run("%orch report")
    assert len(cell.outputs) == 1
    assert row(text(cell), "total")[1] == "0"
    assert "use `%orch report [--out FILE.html]`" in str(failure(shell, "%orch report now"))


def test_all_charts_of_what_happened(shell: Shell, alpha: Stub) -> None:
    alpha.rule("alpha", "400", model="stub-large")
    shell.run("%orch -m alpha:stub-small one")
    shell.run("%orch rate up")
    order = ["alpha:stub-large", "alpha:stub-small"]
    assert orch_nb.session().ask("two", model=order).trail
    cell = shell.run("%orch report")
    *charts, _ = cell.outputs
    titles = [chart.data["text/plain"].splitlines()[0] for chart in charts]
    assert titles == [
        *("Cost per model", "Seconds per answer", "Spent so far", "Who answers what"),
        *("Errors and fallbacks", "Quality against cost"),
    ]
    assert all({PLOTLY, "text/html"} <= set(chart.data) for chart in charts)


def test_a_report_from_python_is_shown_as_pictures(shell: Shell) -> None:
    shell.run("%orch -m alpha:stub-small one")
    report = shell.run("import orch_nb\nreport = orch_nb.session().report()\nreport")
    formatter = shell.ip.display_formatter
    assert formatter is not None
    shown, _ = formatter.format(report.value)  # type: ignore[no-untyped-call]
    assert shown["text/html"].count("<img ") == 4
    assert row(shown["text/plain"], "alpha:stub-small")[1] == "1"
    assert shell.run("print(report)").printed.startswith("model ")


def test_a_page_by_itself(shell: Shell, tmp_path: Path) -> None:
    shell.run("%orch -m alpha:stub-small one")
    assert said(shell, "%orch report --out made.html") == "written to made.html"
    page = Path("made.html").read_text(encoding="utf-8")
    assert _FETCHED.search(page) is None
    assert page.count("data:image/svg+xml;base64,") == 4
    assert "alpha:stub-small" in page
    # Ours is written over.
    assert "written to" in said(shell, f"%orch report --out {Path('made.html').absolute()}")


def test_no_other_file_is_written_over(shell: Shell) -> None:
    Path("other.html").write_text("<!doctype html>\n<p>mine", encoding="utf-8")
    Path("linked.html").symlink_to("other.html")
    os.mkfifo("pipe.html")
    for name in ("other.html", "linked.html", "pipe.html"):
        assert f"{name} exists and is no report" in str(failure(shell, f"%orch report -o {name}"))
    assert Path("other.html").read_text(encoding="utf-8").endswith("mine")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("report.ipynb", "ends in .html"),
        ("nowhere/report.html", "there is no folder nowhere"),
        (f"{'n' * 300}.html", "File name too long"),
    ],
)
def test_where_no_page_can_be(shell: Shell, name: str, reason: str) -> None:
    error = failure(shell, f"%orch report --out {name}")
    assert isinstance(error, InputError)
    assert reason in str(error)
    assert len(str(error).splitlines()) == 1
