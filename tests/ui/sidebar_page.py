"""The extension's own parts of a page: sidebar, status bar, badges, settings, and the palette."""

from __future__ import annotations

import json

from playwright.sync_api import ConsoleMessage, Locator, Page, expect

from ui.notebook_page import Lab, cells, run_cell


def open_sidebar(page: Page) -> Locator:
    """Show the sidebar, as its command does."""
    page.evaluate("window.jupyterapp.commands.execute('orch-nb:open-sidebar')")
    sidebar = page.locator("#orch-nb-sidebar")
    expect(sidebar).to_be_visible()
    return sidebar


def section(sidebar: Locator, name: str) -> Locator:
    """The part of the sidebar with this name, such as ``spend``."""
    return sidebar.locator(f"[data-section={name}]")


def slider(sidebar: Locator, name: str) -> Locator:
    """The slider of a weight."""
    return sidebar.get_by_role("slider", name=name)


def badge(page: Page, index: int) -> Locator:
    """The badge of a cell."""
    return cells(page).nth(index).locator(".jp-OrchBadge")


def result(page: Page, index: int) -> str:
    """Run a cell; its result as text."""
    run_cell(page, index)
    shown = cells(page).nth(index).locator(".jp-OutputArea-executeResult pre")
    return shown.inner_text()


def source(page: Page, index: int) -> str:
    """What a cell says."""
    at = "window.jupyterapp.shell.currentWidget.content.widgets"
    return str(page.evaluate(f"n => {at}[n].model.sharedModel.getSource()", index))


def choose(page: Page, label: str) -> None:
    """Run a command of the extension from the palette."""
    page.keyboard.press("Control+Shift+C")
    field = page.locator(".lm-CommandPalette-input:visible")
    field.fill(label)
    row = page.locator(".lm-CommandPalette-item:visible", has_text=label).first
    expect(row).not_to_have_class("lm-mod-disabled")
    row.click()


def set_user(page: Page, lab: Lab, **values: object) -> None:
    """Give the user these settings of the extension, and no others, before a page is opened."""
    where = f"{lab.url}lab/api/settings/@orch/nb:plugin?token={lab.token}"
    assert page.request.put(where, data={"raw": json.dumps(values)}).ok


def watch_console(page: Page) -> list[str]:
    """Errors of the page from now on: thrown, or logged as such."""
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: errors.append(f"{error}\n{error.stack}"))
    return errors
