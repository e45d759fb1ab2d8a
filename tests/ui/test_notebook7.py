"""The extension in Notebook 7, which has no status bar."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from shells.settings import write_settings
from stub.client import Stub
from ui.notebook_page import (
    Lab,
    darken,
    focus_cell,
    open_notebook7,
    run_cell,
    shoot,
    write_notebook,
)
from ui.sidebar_page import badge, choose, open_sidebar, result, section, source, watch_console

pytestmark = pytest.mark.ui

SOURCES = [
    "%load_ext orch_nb\nimport orch_nb",
    "%%orch -m alpha:stub-small\nName **three** rivers of {{ 'Europe' }}",
    "%%orch_pipeline --dry-run\nsteps:\n  - {id: one, prompt: x, model: 'alpha:stub-small'}",
    "orch_nb.session().strategy",
    "print(1)",
]
# Notebook 7.6 loads its settings twice at once; the same without any extension.
_OF_NOTEBOOK = "Cannot read properties of undefined (reading 'schema')"
_MIME_TYPES = """() => {
  const { content } = window.jupyterapp.shell.currentWidget;
  return content.widgets.map(cell => cell.model.mimeType);
}"""


@pytest.fixture(scope="module")
def notebooks(stub_process: Stub, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebooks")
    write_settings(folder, stub_process)
    write_notebook(folder / "seven.ipynb", SOURCES)
    return folder


@pytest.mark.usefixtures("stub")
def test_all_but_the_status_bar_is_there(page: Page, lab: Lab) -> None:
    errors = watch_console(page)
    open_notebook7(page, lab, "seven.ipynb")
    python, yaml, markdown = "text/x-ipython", "text/x-yaml", "text/x-ipythongfm"
    assert page.evaluate(_MIME_TYPES) == [python, markdown, yaml, python, python]
    assert page.locator(".jp-OrchPlaceholder").inner_text() == "{{ 'Europe' }}"
    run_cell(page, 0)
    run_cell(page, 1)
    expect(badge(page, 1)).to_contain_text("alpha:stub-small · $0.0")
    assert page.locator(".jp-OrchStatus").count() == 0
    shoot(page, "notebook7-light")
    sidebar = open_sidebar(page)
    expect(section(sidebar, "calls")).to_contain_text("Name **three** rivers")
    sidebar.get_by_label("strategy").select_option("cost")
    assert result(page, 3) == "'cost'"
    focus_cell(page, 4)
    choose(page, "Turn Cell into a Prompt")
    assert source(page, 4) == "%%orch\nprint(1)"
    page.keyboard.press("Alt+Shift+O")
    assert source(page, 4) == "print(1)"
    focus_cell(page, 1)
    expect(section(sidebar, "ranking").locator("ol > li")).to_have_count(1)
    darken(page)
    shoot(page, "notebook7-dark")
    assert [text for text in errors if _OF_NOTEBOOK not in text] == []
