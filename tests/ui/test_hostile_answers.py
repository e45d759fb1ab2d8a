"""Hostile answers in a real browser: no script runs, nothing is fetched, nothing pops up."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from orch_nb.notebook import render
from ui.notebook_page import MILLISECONDS, Lab, open_notebook, run_cell, shoot, write_notebook

pytestmark = pytest.mark.ui

DATA = Path(__file__).parents[1] / "data"
CASES = json.loads((DATA / "hostile_answers.json").read_text(encoding="utf-8"))["cases"]
RICH = (DATA / "rich_answer.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Sink:
    """A second origin. ``heard`` is every path that it was asked for."""

    host: str
    heard: list[str]


@pytest.fixture
def sink() -> Iterator[Sink]:
    heard: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.path)
            self.send_response(204)
            self.end_headers()

        do_POST = do_HEAD = do_OPTIONS = do_GET  # noqa: N815  the base class's names

        def log_message(self, format: str, *args: object) -> None:
            """Stay quiet: ``heard`` is the log."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield Sink(f"127.0.0.1:{server.server_port}", heard)
        server.shutdown()


def text_of(case: dict[str, str | int], sink: Sink) -> str:
    """The answer of `case` with its placeholders filled: script sets ``window.ran``."""
    text = case.get("text")
    if text is None:
        text = f"{case['before']}{str(case['unit']) * int(case['times'])}{case['after']}"
    script = f"window.ran='{case['id']}'"
    values = {
        "{SINKHOST}": sink.host,
        "{SINK}": f"http://{sink.host}",
        "{ID}": str(case["id"]),
        "{CANARY}": "canary",
        "{JSU}": quote(script),
        "{JSA}": "window.ran=1",
        "{JS}": script,
    }
    return re.sub(r"\{[A-Z]+\}", lambda match: values.get(match[0], match[0]), str(text))


def watch(page: Page) -> list[str]:
    """What must not happen in `page`, as it happens."""
    events: list[str] = []
    page.on("dialog", lambda dialog: (events.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("popup", lambda popup: events.append(f"popup {popup.url}"))
    page.on("framenavigated", lambda frame: events.append(f"went to {frame.url}"))
    return events


def test_the_browser_runs_and_fetches_what_is_not_rendered(page: Page, sink: Sink) -> None:
    raw = f"<img src=x onerror='window.ran=1'><img src='http://{sink.host}/seen.png'>"
    with page.expect_response("**/seen.png"):
        page.set_content(raw)
    page.wait_for_function("window.ran")
    assert sink.heard == ["/seen.png"]


def test_no_answer_runs_or_fetches(page: Page, sink: Sink) -> None:
    page.goto("about:blank")
    events = watch(page)
    for case in CASES:
        body = render.html(text_of(case, sink))
        page.evaluate(
            "html => { document.body.innerHTML = ''; document.body.append("
            "document.createRange().createContextualFragment(html)); }",
            body,
        )
        page.mouse.move(100, 40)
        ran = page.evaluate("() => new Promise(done => setTimeout(() => done(window.ran), 20))")
        assert ran is None, case["id"]
        assert (case["id"], sink.heard, events) == (case["id"], [], [])


def test_only_plain_links_and_no_foreign_attributes(page: Page, sink: Sink) -> None:
    found = set()
    for case in CASES:
        body = render.html(text_of(case, sink))
        page.set_content(body)
        found |= set(
            page.evaluate(
                "() => [...document.querySelectorAll('.orch-answer *')].flatMap(e => "
                "[...e.attributes].map(a => `${e.localName} ${a.name}`))"
            )
        )
        hrefs = page.eval_on_selector_all(".orch-answer a", "all => all.map(a => a.protocol)")
        assert set(hrefs) <= {"http:", "https:", "mailto:"}, case["id"]
    allowed = {"a href", "a target", "a rel", "span class", "ol start", "td class", "th class"}
    assert found <= allowed


@pytest.fixture(scope="module")
def notebooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebooks")
    (folder / "rich.md").write_text(RICH, encoding="utf-8")
    show = (
        "import json, pathlib\nfrom IPython.display import HTML\n"
        "from orch_nb.notebook import render\n"
    )
    write_notebook(
        folder / "answers.ipynb",
        [
            show + "HTML(render.html(pathlib.Path('rich.md').read_text()))",
            "HTML(''.join(map(render.html, json.loads(pathlib.Path('filled.json').read_text()))))",
        ],
    )
    return folder


def test_in_jupyterlab_formulas_are_set_and_nothing_hostile_happens(
    page: Page, lab: Lab, notebooks: Path, sink: Sink
) -> None:
    texts = [text_of(case, sink) for case in CASES if "text" in case]
    (notebooks / "filled.json").write_text(json.dumps(texts), encoding="utf-8")
    open_notebook(page, lab, "answers.ipynb")
    rich = run_cell(page, 0)
    expect(rich.locator("mjx-container")).to_have_count(4, timeout=MILLISECONDS)
    expect(rich.locator("pre mjx-container, code mjx-container")).to_have_count(0)
    rich.scroll_into_view_if_needed()
    shoot(page, "rich_answer")
    page.evaluate(
        "jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
    )
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", "false")
    expect(page.locator("#jupyterlab-splash")).to_have_count(0)
    shoot(page, "rich_answer_dark")
    events = watch(page)
    hostile = run_cell(page, 1)
    expect(hostile.locator(".orch-answer")).to_have_count(len(texts), timeout=MILLISECONDS)
    page.wait_for_timeout(1000)  # for what a typesetter or a loader would still do
    assert (page.evaluate("window.ran"), sink.heard, events) == (None, [], [])
