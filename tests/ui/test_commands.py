"""The commands' tables as JupyterLab draws them."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from shells.settings import write_settings
from stub.client import Stub
from ui.notebook_page import Lab, cells, open_notebook, run_cell, shoot, write_notebook

pytestmark = pytest.mark.ui

# What each command must say, wherever it stands.
SAID = {
    "%orch models": ["alpha:stub-small", "$0.10", "more"],
    "%orch models alpha:stub-small": ["context", "capabilities", "settings"],
    "%orch providers": ["alpha", "compatible", "none needed", "sim"],
    "%orch doctor": ["settings", "no paid call was made"],
    "%orch keys": ["provider", "from"],
}


@pytest.fixture(scope="module")
def notebooks(stub_process: Stub, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebooks")
    write_settings(folder, stub_process)
    write_notebook(folder / "commands.ipynb", ["%load_ext orch_nb", *SAID])
    return folder


def test_commands_are_tables(page: Page, lab: Lab, stub: Stub) -> None:
    stub.models("alpha", ["stub-small", "stub-large", "text-embedding-3-small"])
    open_notebook(page, lab, "commands.ipynb")
    page.set_viewport_size({"width": 1100, "height": 1500})
    run_cell(page, 0)
    for index, words in enumerate(SAID.values(), start=1):
        run_cell(page, index)
        output = cells(page).nth(index).locator(".jp-OutputArea-output")
        for word in words:
            expect(output).to_contain_text(word)
        expect(output.locator("table")).to_have_count(1)
    assert not [entry for entry in stub.log() if entry.wire == "chat"]
    shoot(page, "commands")
