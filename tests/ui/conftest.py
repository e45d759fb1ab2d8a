"""JupyterLab on loopback and a headless chromium, for the tests that drive a browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from ui.notebook_page import MILLISECONDS, Lab
from ui.server import CHROMIUM, serving

expect.set_options(timeout=MILLISECONDS)

LOOPBACK = ("http://127.0.0.1:", "data:", "blob:")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's chromium; a test without one is skipped.

    No longer than a module: Playwright keeps an event loop running in this thread, in which the
    tests of other modules could start none.
    """
    executable = shutil.which("chromium")
    if executable is None:
        pytest.skip("no chromium on PATH; `apt-get install chromium` to run the browser tests")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in a fresh profile; at the end, nothing may have been fetched from elsewhere."""
    fetched: list[str] = []
    with browser.new_context(viewport={"width": 1400, "height": 900}) as context:
        context.set_default_timeout(MILLISECONDS)
        context.on("request", lambda request: fetched.append(request.url))
        yield context.new_page()
    assert [url for url in fetched if not url.startswith(LOOPBACK)] == []


@pytest.fixture(scope="module")
def notebooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `lab` serves; a module overrides it to put notebooks there."""
    return tmp_path_factory.mktemp("notebooks")


@pytest.fixture(scope="module")
def lab_environment() -> dict[str, str]:
    """Variables for the server and its kernels; a module overrides it to set some."""
    return {}


@pytest.fixture(scope="module")
def lab(
    notebooks: Path, lab_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lab]:
    """JupyterLab in its own process and its own home, serving `notebooks`."""
    with serving(notebooks, tmp_path_factory.mktemp("home"), lab_environment) as lab:
        yield lab
