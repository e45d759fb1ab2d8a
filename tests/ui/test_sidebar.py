"""The sidebar and the status bar in JupyterLab: what the kernel knows, and what it is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from stub.client import Stub
from stub.spec import write
from ui.notebook_page import (
    Lab,
    cells,
    darken,
    focus_cell,
    open_notebook,
    run_cell,
    shoot,
    write_notebook,
)
from ui.sidebar_page import open_sidebar, result, section, slider, watch_console

pytestmark = pytest.mark.ui

_UNTIL = """\
import time
s, ends = orch_nb.session(), time.monotonic() + 40
while s.strategy != "weighted" or s.weights.quality < 0.99:
    if time.monotonic() > ends:
        raise TimeoutError
    time.sleep(0.01)
print("heard", time.time())"""
SOURCES = [
    "%load_ext orch_nb\nimport orch_nb",
    "%%orch -m alpha:stub-small\nName three rivers",
    _UNTIL,
    "s.weights, s.strategy",
    "%%orch -m alpha:stub-large\nName all rivers",
    "%%orch --tool planner --out r\nPlan a trip",
    "r.model",
    "%%orch --out r\nName a lake",
    "r.model",
    "%%orch\n",
    "1 + 1",
]
#: What a server may call its models.
HOSTILE = (
    "<img/src=x/onerror=window.ran='img'>",
    "</script><script>window.ran='script'</script>",
    "a\u202eb\u200bc\u009b",
)
_ACTIVE = "window.jupyterapp.shell.currentWidget.content.activeCellIndex"


@pytest.fixture(scope="module")
def notebooks(stub_process: Stub, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebooks")
    (folder / "orch.yaml").write_text(
        f"""\
providers:
  alpha: {{type: compatible, base_url: "{stub_process.url("alpha", "/v1")}", max_retries: 0}}
models:
  "alpha:stub-large": {{price: {{input: 2, output: 10}}}}
  "alpha:stub-small": {{price: {{input: 0.1, output: 0.5}}}}
fallback: fail
probe: false
budget: {{session: 1.5}}
"""
    )
    write_notebook(folder / "asking.ipynb", SOURCES)
    write_notebook(folder / "telling.ipynb", SOURCES)
    write_notebook(folder / "hostile.ipynb", [SOURCES[0], "%orch models --refresh", SOURCES[1]])
    return folder


def test_what_was_asked_is_seen_and_found_again(page: Page, lab: Lab, stub: Stub) -> None:
    errors = watch_console(page)
    open_notebook(page, lab, "asking.ipynb")
    sidebar = open_sidebar(page)
    expect(sidebar).to_contain_text("%load_ext orch_nb")
    run_cell(page, 0)
    expect(section(sidebar, "calls")).to_contain_text("nothing was asked yet")
    run_cell(page, 1)
    expect(section(sidebar, "spend")).to_contain_text(re.compile(r"\$0\.0+\d.* / \$1\.50"))
    row = section(sidebar, "models").locator("[data-model='alpha:stub-small']")
    expect(row).to_contain_text("1 call")
    expect(row).to_contain_text(re.compile(r"p50 (<0\.1|\d)"))
    call = section(sidebar, "calls").get_by_role("button")
    expect(call).to_contain_text("1. Name three rivers")
    expect(call).to_contain_text("alpha:stub-small · $0.0")
    expect(page.locator(".jp-OrchStatus")).to_have_text(re.compile(r"^balanced · \$0.* / \$1\.50$"))
    asked = len(stub.log())
    focus_cell(page, 9)
    page.keyboard.press("Control+End")
    page.keyboard.type("Explain why lakes freeze from the top")
    ranked = section(sidebar, "ranking").locator("ol > li")
    expect(ranked).to_have_count(2)
    expect(ranked.first).to_contain_text("alpha:stub-")
    assert [e for e in stub.log()[asked:] if e.method == "POST"] == []
    call.click()
    page.wait_for_function(f"() => {_ACTIVE} === 1")
    expect(cells(page).nth(1)).to_be_in_viewport()
    focus_cell(page, 10)
    expect(ranked).to_have_count(0)
    focus_cell(page, 9)
    expect(ranked).to_have_count(2)
    shoot(page, "sidebar-light")
    page.get_by_title("Models: spend, choice, calls").last.click()
    expect(sidebar).to_be_hidden()
    page.locator(".jp-OrchStatus button").click()
    expect(sidebar).to_be_visible()
    darken(page)
    shoot(page, "sidebar-dark")
    assert errors == []


def test_what_is_moved_counts_at_once_even_while_a_cell_runs(
    page: Page, lab: Lab, stub: Stub
) -> None:
    open_notebook(page, lab, "telling.ipynb")
    sidebar = open_sidebar(page)
    run_cell(page, 0)
    expect(sidebar.get_by_label("strategy")).to_have_value("balanced")
    waits = focus_cell(page, 2)
    page.keyboard.press("Control+Enter")
    expect(waits.locator(".jp-InputPrompt")).to_have_text("[*]:")
    sidebar.get_by_label("strategy").select_option("weighted")
    slider(sidebar, "quality").press("End")
    expect(waits).to_contain_text("heard")
    assert result(page, 3) == "(Weights(cost=0.0, quality=1.0, speed=0.0), 'weighted')"
    slider(sidebar, "quality").press("ArrowLeft")
    expect(slider(sidebar, "cost")).to_have_attribute("aria-valuetext", re.compile(r"^\d+ %$"))
    assert "quality=0.99" in result(page, 3)
    stub.rule("alpha", write("ok", words=1000, delay=0.05))
    streams = focus_cell(page, 4)
    page.keyboard.press("Control+Enter")
    stop = sidebar.get_by_role("button", name="Stop")
    expect(sidebar.get_by_role("status")).to_contain_text("asking alpha:stub-large")
    expect(page.locator(".jp-OrchStatus")).to_contain_text("busy")
    shoot(page, "sidebar-busy")
    stop.press("Enter")
    expect(streams).to_contain_text("Interrupted")
    expect(sidebar.get_by_role("status")).to_have_text("idle")
    expect(stop).to_be_disabled()
    stub.rule("alpha", "ok")
    sidebar.get_by_label("planner").select_option("alpha:stub-large")
    small = sidebar.get_by_role("switch", name="alpha:stub-small")
    small.press("Space")
    expect(small).not_to_be_checked()
    expect(section(sidebar, "models").locator(".jp-mod-off")).to_have_count(1)
    run_cell(page, 5)
    assert result(page, 6) == "'alpha:stub-large'"
    run_cell(page, 7)
    assert result(page, 8) == "'alpha:stub-large'"
    small.press("Space")
    expect(small).to_be_checked()
    sidebar.get_by_label("planner").select_option("")
    sidebar.get_by_label("strategy").select_option("cost")  # how fast both were is chance
    run_cell(page, 5)
    assert result(page, 6) == "'alpha:stub-small'"


def test_names_are_text_and_controls_have_names(page: Page, lab: Lab, stub: Stub) -> None:
    stub.models("alpha", [*HOSTILE, "stub-small"])
    open_notebook(page, lab, "hostile.ipynb")
    sidebar = open_sidebar(page)
    for index in range(3):
        run_cell(page, index)
    shoot(page, "sidebar-hostile")
    for name in HOSTILE[:2]:
        expect(section(sidebar, "models")).to_contain_text(name)
    expect(section(sidebar, "models")).to_contain_text("a\\u202eb\\u200bc\\x9b")
    assert sidebar.locator("img, script").count() == 0
    assert page.evaluate("window.ran") is None
    unnamed = sidebar.locator("input, select, button").evaluate_all(
        """all => all.filter(one => !one.textContent.trim() && !one.getAttribute('aria-label')
          && !one.labels?.[0]?.textContent.trim()).map(one => one.outerHTML)"""
    )
    assert unnamed == []
    expect(sidebar).to_have_role("region")
    expect(sidebar.get_by_role("meter", name="this session")).to_be_visible()
    for name in ("cost", "quality", "speed"):
        expect(slider(sidebar, name)).to_be_visible()
    for name in ("Spend", "Choice", "This prompt", "Models", "Experts", "Last calls"):
        expect(sidebar.get_by_role("heading", name=name)).to_be_visible()
    heading = section(sidebar, "choice").locator("summary")
    heading.press("Enter")
    expect(slider(sidebar, "cost")).to_be_hidden()
    heading.press("Enter")
    heading.press("Tab")
    expect(sidebar.get_by_label("strategy")).to_be_focused()
    page.keyboard.press("Tab")
    expect(slider(sidebar, "cost")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(sidebar.get_by_label("strategy")).to_have_value("balanced")
    shoot(page, "sidebar-hostile")
