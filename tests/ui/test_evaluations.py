"""An evaluation as JupyterLab draws it: the chart by Plotly, in both themes, and as a picture."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from shells.settings import write_settings
from stub.client import Stub
from stub.spec import write
from ui.notebook_page import Lab, cells, open_notebook, run_cell, shoot, write_notebook

pytestmark = pytest.mark.ui

SOURCES = [
    "%load_ext orch_nb\nitems = [(f'What is {n} plus 0?', 42) for n in range(12)]",
    "%orch eval items --models alpha:stub-small,alpha:stub-large -o made",
    "made",
    "%orch report",
]
_THEME = "window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"


@pytest.fixture(scope="module")
def notebooks(stub_process: Stub, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebooks")
    write_settings(folder, stub_process)
    write_notebook(folder / "evaluation.ipynb", SOURCES)
    return folder


def test_an_evaluation_is_a_chart_and_a_table(page: Page, lab: Lab, stub: Stub) -> None:
    stub.models("alpha", ["stub-small", "stub-large"])
    stub.rule("alpha", write("ok", text="41"), model="stub-small")
    stub.rule("alpha", write("ok", text="42"), model="stub-large")
    open_notebook(page, lab, "evaluation.ipynb")
    page.set_viewport_size({"width": 1100, "height": 1900})
    for index in range(len(SOURCES)):
        run_cell(page, index)
    evaluated, shown, report = (cells(page).nth(index) for index in (1, 2, 3))
    chart = evaluated.locator(".js-plotly-plot")
    expect(chart.locator(".scatterlayer .point")).to_have_count(2)
    expect(chart).to_contain_text("alpha:stub-large")
    expect(evaluated).to_contain_text("best: alpha:stub-large")
    picture = shown.locator("img[src^='data:image/svg+xml']")
    expect(picture).to_have_count(1)
    assert picture.evaluate("image => image.naturalWidth") == 640
    expect(report).to_contain_text("0 of 24 answers came from the cache")
    shoot(page, "evaluation")
    page.evaluate(_THEME)
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", "false")
    expect(page.locator("#jupyterlab-splash")).to_have_count(0)
    shoot(page, "evaluation-dark")
