"""The loopback server, and walls between each test and the machine that it runs on."""

from __future__ import annotations

import gc
import ipaddress
import os
import re
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from stub.client import Stub, running

# As in offline/sitecustomize.py: grammars that nbformat loads, and nothing here needs.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]

# A busy machine is slow, and that is no failure.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

_PERSONAL = re.compile(
    r"^(ORCH|OPENAI|ANTHROPIC|OLLAMA)_|_(API_KEY|BASE_URL|AUTH_TOKEN)$|^(\w+_)?PROXY$", re.I
)


def _deny_outside(event: str, arguments: tuple[object, ...]) -> None:
    """Audit hook: fail the test that reaches for anything but loopback."""
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        sock, address = arguments
        if getattr(sock, "family", None) not in (socket.AF_INET, socket.AF_INET6):
            return
        if not isinstance(address, tuple):  # sendmsg on a connected socket
            return
        host = address[0]
    else:
        return
    if not _is_loopback(host):
        # pytest's failure is no Exception: no handler in the code under test can swallow it.
        pytest.fail(f"{event} to {host!r}: tests talk to 127.0.0.1 only, see the fixture `stub`")


def _is_loopback(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(name)).is_loopback
    except ValueError:
        return False


def pytest_configure() -> None:
    sys.addaudithook(_deny_outside)
    # A shell starts what runs in its background deaf to interrupts, and so would all children be.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module", autouse=True)
def loaded() -> None:
    """What is loaded by now is for good: each shell that ends would look through all of it."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No keys, addresses or proxies of the developer's; an empty home and working folder."""
    for name in [name for name in os.environ if _PERSONAL.search(name)]:
        monkeypatch.delenv(name)
    folders = {
        "HOME": "home",
        "XDG_CONFIG_HOME": "home/.config",
        "XDG_CACHE_HOME": "home/.cache",
        "XDG_DATA_HOME": "home/.local/share",
        "XDG_STATE_HOME": "home/.local/state",
        "IPYTHONDIR": "home/.ipython",
        "ORCH_HOME": "home/orch",
        "ORCH_CACHE_DIR": "home/orch-cache",
        "OLLAMA_MODELS": "home/.ollama/models",
    }
    for name, folder in folders.items():
        monkeypatch.setenv(name, str(tmp_path / folder))
    monkeypatch.setenv("ORCH_PROBE", "0")
    (tmp_path / "home").mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


@pytest.fixture(scope="session")
def stub_process() -> Iterator[Stub]:
    """The server of this test process."""
    with running() as stub:
        yield stub


@pytest.fixture
def stub(stub_process: Stub) -> Stub:
    """The server, as if it had just started."""
    stub_process.reset()
    return stub_process
