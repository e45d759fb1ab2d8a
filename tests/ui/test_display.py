"""Answers in all their forms as JupyterLab draws them: in the background, as HTML, as diagrams."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from notebook.test_diagrams import FLOW, HOSTILE, SEQUENCE, fence
from orch_nb.notebook.diagrams import diagrams
from shells.settings import write_settings
from stub.client import Stub
from stub.spec import write
from ui.notebook_page import Lab, cells, focus_cell, open_notebook, run_cell, shoot, write_notebook
from ui.test_answers import _IS_LIGHT, _THEME, outputs
from ui.test_hostile_answers import Sink, sink, watch

__all__ = ["sink"]  # a fixture
pytestmark = pytest.mark.ui

HTML = (
    "<h2>Rivers</h2><p onclick=x style='position:fixed'>The <b>Rhine</b> costs $5, or "
    "<a href='https://example.org/a?b'>more</a>.</p><img src='https://example.org/x.png' alt=map>"
    "<table><tr><th>river</th><th>km</th></tr><tr><td>Rhine</td><td>1233</td></tr></table>"
    "<script>window.ran = 1</script>"
)
LATEX = r"\int_0^\infty e^{-x^2}\,dx = \frac{\sqrt{\pi}}{2}"
LONG = "\n\n".join(f"## Part {n}\n\n" + "A sentence of the story. " * 60 for n in range(20))
FORMS = [
    "%load_ext orch_nb",
    "%orch --no-cache -f text Plain, please.",
    "%orch --no-cache -f html As a page.",
    "%orch --no-cache -f json As data.",
    "%orch --no-cache -f latex As a formula.",
    "%orch --no-cache Draw it.",
    "%orch --no-cache Tell all of it.",
    "%orch history\n",
    "%orch cache",
    "%orch tools",
    "%orch --no-cache -f code Write it.",
]
TEXTS = [
    "# No *heading* and <b>no</b> markup: $5\n  indented",
    HTML,
    '```json\n{"river": "Rhine", "km": 1233, "through": ["CH", "DE", "NL"]}\n```',
    LATEX,
    fence(FLOW, SEQUENCE, "flowchart TD\n A-->B\n click A"),
    LONG,
]
DRAWN, FOLDED, HISTORY, CODE = 5, 6, 7, 10
BACKGROUND = [
    "%load_ext orch_nb",
    "%%orch --background -o first --no-cache\nA long answer.",
    "%%orch --background -o second --no-cache\nAnother one.",
    "1 + 1",
    "first.result().model",
    "%orch --background --no-cache This fails.",
]
THUMBS = [
    "%load_ext orch_nb\nimport orch_nb\nsession = orch_nb.session()\nsession.change(thumbs=True)",
    "%orch --no-cache Name three rivers.",
    "%orch --no-cache Name three lakes.",
    "tracks = session.experience.tracks()\n[t.quality['chat'].mean for t in tracks.values()]",
]
DIAGRAMS = (
    "import json, pathlib\nfrom orch_nb.notebook.display import show\n"
    "for one in json.loads(pathlib.Path('diagrams.json').read_text()):\n    show(one)"
)
_LABEL = "flowchart TD\n A[\"<img src='http://{host}/label.png'>\"]-->B"


@pytest.fixture(scope="module")
def notebooks(stub_process: Stub, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebooks")
    write_settings(folder, stub_process)
    write_notebook(folder / "forms.ipynb", FORMS)
    write_notebook(folder / "background.ipynb", BACKGROUND)
    write_notebook(folder / "diagrams.ipynb", [DIAGRAMS])
    write_notebook(folder / "thumbs.ipynb", THUMBS)
    return folder


def in_both_themes(page: Page, name: str) -> None:
    for theme in ("Light", "Dark"):
        page.evaluate(_THEME % theme)
        expect(page.locator("body")).to_have_attribute("data-jp-theme-light", _IS_LIGHT[theme])
        page.wait_for_timeout(500)  # diagrams are drawn anew
        shoot(page, f"{name}-{theme.lower()}")


def pictures(cell: Locator) -> Locator:
    return cell.locator(".jp-RenderedMermaid img")


def test_every_form_of_an_answer(page: Page, lab: Lab, stub: Stub) -> None:
    stub.plan("alpha", *(write("ok", text=text) for text in [*TEXTS, TEXTS[DRAWN - 1]]))
    open_notebook(page, lab, "forms.ipynb")
    page.set_viewport_size({"width": 1100, "height": 2300})
    for index in range(CODE):
        run_cell(page, index)
    expect(outputs(cells(page).nth(1)).last).to_contain_text("# No *heading* and <b>no</b>")
    html = outputs(cells(page).nth(2)).last
    expect(html.locator("h2")).to_have_text("Rivers")
    expect(html).to_contain_text("more (example.org)")
    expect(html).to_contain_text("[image not loaded: map https://example.org/x.png]")
    expect(html.locator("img, script, mjx-container")).to_have_count(0)
    expect(cells(page).nth(3).locator(".orch-number")).to_have_text("1233")
    expect(cells(page).nth(4).locator("mjx-container")).to_have_count(1)
    drawn = cells(page).nth(DRAWN)
    expect(pictures(drawn)).to_have_count(2)
    expect(drawn).to_contain_text("diagram 3 stays code: it holds a link")
    assert page.evaluate("window.ran") is None
    folded = cells(page).nth(FOLDED).locator("details")
    expect(folded.locator("summary")).to_have_text("… the rest of the answer")
    expect(folded).not_to_have_attribute("open", "")
    expect(cells(page).nth(HISTORY)).to_contain_text("Tell all of it.")
    in_both_themes(page, "forms-history")
    run_cell(page, DRAWN)  # in the dark: diagrams do not follow the theme by themselves
    shoot(page, "forms-diagrams-dark")
    focus_cell(page, 0)
    in_both_themes(page, "forms")


def test_code_comes_into_a_new_cell_that_has_not_run(page: Page, lab: Lab, stub: Stub) -> None:
    code = "from pathlib import Path\nPath('ran').touch()"
    stub.plan("alpha", write("ok", text=f"Here:\n```python\n{code}\n```\nRun it."))
    open_notebook(page, lab, "forms.ipynb")
    run_cell(page, 0)
    count = cells(page).count()
    run_cell(page, CODE)
    expect(cells(page)).to_have_count(count + 1)
    added = cells(page).nth(CODE + 1)
    expect(added.locator(".cm-content")).to_contain_text("Path('ran').touch()")
    expect(added.locator(".jp-InputPrompt").first).to_have_text("[ ]:")
    assert not (lab.root / "ran").exists()
    shoot(page, "new-cell")


def test_answers_in_the_background(page: Page, lab: Lab, stub: Stub) -> None:
    stub.rule("alpha", write("ok", words=150, delay=0.05))
    open_notebook(page, lab, "background.ipynb")
    page.set_viewport_size({"width": 1100, "height": 1000})
    first, second = cells(page).nth(1), cells(page).nth(2)
    for index in range(4):
        run_cell(page, index)
    expect(first).to_contain_text("tokens so far")
    expect(outputs(cells(page).nth(3))).to_have_text("2")
    buttons = page.locator(".jp-OutputArea-output button", has_text="Cancel")
    expect(buttons).to_have_count(2)
    in_both_themes(page, "background-under-way")
    second.locator("button", has_text="Cancel").click()
    expect(outputs(second).first).to_contain_text("Interrupted: stopped; the connection is closed")
    run_cell(page, 4)
    expect(outputs(cells(page).nth(4))).to_have_text("'alpha:stub-small'")
    expect(first).to_contain_text("alpha:stub-small · $")
    expect(buttons).to_have_count(0)
    stub.rule("alpha", write("quota"))
    failed = run_cell(page, 5)
    expect(outputs(failed).first).to_contain_text("QuotaSpent: alpha:stub-small: the account has")
    in_both_themes(page, "background-done")
    stub.wait_idle()


def test_thumbs(page: Page, lab: Lab, stub: Stub) -> None:
    open_notebook(page, lab, "thumbs.ipynb")
    page.set_viewport_size({"width": 1100, "height": 700})
    for index in range(3):
        run_cell(page, index)
    answered, other = cells(page).nth(1), cells(page).nth(2)
    expect(page.get_by_role("button", name="good")).to_have_count(2)
    other.get_by_role("button", name="bad").click()
    expect(other).to_contain_text("rated down: counts for chat from the next choice on")
    expect(other.get_by_role("button", name="bad")).to_have_count(0)
    expect(answered.get_by_role("button", name="good")).to_have_count(1)
    rated = run_cell(page, 3)
    expect(outputs(rated)).to_have_text("[0.0]")
    in_both_themes(page, "thumbs")


def test_diagrams_load_nothing(page: Page, lab: Lab, notebooks: Path, sink: Sink) -> None:
    """Beside it what would happen to a diagram that nobody looked at, or this test saw nothing."""
    raw = {"text/vnd.mermaid": _LABEL.format(host=sink.host), "text/plain": ""}
    texts = [fence(source) for each in HOSTILE.values() for source in each]
    harmless = [bundle for text in [fence(FLOW), *texts] for bundle in diagrams(text)[0]]
    (notebooks / "diagrams.json").write_text(json.dumps(harmless), encoding="utf-8")
    open_notebook(page, lab, "diagrams.ipynb")
    events = watch(page)
    cell = run_cell(page, 0)
    expect(pictures(cell)).to_have_count(1)
    assert (sink.heard, events) == ([], [])
    (notebooks / "diagrams.json").write_text(json.dumps([raw]), encoding="utf-8")
    with page.expect_response("**/label.png"):
        run_cell(page, 0)
    assert sink.heard == ["/label.png"]
