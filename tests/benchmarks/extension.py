"""What the JupyterLab extension weighs: its files, updates by the kernel, and a page's start."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from benchmarks.figures import Figure, figure, part, ratios, side_by_side
from orch_nb import Session
from orch_nb.notebook.bridge_state import state
from ui.notebook_page import Lab, open_notebook, run_cell, write_notebook
from ui.server import CHROMIUM, serving
from ui.sidebar_page import open_sidebar, slider

_BUILD = Path(__file__).parents[2] / "orch_nb" / "labextension"
_MODELS, _CALLS = 200, 300
_ASKED = ("small", "medium", "large")
_UPDATES, _STARTS, _MOVES = 50, 7, 10
_STARTED = "() => window.jupyterapp && window.jupyterapp.restored.then(() => performance.now())"
_WAIT = """\
import time
s, ends = orch_nb.session(), time.monotonic() + 60
before = s.weights
while s.weights == before and time.monotonic() < ends:
    time.sleep(0.005)
print("heard", 1000 * time.time())"""


def measure(share: float = 1.0) -> Iterator[Figure]:
    """Bytes; CPU of an update; and, where there is a chromium, seconds in JupyterLab."""
    yield figure("extension, as it is built", [_size() / 1000], "kB", "≤ 150 kB")
    what = f"extension update, {_MODELS} models and {_CALLS} calls"
    yield figure(what, list(_updates(part(_UPDATES, share))), "ms CPU of the kernel", "≤ 2 ms")
    chromium = shutil.which("chromium")
    if chromium is not None:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
            yield _starts(browser, part(_STARTS, share))
            yield figure(
                "extension weight moved until a running cell has it",
                _moves(browser, part(_MOVES, share)),
                "s",
                "≤ 0.3 s",
            )
            browser.close()


def _size() -> int:
    return sum(file.stat().st_size for file in _BUILD.rglob("*") if file.is_file())


def _updates(rounds: int) -> Iterator[float]:
    models = {
        f"sim:model-{n:03}": {"price": {"input": 0.1, "output": 0.5}, "context": 128_000}
        for n in range(_MODELS)
    }
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ORCH_HOME"] = folder
        with Session({"probe": False, "models": models}, directory=Path(folder)) as session:
            for number in range(_CALLS):
                session.ask(f"Say {number}.", model=f"sim:{_ASKED[number % 3]}")
            for number in range(rounds + 1):
                started = time.process_time()
                json.dumps(state(session, lambda _: "cell"))
                if number:
                    yield 1e3 * (time.process_time() - started)


def _starts(browser: Browser, rounds: int) -> Figure:
    """From asking for the page until JupyterLab is restored, with and without the extension."""
    with ExitStack() as stack:
        labs = {name: stack.enter_context(_lab(on=name == "with")) for name in ("with", "without")}
        subjects = {name: (lambda lab=lab: _start(browser, lab)) for name, lab in labs.items()}
        measured = side_by_side(subjects, rounds)
    name = "extension: JupyterLab's start with it, of that without"
    return figure(name, ratios(measured, "with", "without"), "×", "≤ 1.05 ×")


def _start(browser: Browser, lab: Lab) -> float:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{lab.url}lab?token={lab.token}&reset")
        page.wait_for_function("() => window.jupyterapp")
        return float(page.evaluate(_STARTED))


def _moves(browser: Browser, rounds: int) -> list[float]:
    """Seconds from a key on a slider until a cell that runs meanwhile sees other weights."""
    taken = []
    with _lab(on=True) as lab, browser.new_context() as context:
        page = context.new_page()
        open_notebook(page, lab, "asking.ipynb")
        run_cell(page, 0)
        hand = slider(open_sidebar(page), "cost")
        for number in range(rounds):
            cell = page.locator(".jp-Cell").nth(1)
            cell.locator(".cm-content").click()
            page.keyboard.press("Control+Enter")
            page.wait_for_timeout(1000)  # until it runs
            moved = page.evaluate("Date.now()")
            hand.press("ArrowRight" if number % 2 else "ArrowLeft")
            output = cell.locator(".jp-OutputArea-output")
            output.get_by_text("heard").wait_for()
            heard = output.inner_text().split()[1]
            taken.append((float(heard) - moved) / 1000)
    return taken


@contextmanager
def _lab(*, on: bool) -> Iterator[Lab]:
    with tempfile.TemporaryDirectory() as folder:
        home, notebooks = Path(folder, "home"), Path(folder, "notebooks")
        config = home / "config" / "labconfig" / "page_config.json"
        config.parent.mkdir(parents=True)
        config.write_text(json.dumps({"disabledExtensions": {"@orch/nb": not on}}))
        notebooks.mkdir()
        write_notebook(notebooks / "asking.ipynb", ["%load_ext orch_nb\nimport orch_nb", _WAIT])
        with serving(notebooks, home, {}) as lab:
            yield lab
