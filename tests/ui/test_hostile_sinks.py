"""Hostile models, answers and errors wherever they are shown: in JupyterLab, and in its export."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from shells.settings import write_settings
from stub.client import Stub
from stub.spec import write
from ui.notebook_page import MILLISECONDS, Lab, cells, open_notebook, run_cell, write_notebook
from ui.test_hostile_answers import CASES, Sink, sink, text_of, watch

__all__ = ["sink"]

pytestmark = pytest.mark.ui

#: What a server may call its models: no spaces, so that they can be asked for.
NAMES = (
    "<img/src=x/onerror=window.ran='img'>",
    "</script><script>window.ran='script'</script>",
    "\"onmouseover=window.ran='attribute'//",
    "<iframe/src=http://{HOST}/frame></iframe>",
    "<svg/onload=window.ran='svg'>",
    "![x](http://{HOST}/picture.png)[y](javascript:window.ran='link')",
    "$\\href{javascript:window.ran='math'}{x}$",
    "<a/href=javascript:window.ran='anchor'>z</a>",
    "<link/rel=stylesheet/href=http://{HOST}/style.css>",
    "{{7*7}}`${window.ran='template'}`",
)
ERROR = "<img src=http://{HOST}/error.png onerror=window.ran='error'></script><script>window.ran=2"
_ASK = """\
import json, pathlib, orch_nb
from orch_nb.errors import OrchError
s = orch_nb.session()
names, answers, marks = json.loads(pathlib.Path("filled.json").read_text())
ids = [f"alpha:{name}" for name in names]
for number, prompt in enumerate(answers):
    s.ask(prompt, model=ids[number % len(ids)])
for one in ids:
    s.ask("short", model=["alpha:down", one])"""
SOURCES = [
    "%load_ext orch_nb",
    _ASK,
    "get_ipython().run_cell_magic('orch', '', answers[3])",
    "s.ask('once more', model=['alpha:down', ids[0]])",
    "s.ask(answers[0], model='alpha:down')",
    "get_ipython().run_line_magic('orch', '-m ' + ids[1])",
    "s.ask('x', model=ids[2] + marks)",
    "%orch models --refresh",
    "%orch providers",
    "%orch doctor",
    "%orch why",
    "%orch why 1",
    "%orch history",
    "%orch costs",
    "%orch report",
    "%orch report --out made.html",
    "%orch cache",
    "%orch budget",
    "%orch tools",
    "%orch config",
    "%orch_select hello",
    "s.select(answers[1], model=ids)",
    "s.compare(answers[2], ids[:3])",
    "%orch compare",
    "s.compare(answers[4], ids[3:6], blind=True)",
    "s.evaluate([(a, marks) for a in answers[:4]], ids[:4])",
    "s.map(answers[:3], '{{ item }}', model=ids[5], confirm=lambda plan: True)",
    "s.ledger.to_pandas()",
    "s.ledger.last",
    "s.report()",
    "%orch panel",
]
_SWITCHES = ".lm-TabBar-tab, .p-TabBar-tab, .jupyter-widget-tab > .lm-TabBar .lm-TabBar-tab"


@pytest.fixture(scope="module")
def notebooks(stub_process: Stub, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebooks")
    write_settings(folder, stub_process)
    write_notebook(folder / "hostile.ipynb", SOURCES)
    return folder


@pytest.fixture
def filled(stub: Stub, sink: Sink, notebooks: Path) -> list[str]:
    """The models of a server whose every word is hostile, and their answers, as prompts."""
    names = [name.replace("{HOST}", sink.host) for name in NAMES]
    texts = [text_of(case, sink) for case in CASES if "text" in case][: 4 * len(names)]
    stub.models("alpha", [*names, "down"])
    for name, text in zip(names, texts, strict=False):
        stub.rule("alpha", write("ok", text=text), model=escaped(name))
    error = ERROR.replace("{HOST}", sink.host)
    stub.rule("alpha", write("400", code=error, msg=error), model="down")
    marks = "\x1b[31m\u202e\x9b"
    (notebooks / "filled.json").write_text(json.dumps([names, texts, marks]), encoding="utf-8")
    return names


def escaped(name: str) -> str:
    """`name` as a glob that matches nothing else."""
    return "".join(f"[{letter}]" if letter in "[]*?" else letter for letter in name)


def quiet(page: Page, sink: Sink, events: list[str]) -> Callable[[str], None]:
    def check(where: str) -> None:
        page.wait_for_timeout(300)  # for what a typesetter or a loader would still do
        assert (where, page.evaluate("window.ran"), sink.heard, events) == (where, None, [], [])

    return check


@pytest.mark.usefixtures("filled")
def test_nothing_runs_and_nothing_is_fetched(
    page: Page, lab: Lab, notebooks: Path, sink: Sink
) -> None:
    open_notebook(page, lab, "hostile.ipynb")
    page.set_viewport_size({"width": 1300, "height": 1500})
    check = quiet(page, sink, watch(page))
    for index, source in enumerate(SOURCES):
        run_cell(page, index)
        check(source)
    shown = cells(page).nth(SOURCES.index("%orch models --refresh"))
    expect(shown).to_contain_text("onerror=window.ran", timeout=MILLISECONDS)
    tabs = cells(page).last.locator(_SWITCHES)
    for place in range(tabs.count()):
        tabs.nth(place).click()
        check(f"tab {place}")
    for element in cells(page).locator(".js-plotly-plot .point, .bars .point").all()[:20]:
        if element.is_visible():
            element.hover(force=True)
    check("hovering")
    page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_timeout(1000)
    saved = notebooks / "hostile.ipynb"
    assert "onerror" in saved.read_text(encoding="utf-8")
    page.goto("about:blank")
    exported(saved)
    again = quiet(page, sink, watch(page)[:0])
    for name in ("exported.html", "made.html"):
        page.goto(f"{lab.url}files/{name}?token={lab.token}")
        again(name)


def exported(notebook: Path) -> None:
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--embed-images"]
    # Its template loads these from elsewhere; nothing that we show needs them.
    scripts = ("mathjax", "require_js", "jquery", "mermaid_js", "widget_renderer")
    command += [f"--HTMLExporter.{name}_url=data:text/javascript," for name in scripts]
    command += ["--output", "exported.html", str(notebook)]
    subprocess.run(command, check=True, capture_output=True)
