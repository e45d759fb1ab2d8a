"""Answers, errors and decisions as JupyterLab draws them, in both themes."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from shells.settings import write_settings
from stub.client import Stub
from stub.spec import write
from ui.notebook_page import (
    MILLISECONDS,
    Lab,
    cells,
    focus_cell,
    open_notebook,
    run_cell,
    shoot,
    write_notebook,
)

pytestmark = pytest.mark.ui

RICH = (Path(__file__).parents[1] / "data" / "rich_answer.md").read_text(encoding="utf-8")
LONG = "organisation/" + "a-very-long-model-name-" * 5 + "instruct-q4_k_m"
SOURCES = [
    "%load_ext orch_nb",
    "%%orch\nName three rivers.",
    "%%orch --strategy cosst\nName three rivers.",
    "%%orch --no-cache\nTell me a long story.",
    "%%orch --dry-run\nName three <b>rivers</b> of $x$.",
    "%orch_select Translate this letter",
    "%%orch --explain\nA rich answer.",
]
ANSWER, ERROR, STORY, DRY, DECISION, EXPLAINED = range(1, 7)
_THEME = "window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab %s'})"
_IS_LIGHT = {"Light": "true", "Dark": "false"}
_COLOUR = "element => getComputedStyle(element).color"


@pytest.fixture(scope="module")
def notebooks(stub_process: Stub, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebooks")
    write_settings(folder, stub_process)
    write_notebook(folder / "answers.ipynb", SOURCES)
    return folder


def outputs(cell: Locator) -> Locator:
    return cell.locator(".jp-OutputArea-output")


def stop(page: Page, index: int) -> None:
    """Run a cell and interrupt the kernel once its answer grows."""
    cell = focus_cell(page, index)
    page.keyboard.press("Control+Enter")
    expect(cell.locator(".orch-answer")).to_contain_text("gamma", timeout=MILLISECONDS)
    page.evaluate("window.jupyterapp.commands.execute('notebook:interrupt-kernel')")
    expect(cell.locator(".jp-OutputArea-output").last).to_contain_text("Interrupted: stopped")


def test_a_notebook_of_answers(page: Page, lab: Lab, stub: Stub) -> None:
    stub.models("alpha", ["stub-small", LONG, "text-embedding-3-small"])
    stub.rule("alpha", write("ok", words=300, delay=0.02))
    stub.plan("alpha", write("ok", text="The Rhine, the *Elbe* and the `Oder`.", delay=0.05))
    open_notebook(page, lab, "answers.ipynb")
    page.set_viewport_size({"width": 1100, "height": 1900})
    for index in (0, ANSWER, ERROR):
        run_cell(page, index)
    stop(page, STORY)
    for index in (DRY, DECISION):
        run_cell(page, index)
    stub.rule("alpha", write("ok", text=RICH))
    run_cell(page, EXPLAINED)
    answer = cells(page).nth(ANSWER)
    expect(outputs(answer).last).to_contain_text("The Rhine, the Elbe and the Oder.")
    expect(outputs(answer).last).to_contain_text("alpha:stub-small · $")
    expect(answer.locator(".orch-answer")).to_have_count(1)
    expect(outputs(cells(page).nth(STORY)).first).to_contain_text("interrupted")
    table = cells(page).nth(DECISION).locator("table")
    assert table.evaluate("t => t.scrollWidth <= t.parentElement.clientWidth")
    colours = set()
    for theme in ("Light", "Dark"):
        page.evaluate(_THEME % theme)
        expect(page.locator("body")).to_have_attribute("data-jp-theme-light", _IS_LIGHT[theme])
        shoot(page, f"answers-{theme.lower()}")
        colours.add(outputs(answer).locator("div", has_text="alpha:").last.evaluate(_COLOUR))
    assert len(colours) == 2
