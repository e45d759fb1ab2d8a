"""orch-nb's ``%%orch``, with the settings that `orch` measures."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import orch_nb
from benchmarks.peers import cells
from benchmarks.peers.orch import settings


class Subject:
    """A cell that names its model."""

    def __init__(self, urls: list[str], seconds: float) -> None:
        self._folder = tempfile.TemporaryDirectory()
        os.chdir(self._folder.name)
        config = settings({"place0": urls[0]}, seconds, "openai")
        Path("orch.yaml").write_text(json.dumps(config), encoding="utf-8")
        self._shell = cells.shell("orch_nb")

    def ask(self, prompt: str, model: str) -> str:
        cells.run(self._shell, f"%%orch -m place0:{model} --no-cache -o answer\n{prompt}")
        return str(self._shell.user_ns["answer"].text)

    def close(self) -> None:
        orch_nb.session().close()
        os.chdir("/")
        self._folder.cleanup()
