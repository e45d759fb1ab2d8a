"""What a person does with a notebook in JupyterLab, as seen through a Playwright page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

SHOTS = Path(__file__).parent / "shots"
#: How long a page may take to show what it should. A second is usual; a busy machine is slow.
MILLISECONDS = 120_000

_KERNEL_IS_IDLE = """() => {
  const kernel = window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel;
  return kernel?.status === 'idle' && kernel.connectionStatus === 'connected';
}"""

_DARK = "window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: its address (ends in a slash), token, served folder and log file."""

    url: str
    token: str
    root: Path
    log: Path


def write_notebook(path: Path, sources: Iterable[str], name: str = "python3") -> None:
    """Write a notebook of code cells. It names its kernel: Lab would ask for one otherwise."""
    kernel = {"name": name, "display_name": "Python 3", "language": "python"}
    blank: dict[str, object] = {
        "cell_type": "code",
        "metadata": {},
        "execution_count": None,
        "outputs": [],
    }
    notebook = {
        "nbformat": 4,
        "nbformat_minor": 4,
        "metadata": {"kernelspec": kernel},
        "cells": [blank | {"source": source} for source in sources],
    }
    path.write_text(json.dumps(notebook), encoding="utf-8")


def open_notebook(page: Page, lab: Lab, name: str) -> None:
    """Open a notebook of the served folder in a fresh workspace; returns when its kernel idles."""
    page.goto(f"{lab.url}lab/tree/{name}?token={lab.token}&reset")
    cells(page).first.wait_for(timeout=MILLISECONDS)
    page.wait_for_function(_KERNEL_IS_IDLE, timeout=MILLISECONDS)


def open_notebook7(page: Page, lab: Lab, name: str) -> None:
    """Open a notebook of the served folder in Notebook 7; returns when its kernel idles."""
    page.goto(f"{lab.url}notebooks/{name}?token={lab.token}")
    cells(page).first.wait_for(timeout=MILLISECONDS)
    page.wait_for_function(_KERNEL_IS_IDLE, timeout=MILLISECONDS)


def cells(page: Page) -> Locator:
    """Return the cells of the notebook in front, in order."""
    return page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook .jp-Cell")


def focus_cell(page: Page, index: int) -> Locator:
    """Put the cursor into a code cell."""
    cell = cells(page).nth(index)
    cell.scroll_into_view_if_needed()
    cell.locator(".cm-content").click()
    return cell


def run_cell(page: Page, index: int) -> Locator:
    """Run a code cell as the keyboard does; returns the cell when it has a number."""
    cell = focus_cell(page, index)
    page.keyboard.press("Control+Enter")
    prompt = cell.locator(".jp-InputPrompt").first
    expect(prompt).to_have_text(re.compile(r"\[\d+\]"), timeout=MILLISECONDS)
    return cell


def darken(page: Page) -> None:
    """Change to the dark theme."""
    page.evaluate(_DARK)
    expect(page.locator("body[data-jp-theme-light='false']")).to_be_attached()
    expect(page.locator("#jupyterlab-splash")).to_have_count(0)


def shoot(page: Page, name: str) -> None:
    """Leave a screenshot for a person to look at."""
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png")
