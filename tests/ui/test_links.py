"""The link from page to kernel: what it survives, and what the user's settings do through it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from shells.settings import write_settings
from stub.client import Stub
from ui.notebook_page import Lab, cells, focus_cell, open_notebook, run_cell, write_notebook
from ui.sidebar_page import open_sidebar, result, section, set_user, watch_console

pytestmark = pytest.mark.ui

SOURCES = [
    "%load_ext orch_nb\nimport orch_nb",
    "%%orch -m alpha:stub-small\nName three rivers",
    "orch_nb.session().strategy",
    "import orch_nb; orch_nb.session().strategy",
]
# A kernel in which nothing finds the package.
_BARE = (
    "import sys; sys.modules['orch_nb'] = None; "
    "from ipykernel.kernelapp import launch_new_instance; launch_new_instance()"
)
_RESTART = """async () => {
  await window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart();
}"""


@pytest.fixture(scope="module")
def notebooks(stub_process: Stub, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebooks")
    write_settings(folder, stub_process)
    for name in ("first", "second", "third"):
        write_notebook(folder / f"{name}.ipynb", SOURCES)
    write_notebook(folder / "bare.ipynb", ["1 + 1"], "bare")
    return folder


@pytest.fixture(scope="module")
def lab_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The server offers a kernel without the package besides its own."""
    data = tmp_path_factory.mktemp("data")
    spec = data / "kernels" / "bare" / "kernel.json"
    spec.parent.mkdir(parents=True)
    argv = [sys.executable, "-c", _BARE, "-f", "{connection_file}"]
    spec.write_text(json.dumps({"argv": argv, "display_name": "Bare", "language": "python"}))
    return {"JUPYTER_PATH": str(data)}


@pytest.fixture
def user(page: Page, lab: Lab) -> Iterator[None]:
    """Whatever the test sets is taken back."""
    yield
    set_user(page, lab)


def test_restart_reload_and_other_notebooks(page: Page, lab: Lab) -> None:
    errors = watch_console(page)
    open_notebook(page, lab, "first.ipynb")
    sidebar = open_sidebar(page)
    strategy = sidebar.get_by_label("strategy")
    run_cell(page, 0)
    run_cell(page, 1)
    strategy.select_option("cost")
    assert result(page, 2) == "'cost'"
    page.evaluate(_RESTART)
    expect(sidebar).to_contain_text("%load_ext orch_nb")
    run_cell(page, 0)
    expect(strategy).to_have_value("balanced")
    expect(section(sidebar, "calls")).to_contain_text("nothing was asked yet")
    strategy.select_option("performance")
    assert result(page, 2) == "'performance'"
    page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    open_notebook(page, lab, "first.ipynb")
    sidebar = open_sidebar(page)
    expect(strategy).to_have_value("performance")
    strategy.select_option("cost")
    assert result(page, 2) == "'cost'"
    page.evaluate("window.jupyterapp.commands.execute('docmanager:open', {path: 'second.ipynb'})")
    expect(page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")).to_contain_text("orch_nb")
    expect(page.get_by_role("tab", name="second.ipynb")).to_have_attribute("aria-selected", "true")
    expect(sidebar).to_contain_text("%load_ext orch_nb")
    run_cell(page, 0)
    expect(strategy).to_have_value("balanced")
    run_cell(page, 1)
    expect(section(sidebar, "calls")).to_contain_text("Name three rivers")
    page.get_by_role("tab", name="first.ipynb").click()
    expect(strategy).to_have_value("cost")
    expect(section(sidebar, "calls")).to_contain_text("nothing was asked yet")
    focus_cell(page, 0)
    page.keyboard.press("Control+A")
    page.keyboard.type("%unload_ext orch_nb")
    run_cell(page, 0)
    expect(sidebar).to_contain_text("%load_ext orch_nb")
    assert errors == []


@pytest.mark.usefixtures("user")
def test_a_kernel_without_the_package_is_left_in_peace(page: Page, lab: Lab) -> None:
    set_user(page, lab, autoload=True)
    errors = watch_console(page)
    open_notebook(page, lab, "bare.ipynb")
    sidebar = open_sidebar(page)
    expect(sidebar).to_contain_text("%pip install orch-nb")
    expect(page.locator(".jp-OrchStatus")).to_be_hidden()
    assert result(page, 0) == "2"
    expect(cells(page).first.locator(".jp-InputPrompt")).to_have_text("[1]:")
    expect(sidebar).to_contain_text("%pip install orch-nb")
    assert errors == []


@pytest.mark.usefixtures("user")
def test_settings_reach_the_kernel(page: Page, lab: Lab) -> None:
    set_user(page, lab, autoload=True, strategy="cost", side="left")
    open_notebook(page, lab, "third.ipynb")
    sidebar = open_sidebar(page)
    strategy = sidebar.get_by_label("strategy")
    expect(strategy).to_have_value("cost")
    assert page.locator("#jp-left-stack #orch-nb-sidebar").count() == 1
    assert result(page, 3) == "'cost'"
    strategy.select_option("balanced")
    page.evaluate(_RESTART)
    expect(strategy).to_have_value("cost")
    assert result(page, 3) == "'cost'"
