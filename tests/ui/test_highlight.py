"""Prompt cells look like Markdown in JupyterLab, pipelines like YAML."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from ui.notebook_page import (
    Lab,
    cells,
    focus_cell,
    open_notebook,
    run_cell,
    shoot,
    write_notebook,
)

pytestmark = pytest.mark.ui

MARKDOWN, YAML = "text/x-ipythongfm", "text/x-yaml"
PYTHON, R = "text/x-ipython", "text/x-rsrc"
SOURCES = [
    "%%orch --strategy balanced\nExplain **this plan** in `two` sentences:\n\n- first\n- second",
    "%%orch_select\nWhich model for **this plan**?",
    "%%orch_pipeline\nsteps:\n  - prompt: Explain **this plan**",
    "print(1 + 1)",
]
AT_FIRST = [MARKDOWN, MARKDOWN, YAML, PYTHON]

_MIME_TYPES = """() => {
  const { content } = window.jupyterapp.shell.currentWidget;
  return content.widgets.map(cell => cell.model.mimeType);
}"""
_SPEAK_R = """() => {
  const { model } = window.jupyterapp.shell.currentWidget.content;
  model.setMetadata('language_info', { name: 'R', mimetype: 'text/x-rsrc' });
}"""
_SETTING = "input[id*='@orch/nb:plugin'][id$='highlight']"


@pytest.fixture(scope="module")
def notebooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebooks")
    write_notebook(folder / "prompts.ipynb", SOURCES)
    return folder


def expect_types(page: Page, wanted: list[str]) -> None:
    """Wait for the MIME types of the cells of the notebook in front."""
    page.wait_for_function(f"wanted => String(({_MIME_TYPES})()) === wanted", arg=",".join(wanted))


def expect_bold(page: Page, index: int, weight: str) -> None:
    """Wait for a font weight of the words between asterisks: what the editor really shows."""
    words = cells(page).nth(index).locator(".cm-line span", has_text="this plan").last
    expect(words).to_have_css("font-weight", weight)


def toggle_setting(page: Page) -> None:
    """Tick or untick the setting in the settings editor, and come back to the notebook."""
    page.evaluate("window.jupyterapp.commands.execute('settingeditor:open', {query: 'orch'})")
    page.locator(_SETTING).click()
    page.get_by_role("tab", name="prompts.ipynb").click()


def test_prompts_are_markdown(page: Page, lab: Lab) -> None:
    open_notebook(page, lab, "prompts.ipynb")
    expect_types(page, AT_FIRST)
    expect_bold(page, 0, "700")
    expect_bold(page, 1, "700")
    shoot(page, "highlight")
    run_cell(page, 3)
    expect_types(page, AT_FIRST)


def test_typing_turns_a_cell(page: Page, lab: Lab) -> None:
    open_notebook(page, lab, "prompts.ipynb")
    expect_types(page, AT_FIRST)
    focus_cell(page, 3)
    page.keyboard.press("Control+Home")
    page.keyboard.type("%%orch")
    page.keyboard.press("Enter")
    expect_types(page, [MARKDOWN, MARKDOWN, YAML, MARKDOWN])
    page.keyboard.press("ArrowUp")
    page.keyboard.press("End")
    page.keyboard.type("_pipeline")
    expect_types(page, [MARKDOWN, MARKDOWN, YAML, YAML])
    page.keyboard.type("s")
    expect_types(page, AT_FIRST)


def test_the_setting_works_at_once(page: Page, lab: Lab) -> None:
    open_notebook(page, lab, "prompts.ipynb")
    expect_types(page, AT_FIRST)
    toggle_setting(page)
    expect_types(page, [PYTHON] * 4)
    shoot(page, "highlight-off")
    toggle_setting(page)
    expect_types(page, AT_FIRST)


def test_two_views_follow_a_new_kernel_language(page: Page, lab: Lab) -> None:
    messages: list[str] = []
    # a slot that throws is logged by Lumino, it is no page error
    page.on("console", lambda message: messages.append(message.text))
    open_notebook(page, lab, "prompts.ipynb")
    expect_types(page, AT_FIRST)
    page.evaluate("window.jupyterapp.commands.execute('docmanager:clone')")
    expect(page.locator(".jp-NotebookPanel")).to_have_count(2)
    expect_types(page, AT_FIRST)
    page.evaluate(_SPEAK_R)
    expect_types(page, [MARKDOWN, MARKDOWN, YAML, R])
    assert [text for text in messages if "RangeError" in text] == []
