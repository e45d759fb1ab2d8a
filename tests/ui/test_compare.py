"""Comparisons, blind votes and reruns as JupyterLab draws them: live, complete, in both themes."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from shells.settings import write_settings
from stub.client import Stub
from stub.spec import write
from ui.notebook_page import (
    MILLISECONDS,
    Lab,
    cells,
    focus_cell,
    open_notebook,
    run_cell,
    shoot,
    write_notebook,
)

pytestmark = pytest.mark.ui

SMALL = """\
The **Elbe** is 1,094 km long.

| river | km |
|---|---:|
| Elbe | 1,094 |
| Oder | 840 |
"""
LARGE = """\
## Rivers

The *Rhine* is 1,233 km long; see `rivers.csv`.

```python
def longest(rivers: dict[str, float]) -> str:
    return max(rivers, key=rivers.get)  # the name of the longest of them all, whatever it is
```

- Its length is $\\ell = 1233$ km.
- <img src=x onerror="window.hacked=1"> <script>window.hacked=1</script>
"""
THIRD = "words " * 60
MODELS = "alpha:stub-small,alpha:stub-large,alpha:stub-third"
SOURCES = [
    "%load_ext orch_nb",
    f"%%orch --no-cache --compare {MODELS}\nHow long are rivers?",
    f"%%orch --compare {MODELS}\nHow long are rivers?",
    f"%%orch --compare {MODELS} --blind\nHow long are rivers?",
    "%orch compare vote B",
    "%orch -m alpha:stub-small Describe the Elbe.",
    "%orch rerun -m alpha:stub-large",
    "%orch --compare 3 --dry-run How long are rivers?",
]
LIVE, TABLE, BLIND, VOTE, FIRST, RERUN, DRY = range(1, 8)
_THEME = "window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab %s'})"
_IS_LIGHT = {"Light": "true", "Dark": "false"}


@pytest.fixture(scope="module")
def notebooks(stub_process: Stub, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebooks")
    write_settings(folder, stub_process)
    write_notebook(folder / "compare.ipynb", SOURCES)
    return folder


def talk(stub: Stub, delay: float) -> None:
    """Have three models answer differently, one of them not at all."""
    stub.models("alpha", ["stub-small", "stub-large", "stub-third"])
    stub.rule("alpha", write("ok", text=SMALL, delay=delay), model="stub-small")
    stub.rule("alpha", write("ok", text=LARGE, delay=delay), model="stub-large")
    stub.rule("alpha", write("ok", text=THIRD, delay=delay), model="stub-third")


def in_both_themes(page: Page, name: str) -> None:
    for theme in ("Light", "Dark"):
        page.evaluate(_THEME % theme)
        expect(page.locator("body")).to_have_attribute("data-jp-theme-light", _IS_LIGHT[theme])
        expect(page.locator("#jupyterlab-splash")).to_have_count(0)
        shoot(page, f"{name}-{theme.lower()}")
    page.evaluate(_THEME % "Light")


def test_compare_vote_and_rerun(page: Page, lab: Lab, stub: Stub) -> None:
    talk(stub, 0.1)
    stub.rule("alpha", write("ok", words=400, delay=0.1), model="stub-third")
    open_notebook(page, lab, "compare.ipynb")
    page.set_viewport_size({"width": 1300, "height": 1000})
    run_cell(page, 0)
    live = focus_cell(page, LIVE)
    page.keyboard.press("Control+Enter")
    expect(live.locator("th").nth(2)).to_have_text("alpha:stub-third", timeout=MILLISECONDS)
    expect(live).to_contain_text("gamma", timeout=MILLISECONDS)
    expect(live).to_contain_text("the longest of", timeout=MILLISECONDS)
    shoot(page, "compare-live")
    page.evaluate("window.jupyterapp.commands.execute('notebook:interrupt-kernel')")
    expect(live).to_contain_text("Interrupted: stopped; 1 of 3 answers", timeout=MILLISECONDS)
    expect(live).to_contain_text("interrupted")
    shoot(page, "compare-stopped")

    talk(stub, 0.0)
    stub.rule("alpha", "500", model="stub-third")
    complete = run_cell(page, TABLE)
    expect(complete.locator("table").first).to_have_count(1)
    expect(complete).to_contain_text("2 of 3 answered · billed $")
    expect(complete.locator(".orch-answer")).to_have_count(2)
    complete.scroll_into_view_if_needed()
    in_both_themes(page, "compare-table")
    assert page.evaluate("window.hacked") is None


def test_a_narrow_window_scrolls(page: Page, lab: Lab, stub: Stub) -> None:
    talk(stub, 0.0)
    open_notebook(page, lab, "compare.ipynb")
    page.set_viewport_size({"width": 760, "height": 900})
    run_cell(page, 0)
    complete = run_cell(page, TABLE)
    region = complete.get_by_role("region", name="answers side by side")
    assert region.evaluate("r => r.scrollWidth > r.clientWidth")
    complete.locator(".jp-OutputArea").last.scroll_into_view_if_needed()
    shoot(page, "compare-narrow")


def test_a_blind_vote_and_a_rerun(page: Page, lab: Lab, stub: Stub) -> None:
    talk(stub, 0.0)
    open_notebook(page, lab, "compare.ipynb")
    page.set_viewport_size({"width": 1300, "height": 1900})
    for index in (0, BLIND):
        run_cell(page, index)
    blind = cells(page).nth(BLIND)
    expect(blind).to_contain_text("which is best?")
    expect(blind.get_by_role("button", name="B", exact=True)).to_be_visible()
    assert "stub-" not in (blind.locator(".jp-OutputArea").inner_text())
    in_both_themes(page, "compare-blind")
    for index in (VOTE, FIRST, RERUN, DRY):
        run_cell(page, index)
    vote, rerun = cells(page).nth(VOTE), cells(page).nth(RERUN)
    expect(vote.locator("th")).to_contain_text(["A · alpha", "your vote", "C · alpha"])
    expect(rerun.locator("del").first).to_contain_text("−")
    expect(rerun.locator("ins").first).to_contain_text("+")
    expect(rerun).to_contain_text("difference")
    expect(cells(page).nth(DRY)).to_contain_text(
        "3 answers; the cost is unknown: no price of alpha:stub-third"
    )
    in_both_themes(page, "compare-voted")
    assert page.evaluate("window.hacked") is None


def test_a_button_votes(page: Page, lab: Lab, stub: Stub) -> None:
    talk(stub, 0.0)
    open_notebook(page, lab, "compare.ipynb")
    page.set_viewport_size({"width": 1300, "height": 1000})
    run_cell(page, 0)
    blind = run_cell(page, BLIND)
    shoot(page, "compare-buttons")
    blind.get_by_role("button", name="C", exact=True).click()
    expect(blind.locator("td").filter(has_text="your vote")).to_contain_text("C · alpha:stub-")
    expect(blind).to_contain_text("it counts for chat from the next choice on")
    expect(blind.get_by_role("button", name="C", exact=True)).to_have_count(0)
    blind.locator(".jp-OutputArea-output").last.scroll_into_view_if_needed()
    shoot(page, "compare-pressed")
