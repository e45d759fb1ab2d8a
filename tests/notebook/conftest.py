"""Shells with and without orch-nb; their provider is the loopback server."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from traitlets.config import Config

from shells.here import Shell
from shells.kernel import Kernel, running
from shells.settings import write_settings
from stub.client import Stub


@pytest.fixture
def config() -> Config:
    """IPython's configuration; a test may add to it before it asks for `bare`."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    return config


@pytest.fixture
def bare(config: Config, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """A shell without orch-nb."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # IPython leaves its own behind
    shell = Shell(config)
    yield shell
    shell.close()


@pytest.fixture
def alpha(stub: Stub) -> Stub:
    """The server, named ``alpha`` by the orch.yaml of the working folder."""
    write_settings(Path.cwd(), stub)
    return stub


@pytest.fixture
def shell(alpha: Stub, bare: Shell) -> Shell:
    """A shell with orch-nb, whose one provider is ``alpha``."""
    assert bare.run("%load_ext orch_nb").error is None
    return bare


@pytest.fixture(scope="module")
def kernel(stub_process: Stub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """A kernel of this module, with orch-nb and the provider ``alpha``."""
    folder = tmp_path_factory.mktemp("kernel")
    write_settings(folder, stub_process)
    with running(folder, {}) as kernel:
        loaded = kernel.run("%load_ext orch_nb")
        assert loaded.reply["status"] == "ok", loaded.reply
        yield kernel
