"""`%orch costs` and `%orch report` in JupyterLab, in both themes, and as pages without a kernel."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from shells.settings import write_settings
from stub.client import Stub
from ui.notebook_page import SHOTS, Lab, cells, open_notebook, run_cell, shoot, write_notebook

pytestmark = pytest.mark.ui

_ASK = """\
import orch_nb
session = orch_nb.session()
small, large, down = "alpha:stub-small", "alpha:stub-large", "alpha:stub-down"
for n in range(8):
    session.ask(f"Write a Python function that adds {n}.", model=small if n % 3 else large)
    session.ask("What is the capital of France?", model=small)
    session.ask(f"Translate to German: {n} apples.", model=[down, large])
for n, vote in enumerate([1, 0.5, 1, 0.25, 1, 0.75]):
    get_ipython().run_line_magic("orch", f"rate {n + 1} {vote}")
"""
SOURCES = [
    "%load_ext orch_nb",
    _ASK,
    "%orch costs",
    "%orch report",
    "session.report()",
    "%orch report --out made.html",
    "orch_nb.session().ledger.spent.total",
]
_LONG = [
    """\
%load_ext orch_nb
from charts.records import MODELS, made_records
from orch_nb.charts.report import report_charts
from orch_nb.notebook.display import show
from orch_nb.store.report import Report
from orch_nb.types import Score, Track
tracks = {m: Track(quality={"chat": Score(30.0, 0.5 + n / 25, {})}) for n, m in enumerate(MODELS)}
report = Report.of(made_records(10_000, models=len(MODELS)), tracks)""",
    "for chart in report_charts(report):\n    show(chart)",
    "report",
]
_DARK = "window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
_ALL = 6  # charts of a report


@pytest.fixture(scope="module")
def notebooks(stub_process: Stub, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebooks")
    write_settings(folder, stub_process)
    write_notebook(folder / "charts.ipynb", SOURCES)
    write_notebook(folder / "long.ipynb", _LONG)
    return folder


@pytest.fixture(scope="module")
def lab_environment() -> dict[str, str]:
    """Kernels find the records that the tests make."""
    return {"PYTHONPATH": str(Path(__file__).parents[1])}


@pytest.fixture(autouse=True)
def models(stub: Stub) -> None:
    stub.models("alpha", ["stub-small", "stub-large", "stub-down"])
    stub.rule("alpha", "ok?words=60&delay=0.002", model="stub-large")
    stub.rule("alpha", "400", model="stub-down")


def test_charts_are_drawn_and_stay(page: Page, lab: Lab, notebooks: Path) -> None:
    open_notebook(page, lab, "charts.ipynb")
    page.set_viewport_size({"width": 1200, "height": 2900})
    for index in range(len(SOURCES)):
        run_cell(page, index)
    costs, report, still = (cells(page).nth(index) for index in (2, 3, 4))
    expect(costs.locator(".js-plotly-plot")).to_have_count(3)
    expect(report.locator(".js-plotly-plot")).to_have_count(_ALL)
    expect(still.locator("img[src^='data:image/svg+xml']")).to_have_count(_ALL)
    expect(costs).to_contain_text("alpha:stub-small")
    _in_place(costs, "costs")
    _in_place(report, "report")
    page.evaluate(_DARK)
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", "false")
    expect(page.locator("#jupyterlab-splash")).to_have_count(0)
    _in_place(costs, "costs-dark")
    _in_place(report, "report-dark")
    still.scroll_into_view_if_needed()
    still.screenshot(path=SHOTS / "report-still-dark.png")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+s")
    expect(page.locator(".jp-mod-dirty")).to_have_count(0)
    _as_pages(page, notebooks)


def test_long_sessions_stay_legible(page: Page, lab: Lab) -> None:
    open_notebook(page, lab, "long.ipynb")
    page.set_viewport_size({"width": 1200, "height": 3400})
    for index in range(len(_LONG)):
        run_cell(page, index)
    report, still = cells(page).nth(1), cells(page).nth(2)
    expect(report.locator(".js-plotly-plot")).to_have_count(_ALL)
    _in_place(report, "long")
    still.screenshot(path=SHOTS / "charts-long-still.png")


def _in_place(cell: Locator, name: str) -> None:
    """All text of the charts is within its chart; a screenshot for a person to look at."""
    cell.scroll_into_view_if_needed()
    SHOTS.mkdir(exist_ok=True)
    cell.screenshot(path=SHOTS / f"charts-{name}.png")
    outside = cell.evaluate(
        """cell => [...cell.querySelectorAll('.js-plotly-plot')].flatMap(chart => {
          const box = chart.getBoundingClientRect();
          return [...chart.querySelectorAll('.main-svg text')].filter(text => {
            const at = text.getBoundingClientRect();
            return at.width && (at.left < box.left - 1 || at.right > box.right + 1 ||
                                at.top < box.top - 1 || at.bottom > box.bottom + 1);
          }).map(text => text.textContent);
        })"""
    )
    assert outside == []


def _as_pages(page: Page, folder: Path) -> None:
    """What nbconvert makes of the saved notebook, and the exported report, load nothing."""
    command = [sys.executable, "-m", "nbconvert", "--to=html", "charts.ipynb"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    converted = (folder / "charts.html").read_text(encoding="utf-8")
    assert converted.count('src="data:image/svg+xml;base64,') == 3 + 2 * _ALL
    # Without the scripts of nbconvert's own page, which are fetched.
    page.set_content(re.sub(r"<script.*?</script>", "", converted, flags=re.S))
    expect(page.locator("img[src^='data:image/svg+xml']").first).to_be_visible()
    shoot(page, "report-nbconvert")
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme="light" if theme == "light" else "dark")
        page.set_content((folder / "made.html").read_text(encoding="utf-8"))
        pictures = page.locator("img")
        expect(pictures).to_have_count(_ALL)
        assert all(
            picture.evaluate("image => image.complete && image.naturalWidth === 640")
            for picture in pictures.all()
        )
        shoot(page, f"report-page-{theme}")
