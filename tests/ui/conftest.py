"""JupyterLab on loopback and a headless chromium, for the tests that drive a browser."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from ui.notebook_page import MILLISECONDS, Lab

expect.set_options(timeout=MILLISECONDS)

CHROMIUM = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking")
LOOPBACK = ("http://127.0.0.1:", "data:", "blob:")
#: All that a server and its kernels inherit: no key and no ORCH_* of the developer's.
INHERITED = ("PATH", "LANG", "LC_ALL", "TMPDIR")
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "docmanager-extension/plugin": {"autosave": False},
}
STARTUP_SECONDS = 60.0


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
    home = tmp_path_factory.mktemp("home")
    log = home / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            _command(notebooks, home),
            env=_isolated(home) | lab_environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield _await_server(server, home / "runtime", notebooks, log)
    finally:
        server.terminate()  # it shuts its kernels down
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _command(notebooks: Path, home: Path) -> list[str]:
    settings = home / "lab" / "user-settings"
    for name, values in SETTINGS.items():
        file = settings / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    return [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"),
        f"--ServerApp.root_dir={notebooks}",
        f"--LabApp.user_settings_dir={settings}",
        f"--LabApp.workspaces_dir={home / 'lab' / 'workspaces'}",
        "--LabApp.expose_app_in_browser=True",
    ]


def _isolated(home: Path) -> dict[str, str]:
    return {name: os.environ[name] for name in INHERITED if name in os.environ} | {
        "HOME": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
    }


def _await_server(
    server: subprocess.Popen[bytes], runtime: Path, notebooks: Path, log: Path
) -> Lab:
    """Wait until the server has written where it listens, which it does once it does."""
    deadline = time.monotonic() + STARTUP_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        for file in runtime.glob("jpserver-*.json"):
            try:
                info = json.loads(file.read_text())
            except json.JSONDecodeError:  # it is being written
                continue
            return Lab(info["url"], info["token"], notebooks, log)
        time.sleep(0.1)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")
