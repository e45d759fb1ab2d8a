"""Pipelines, chains and batches in JupyterLab: followed while they run, and what they leave."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from shells.settings import write_settings
from stub.client import Stub
from stub.spec import write
from ui.notebook_page import Lab, cells, open_notebook, run_cell, shoot, write_notebook

pytestmark = pytest.mark.ui

_PIPELINE = """\
%%orch_pipeline --input topic=lakes -o run
inputs: {topic: rivers}
steps:
  - {id: outline, prompt: "Outline {{ topic }}", model: "alpha:stub-small"}
  - id: part
    prompt: "On {{ item }}"
    for_each: [depth, fish, ice]
    model: "alpha:stub-large"
    needs: outline
  - {id: never, prompt: "x", when: "topic == 'cats'", model: "alpha:stub-small"}
  - {id: end, prompt: "Join {{ part.text }}", model: "alpha:stub-small"}
outputs: {article: "{{ end }}"}
"""
SOURCES = [
    "%load_ext orch_nb",
    _PIPELINE,
    _PIPELINE.replace("-o run", "--dry-run"),
    "%%orch --chain analysis\nWhy do lakes freeze from the top?",
    "import orch_nb, pandas\ntable = pandas.DataFrame({'city': ['Rome', 'Oslo', 'Bern']})\n"
    "orch_nb.session().map(table, 'About {{ city }}', model='alpha:stub-small')",
    "run['end'].model, len(run['part'])",
]
_DARK = "window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"


@pytest.fixture(scope="module")
def notebooks(stub_process: Stub, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebooks")
    write_settings(folder, stub_process)
    write_notebook(folder / "pipelines.ipynb", SOURCES)
    return folder


def test_a_pipeline_is_followed_and_reported(page: Page, lab: Lab, stub_process: Stub) -> None:
    stub_process.rule("alpha", write("ok", words=60, delay=0.02))
    open_notebook(page, lab, "pipelines.ipynb")
    run_cell(page, 0)
    cell = cells(page).nth(1)
    cell.locator(".jp-Editor, .cm-editor").first.click()
    page.keyboard.press("Control+Enter")
    expect(cell.get_by_text("runs", exact=True).first).to_be_visible()
    shoot(page, "pipeline-runs")
    expect(cell.get_by_role("cell", name="total")).to_be_visible()
    expect(cell.get_by_text("part × 3")).to_be_visible()
    expect(cell.get_by_text("never: its condition does not hold")).to_be_visible()
    expect(cell.get_by_role("img", name="Steps of pipeline")).to_be_visible()
    expect(cell.get_by_text("runs", exact=True)).to_have_count(0)
    shoot(page, "pipeline-done")
    planned = run_cell(page, 2)
    expect(planned.get_by_text("nothing was sent")).to_be_visible()
    planned.get_by_text("Mermaid diagram").click()
    expect(planned.get_by_text("flowchart TD")).to_be_visible()
    shoot(page, "pipeline-plan")
    chained = run_cell(page, 3)
    expect(chained.get_by_role("cell", name="reviewer")).to_be_visible()
    shoot(page, "chain-done")
    mapped = run_cell(page, 4)
    expect(mapped.get_by_role("columnheader", name="answer")).to_be_visible()
    shoot(page, "batch-done")
    expect(run_cell(page, 5).get_by_text("('alpha:stub-small', 3)")).to_be_visible()
    page.evaluate(_DARK)
    expect(page.locator("body[data-jp-theme-light='false']")).to_be_attached()
    cell.scroll_into_view_if_needed()
    shoot(page, "pipeline-dark")
