"""Panels in JupyterLab: what is moved there is so in the session, and the other way round."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from stub.client import Stub
from ui.notebook_page import Lab, cells, open_notebook, run_cell, shoot, write_notebook

pytestmark = pytest.mark.ui

_MODELS = {
    "alpha:stub-cheap": (0.1, 0.5, 0.2),
    "alpha:stub-middle": (1, 4, 0.6),
    "alpha:stub-strong": (4, 20, 0.95),
}
SOURCES = [
    "%load_ext orch_nb\nimport orch_nb",
    "for word in ('river', 'mountain', 'town'):\n    %orch --quiet Name a {{ word }}",
    "%orch panel",
    "orch_nb.session().weights, orch_nb.session().strategy",
    "%%orch --tool sql --out r\nList the tables",
    "r.model, orch_nb.session().settings.off",
    "%%orch -s cost --out r\nName a lake",
    "r.model",
    "%orch_select --strategy cost",
    "%orch panel budget",
    "len(orch_nb.session()._listeners._listeners)",
    "%reload_ext orch_nb",
]
_THEME = "window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
# Where on each tab which words are.
TABS = {
    "Weights": ("tbody tr", "Name a town"),
    "Experts": (".widget-gridbox:visible", "not offered: alpha:stub-cheap (cannot do vision)"),
    "Models": (".widget-gridbox:has(b)", "$20.00"),
    "Budget": (".widget-html", "session: $0.0"),
    "Cache": ("tbody tr", "entries"),
    "Costs": ("tbody tr", "alpha:stub-cheap"),
}


@pytest.fixture(scope="module")
def notebooks(stub_process: Stub, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebooks")
    rows = "".join(
        f'  "{name}": {{price: {{input: {paid}, output: {out}}}, context: 128000, '
        f"capabilities: [json, tools], quality: {{chat: {good}, code: {good}}}}}\n"
        for name, (paid, out, good) in _MODELS.items()
    )
    (folder / "orch.yaml").write_text(
        f"""\
providers:
  alpha: {{type: compatible, base_url: "{stub_process.url("alpha", "/v1")}", max_retries: 0}}
probe: false
experts: {{sql: "alpha:stub-middle"}}
models:
{rows}"""
    )
    return folder


@pytest.fixture
def panel(page: Page, lab: Lab, stub: Stub, request: pytest.FixtureRequest) -> Locator:
    """The panel below the third cell, with three calls behind it, in a kernel of its own."""
    stub.models("alpha", [name.partition(":")[2] for name in _MODELS])
    name = f"{request.node.name}.ipynb"
    write_notebook(lab.root / name, SOURCES)
    open_notebook(page, lab, name)
    page.set_viewport_size({"width": 1200, "height": 1500})
    for index in range(3):
        run_cell(page, index)
    shown = cells(page).nth(2).locator(".orch-panel")
    expect(shown).to_be_visible()
    expect(cells(page).nth(2).locator(".orch-still")).to_be_hidden()
    return shown


def tab(panel: Locator, name: str) -> Locator:
    """Open a tab; returns its page."""
    panel.get_by_role("tab", name=name).click()
    return panel.locator(".widget-tab-contents > :not(.lm-mod-hidden)")


def result(page: Page, index: int) -> str:
    """Run a cell; its result as text."""
    run_cell(page, index)
    return cells(page).nth(index).locator(".jp-OutputArea-executeResult pre").inner_text()


def test_every_tab_is_legible_in_both_themes(page: Page, panel: Locator) -> None:
    slider(panel, "cost").press("ArrowRight")
    for theme in ("light", "dark"):
        if theme == "dark":
            page.evaluate(_THEME)
            expect(page.locator("body")).to_have_attribute("data-jp-theme-light", "false")
            expect(page.locator("#jupyterlab-splash")).to_have_count(0)
        for name, (there, words) in TABS.items():
            expect(tab(panel, name).locator(there).first).to_contain_text(words)
            shoot(page, f"panel-{name.lower()}-{theme}")
    ink = panel.locator("td").first.evaluate("cell => getComputedStyle(cell).color")
    assert min(map(int, re.findall(r"\d+", ink)[:3])) > 150, "light text on the dark theme"


def slider(panel: Locator, name: str) -> Locator:
    """The handle of a slider."""
    row = panel.locator(".widget-slider").filter(has_text=name)
    return row.get_by_role("slider")


def test_a_slider_ranks_anew_and_sets_the_session(page: Page, panel: Locator) -> None:
    ranking = panel.locator("tbody tr")
    expect(ranking).to_have_count(3)
    panel.get_by_role("button", name="Use weighted").press("Enter")
    expect(panel.get_by_label("strategy")).to_have_value("weighted")
    expect(ranking.first).not_to_contain_text("flips")
    slider(panel, "quality").press("End")
    expect(panel.locator(".widget-readout")).to_have_text(["0%", "100%", "0%"])
    expect(ranking.first).to_contain_text("alpha:stub-strong")
    expect(panel).to_contain_text("3 of 3 prompts would go to another model; expected in all: $")
    expect(panel.locator("tbody tr", has_text="flips")).to_have_count(3)
    shoot(page, "panel-what-if")
    said = result(page, 3)
    assert said == "(Weights(cost=0.0, quality=1.0, speed=0.0), 'weighted')"
    panel.get_by_label("save as").fill("best")
    panel.get_by_role("button", name="Save", exact=True).click()
    expect(panel.get_by_label("preset")).to_have_value("best")
    panel.get_by_role("button", name="Reset").click()
    expect(panel.get_by_label("strategy")).to_have_value("balanced")
    panel.get_by_label("preset").select_option("best")
    expect(panel.locator(".widget-readout")).to_have_text(["0%", "100%", "0%"])


def test_a_locked_model_answers_for_its_tool(page: Page, panel: Locator) -> None:
    shown = tab(panel, "Experts")
    expect(shown.get_by_role("button", name="locked")).to_have_count(1)
    lock, choice = shown.get_by_title("ask this model for sql"), shown.get_by_label("sql")
    expect(choice).to_have_value("alpha:stub-middle")
    expect(choice).to_be_disabled()
    lock.press("Enter")
    expect(choice).to_be_enabled()
    choice.fill("alpha:stub-strong")
    choice.press("Enter")
    lock.press("Enter")
    expect(lock).to_have_text("locked")
    expect(choice).to_have_value("alpha:stub-strong")
    run_cell(page, 4)
    assert "'alpha:stub-strong'" in result(page, 5)


def test_a_model_that_is_off_is_never_chosen(page: Page, panel: Locator) -> None:
    shown = tab(panel, "Models")
    shown.get_by_label("alpha:stub-cheap").press("Space")
    expect(shown.get_by_label("alpha:stub-cheap")).not_to_be_checked()
    run_cell(page, 6)
    said = result(page, 7)
    assert "stub-cheap" not in said
    assert "alpha:stub-middle" in said
    shown.get_by_label("filter").type("strong")
    expect(shown.locator(".widget-checkbox:visible")).to_have_count(3)
    shown.get_by_label("sim").press("Space")
    expect(shown).to_contain_text("off")


def test_two_panels_and_python_agree(page: Page, panel: Locator) -> None:
    run_cell(page, 9)
    second = cells(page).nth(9).locator(".orch-panel")
    expect(second.get_by_role("tab", name="Budget")).to_have_attribute("aria-selected", "true")
    run_cell(page, 8)
    expect(panel.get_by_label("strategy")).to_have_value("cost")
    field = second.get_by_label("per session")
    field.fill("2.5")
    field.press("Enter")
    expect(tab(panel, "Budget").get_by_label("per session")).to_have_value("2.5")
    field.fill("much")
    field.press("Enter")
    expect(second.get_by_role("status")).to_contain_text("session=much is no number of dollars")
    expect(field).to_have_value("2.5")


def test_a_panel_that_nobody_sees_any_more_is_left_alone(page: Page, panel: Locator) -> None:
    listening = int(result(page, 10))  # the sidebar among them
    run_cell(page, 2)
    expect(cells(page).nth(2).locator(".orch-panel")).to_be_visible()
    assert int(result(page, 10)) == listening
    page.evaluate("window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    expect(cells(page).nth(2).locator(".orch-panel")).to_have_count(0)
    assert int(result(page, 10)) == listening - 1


def test_tabs_are_turned_by_keyboard(page: Page, panel: Locator) -> None:
    panel.get_by_role("tab", name="Weights").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(panel.get_by_role("tab", name="Experts")).to_have_attribute("aria-selected", "true")


def test_reopened_without_a_kernel_it_is_still_there(page: Page, panel: Locator, lab: Lab) -> None:
    page.keyboard.press("Control+s")
    page.wait_for_function("!window.jupyterapp.shell.currentWidget.context.model.dirty")
    page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    page.reload()
    outputs = cells(page).nth(2).locator(".jp-OutputArea-output")
    expect(outputs.first).to_contain_text("strategy balanced · weights cost 34 %")
    expect(outputs.first).to_be_visible()
    expect(outputs.nth(1)).to_contain_text("model not found")
    expect(outputs.nth(1)).to_be_hidden()
    shoot(page, "panel-reopened")
    names = outputs.first.locator("td", has_text="executor")
    expect(names.first).to_have_css("text-align", "left")
    assert names.first.evaluate("cell => cell.getClientRects()[0].height") < 60, "in one line"


def test_a_panel_of_a_session_that_is_gone_is_still(page: Page, panel: Locator) -> None:
    run_cell(page, 11)
    expect(panel).to_have_count(0)
    expect(cells(page).nth(2).locator(".orch-still")).to_be_visible()
    shoot(page, "panel-of-a-closed-session")
