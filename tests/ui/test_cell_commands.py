"""Commands of the palette for prompt cells, and the badges of answered ones."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from shells.settings import write_settings
from stub.client import Stub
from ui.notebook_page import (
    MILLISECONDS,
    Lab,
    cells,
    darken,
    focus_cell,
    open_notebook,
    run_cell,
    shoot,
    write_notebook,
)
from ui.sidebar_page import badge, choose, open_sidebar, set_user, source, watch_console

pytestmark = pytest.mark.ui

SOURCES = [
    "%load_ext orch_nb\nimport orch_nb",
    "Name **three** rivers of {{ 'Europe' }}",
    "%%orch\nName a lake",
    "orch_nb.session().ask('Name a sea', model=['alpha:stub-down', 'alpha:stub-large'])",
    "%%orch -m alpha:stub-small\nName a town",
    "print(1)",
]
_SAVE = "window.jupyterapp.commands.execute('docmanager:save')"


@pytest.fixture(scope="module")
def notebooks(stub_process: Stub, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebooks")
    write_settings(folder, stub_process)
    write_notebook(folder / "commands.ipynb", SOURCES)
    others = [source.replace("Name a", "Tell of a") for source in SOURCES]
    write_notebook(folder / "badges.ipynb", others)
    return folder


def test_commands_change_the_cell_with_the_cursor(page: Page, lab: Lab, stub: Stub) -> None:
    stub.models("alpha", ["stub-small", "stub-large"])
    errors = watch_console(page)
    open_notebook(page, lab, "commands.ipynb")
    run_cell(page, 0)
    focus_cell(page, 1)
    choose(page, "Turn Cell into a Prompt")
    assert source(page, 1) == f"%%orch\n{SOURCES[1]}"
    choose(page, "Turn Cell into a Prompt")
    assert source(page, 1) == SOURCES[1]
    focus_cell(page, 1)
    page.keyboard.press("Alt+Shift+O")
    assert source(page, 1) == f"%%orch\n{SOURCES[1]}"
    page.locator(".jp-NotebookPanel-toolbar [data-command='orch-nb:toggle-prompt']").click()
    assert source(page, 1) == SOURCES[1]
    for label, value, line in (
        ("Choose the Strategy of this Cell", "cost", "%%orch --strategy cost"),
        ("Choose the Model of this Cell", "alpha:stub-large", "%%orch --model alpha:stub-large"),
        ("Choose the Model of this Cell", "", "%%orch"),
    ):
        focus_cell(page, 2)
        choose(page, label)
        field = page.locator(".jp-Dialog input")
        field.fill(value)
        shoot(page, "command-dialog")
        field.press("Enter")
        expect(page.locator(".jp-Dialog")).to_have_count(0)
        first = source(page, 2).partition("\n")[0]
        assert set(line.split()) <= set(first.split()), first
    assert source(page, 2) == "%%orch --strategy cost\nName a lake"
    focus_cell(page, 2)
    choose(page, "Run Cell with Several Models")
    assert "--compare 2" in source(page, 2), "there are two models"
    expect(badge(page, 2)).to_have_text(re.compile("^2 models · "), timeout=MILLISECONDS)
    focus_cell(page, 2)
    choose(page, "Show Costs below this Cell")
    assert source(page, 3) == "%orch costs"
    expect(cells(page).nth(3).locator(".jp-OutputArea")).to_contain_text("alpha:stub-small")
    listed = [entry for entry in stub.log() if entry.method == "GET"]
    choose(page, "Look for Models Again")
    sidebar = open_sidebar(page)
    expect(sidebar).to_contain_text("alpha:stub-large")
    page.wait_for_timeout(500)
    assert len([entry for entry in stub.log() if entry.method == "GET"]) > len(listed)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.locator(".lm-Menu-item", has_text="Language Models").click()
    expect(page.locator(".lm-Menu-item", has_text="Show Costs below this Cell")).to_be_visible()
    shoot(page, "command-menu")
    assert errors == []


def test_badges_stay_without_a_kernel(page: Page, lab: Lab, stub: Stub) -> None:
    stub.rule("alpha", "503", model="stub-down")
    open_notebook(page, lab, "badges.ipynb")
    run_cell(page, 0)
    for index in (2, 3, 4):
        run_cell(page, index)
    expect(badge(page, 2)).to_have_text(re.compile(r"^alpha:stub-\w+ · \$0\.0\d+ · <?\d\.\d s$"))
    expect(badge(page, 3)).to_have_text(re.compile(r"^alpha:stub-large · .* · fallback$"))
    run_cell(page, 4)
    expect(badge(page, 4)).to_have_text(re.compile(r"^alpha:stub-small · .* · cached$"))
    run_cell(page, 5)
    expect(page.locator(".jp-OrchBadge")).to_have_count(3)
    shown = page.locator(".jp-OrchBadge").all_inner_texts()
    page.evaluate(_SAVE)
    saved = lab.root / "badges.ipynb"
    page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
    notebook = json.loads(saved.read_text())
    notebook["metadata"] = {}  # then JupyterLab asks for a kernel
    (lab.root / "reopened.ipynb").write_text(json.dumps(notebook))
    page.goto(f"{lab.url}lab/tree/reopened.ipynb?token={lab.token}&reset")
    page.locator(".jp-Dialog").get_by_role("button", name="No Kernel").click()
    expect(page.locator(".jp-OrchBadge")).to_have_text(shown)
    badge(page, 2).scroll_into_view_if_needed()
    shoot(page, "badges-light")
    darken(page)
    shoot(page, "badges-dark")
    set_user(page, lab, badge=False)
    page.reload()
    page.locator(".jp-Dialog select").wait_for()
    expect(page.locator(".jp-Cell").nth(3)).to_be_attached()
    expect(page.locator(".jp-OrchBadge")).to_have_count(0)
    set_user(page, lab)
