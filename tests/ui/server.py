"""JupyterLab as a process of its own, in a home of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ui.notebook_page import Lab

CHROMIUM = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking")
#: All that a server and its kernels inherit: no key and no ORCH_* of the developer's.
INHERITED = ("PATH", "LANG", "LC_ALL", "TMPDIR")
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "docmanager-extension/plugin": {"autosave": False},
}
STARTUP_SECONDS = 120.0


@contextmanager
def serving(notebooks: Path, home: Path, environment: Mapping[str, str]) -> Iterator[Lab]:
    """JupyterLab, and Notebook 7 beside it, on loopback; ends with the block.

    Raises RuntimeError with the end of its log when it does not start.
    """
    log = home / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            _command(notebooks, home),
            env=_isolated(home) | environment,
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
        "--JupyterNotebookApp.expose_app_in_browser=True",
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
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")
