"""The pictures of the README: an answered cell, and the sidebar beside it; ``make pictures``."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from documents import PICTURES
from stub.client import Stub
from stub.spec import write
from ui.notebook_page import (
    SHOTS,
    Lab,
    cells,
    focus_cell,
    open_notebook,
    run_cell,
    write_notebook,
)
from ui.sidebar_page import badge, open_sidebar, section

pytestmark = pytest.mark.ui

SOURCES = [
    '%load_ext orch_nb\nrivers = {"Nile": 6650, "Amazon": 6400, "Yangtze": 6300}  # km',
    "%%orch --strategy balanced\nCompare {{ rivers }} in two sentences.",
    "%%orch --tool sql\nA query for the three longest rivers of `rivers(name, km)`, and no more.",
    "%%orch\nWhich of them reaches the sea in a delta?",
]
#: Made up, as the models that give them.
ANSWERS = {
    "small": "The **Nile** leads with 6650 km, and the *Amazon* follows 250 km behind. The Yangtze "
    "is 350 km shorter than the first, so that all three lie within about 5 % of each other.",
    "large": "```sql\nSELECT name, km FROM rivers ORDER BY km DESC LIMIT 3;\n```",
}


@pytest.fixture(scope="module")
def notebooks(stub_process: Stub, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebooks")
    (folder / "orch.yaml").write_text(
        f"""\
providers:
  demo: {{type: compatible, base_url: "{stub_process.url("demo", "/v1")}", max_retries: 0}}
models:
  "demo:small": {{price: {{input: 0.1, output: 0.4}}, quality: {{analysis: 0.6, code: 0.5}}}}
  "demo:large": {{price: {{input: 5, output: 20}}, quality: {{analysis: 0.85, code: 0.85}}}}
experts: {{sql: "demo:large"}}
budget: {{session: 1}}
probe: false
"""
    )
    write_notebook(folder / "rivers.ipynb", SOURCES)
    return folder


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page with two pixels for one, so that letters are sharp."""
    window = {"width": 1120, "height": 700}
    with browser.new_context(viewport=window, device_scale_factor=2) as context:
        yield context.new_page()


def keep(name: str, shot: bytes) -> None:
    """Write a picture, in few colours, to where the README shows it if it is wanted there."""
    folder = PICTURES if os.environ.get("PICTURES") else SHOTS
    folder.mkdir(exist_ok=True)
    picture = Image.open(io.BytesIO(shot)).convert("RGB")
    picture.quantize(256, dither=Image.Dither.NONE).save(folder / f"{name}.png", optimize=True)


def test_an_answered_cell_and_the_sidebar(page: Page, lab: Lab, stub: Stub) -> None:
    for name, text in ANSWERS.items():
        stub.rule("demo", write("ok", text=text, delay=0.01), model=name)
    stub.models("demo", list(ANSWERS))
    open_notebook(page, lab, "rivers.ipynb")
    page.evaluate("window.jupyterapp.commands.execute('application:toggle-left-area')")
    run_cell(page, 0)
    answered = run_cell(page, 1)
    expect(answered).to_contain_text("demo:small · $0.0")
    expect(badge(page, 1)).to_contain_text("demo:small")
    focus_cell(page, 3)
    top, bottom = cells(page).nth(0).bounding_box(), answered.bounding_box()
    assert top is not None
    assert bottom is not None
    height = bottom["y"] + bottom["height"] - top["y"]
    keep("answer", page.screenshot(clip={**top, "height": height}))
    run_cell(page, 2)
    sidebar = open_sidebar(page)
    focus_cell(page, 3)
    expect(section(sidebar, "ranking").locator("ol > li")).to_have_count(2)
    expect(section(sidebar, "calls").get_by_role("button")).to_have_count(2)
    keep("sidebar", page.screenshot())
