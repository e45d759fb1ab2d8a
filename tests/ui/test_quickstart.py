"""A newcomer opens the quickstart in JupyterLab and runs all of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ui.notebook_page import MILLISECONDS, Lab, cells, open_notebook, shoot

pytestmark = pytest.mark.ui

QUICKSTART = Path(__file__).parents[2] / "notebooks" / "quickstart.ipynb"
SAVED = json.loads(QUICKSTART.read_text(encoding="utf-8"))["cells"]
THEMES = ("JupyterLab Light", "JupyterLab Dark")
ALL_HAVE_RUN = """() => window.jupyterapp.shell.currentWidget.content.widgets.every(
  cell => cell.model.type !== 'code' || cell.model.executionState === 'idle'
    && cell.model.executionCount !== null)"""
SCROLL_TO = "(index) => window.jupyterapp.shell.currentWidget.content.scrollToItem(index, 'start')"


@pytest.fixture(scope="module")
def notebooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebooks")
    shutil.copy(QUICKSTART, folder)
    return folder


def execute(page: Page, command: str, arguments: dict[str, Any] | None = None) -> None:
    """Run a command of JupyterLab, as its menus do."""
    call = "([command, args]) => window.jupyterapp.commands.execute(command, args)"
    page.evaluate(call, [command, arguments or {}])


def index_of(name: str) -> int:
    """Where the cell with the id `name` stands."""
    return next(index for index, cell in enumerate(SAVED) if cell["id"] == name)


def test_newcomer_runs_all(page: Page, lab: Lab) -> None:
    open_notebook(page, lab, QUICKSTART.name)
    shoot(page, "quickstart-before")
    execute(page, "notebook:clear-all-cell-outputs")
    execute(page, "notebook:run-all-cells")
    page.wait_for_function(ALL_HAVE_RUN, timeout=MILLISECONDS)
    execute(page, "docmanager:save")
    look_at_all(page)
    assert_shown(page)
    ran = json.loads((lab.root / QUICKSTART.name).read_text(encoding="utf-8"))
    assert_saved(ran["cells"])


def look_at_all(page: Page) -> None:
    """Leave screenshots of each part, light and dark."""
    for theme in THEMES:
        execute(page, "apputils:change-theme", {"theme": theme})
        expect(page.locator("body")).to_have_attribute("data-jp-theme-name", theme)
        for name in ("ask", "explain"):
            page.evaluate(SCROLL_TO, index_of(name))
            page.wait_for_timeout(500)  # the editor colours what scrolled into view a little later
            shoot(page, f"quickstart-{theme.split()[1].lower()}-{name}")


def assert_shown(page: Page) -> None:
    page.evaluate(SCROLL_TO, index_of("ask"))
    answer = cells(page).nth(index_of("ask")).locator(".jp-OutputArea-output")
    expect(answer).to_have_count(1)  # the place where it grew is gone
    expect(answer.locator("strong")).to_have_text("Simulated answer")
    expect(answer.locator("li")).to_have_count(2)
    expect(answer).to_contain_text("→52 tokens · simulated")
    again = cells(page).nth(index_of("again")).locator(".jp-OutputArea-output")
    expect(again).to_contain_text("tokens · cached · simulated")


def assert_saved(ran: list[dict[str, Any]]) -> None:
    asked, again = (answer_of(ran[index_of(name)]) for name in ("ask", "again"))
    assert asked["metadata"]["orch_nb"]["cached"] is False
    assert again["metadata"]["orch_nb"]["cached"] is True
    for cell, saved in zip(ran, SAVED, strict=True):
        if cell["cell_type"] == "code":
            assert [o for o in cell["outputs"] if o["output_type"] == "error"] == []
            assert plain(cell) == plain(saved)


def answer_of(cell: dict[str, Any]) -> dict[str, Any]:
    answers: list[dict[str, Any]] = cell["outputs"]
    (answer,) = [output for output in answers if output["output_type"] == "execute_result"]
    return answer


def plain(cell: dict[str, Any]) -> str:
    """All that the outputs of `cell` say, as text."""
    parts: list[str] = []
    for output in cell["outputs"]:
        text = output.get("text") or output["data"].get("text/plain", "")
        parts += [text] if isinstance(text, str) else text
    return "".join(parts)
