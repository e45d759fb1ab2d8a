"""Damaged lines and cells in a real IPython: each does what it says, or is one line, and soon."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.error import UsageError
from IPython.utils.capture import capture_output
from traitlets.config import Config

from orch_nb.errors import InputError
from orch_nb.notebook.commands import COMMANDS
from shells.here import Shell
from soak.mutation import mutants
from soak.sizes import sized
from soak.test_mutants import LINES, TEMPLATES, VALUES, bounded
from stub.client import Stub

COUNT = sized(300, 10_000, 100_000)
#: Seconds of computing for one of them; some import what draws charts.
LONGEST = 10.0
PROMPTS = (
    *LINES,
    "-m sim:small --temperature 0 --max-tokens 5 --effort low -- Why is {{ name }} $n {n}?",
    "-m sim:small -o answer -f json x",
    "-m sim:large -f html --no-stream x",
    "-m sim:small -f code --quiet --explain x",
    "--compare sim:small,sim:large x",
    "--image nope.png --tool vision --no-cache --refresh x",
)
COMMAND_LINES = (
    *(f"{name} 1" for name in COMMANDS),
    "models sim:small --refresh",
    "models add x.gguf",
    "keys set sim",
    "keys remove a --keyring",
    "keys test sim",
    "budget task=0.05 session=none hour=2 unpriced=allow",
    "eval items --models sim:small,sim:large --check exact --jobs 2 --dry-run",
    "rate 1 up",
    "compare 1 vote A",
    "why 0.5",
)
CHOICES = (
    "--strategy cost --weights cost=6,quality=3,speed=1",
    "--pin sql=sim:small --unpin sql",
    "--strategy weighted -- Why is {{ name }} blue?",
)
CELLS = (*TEMPLATES, "{{ name }} $n {n} {{ evil }}", "")


@pytest.fixture
def shell(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """A shell where the server stands for the simulated models, which take their time.

    Nobody types a key.
    """
    stub.models("sim", ["small", "large"])
    row = {"type": "compatible", "base_url": stub.url("sim", "/v1")}
    Path("orch.yaml").write_text(json.dumps({"providers": {"sim": row}}), "utf-8")

    def nobody(*_: object) -> str:
        raise EOFError

    monkeypatch.setattr(getpass, "getpass", nobody)
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    shell = Shell(config)
    assert shell.run("%load_ext orch_nb").error is None
    shell.ip.push({**VALUES, "evil": "{{ n }} $n {n}"})
    yield shell
    shell.close()


def damaged(corpus: tuple[str, ...], seed: str) -> Iterator[str]:
    for data in mutants([text.encode() for text in corpus], COUNT, seed):
        yield data.decode("utf-8", "surrogateescape")


def run(shell: Shell, magic: str, line: str, cell: str | None = None) -> None:
    """As a notebook runs it, but for what IPython makes of a line before the magic has it."""
    with capture_output(), bounded((magic, line, cell), LONGEST):
        try:
            if cell is None:
                shell.ip.run_line_magic(magic, line)
            else:
                shell.ip.run_cell_magic(magic, line, cell)
        except UsageError as error:  # IPython's own of one line
            raise InputError(str(error)) from None


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("magic", "corpus"),
    [("orch", PROMPTS), ("orch", COMMAND_LINES), ("orch_select", CHOICES)],
    ids=["prompts", "commands", "choices"],
)
def test_lines(shell: Shell, magic: str, corpus: tuple[str, ...]) -> None:
    for line in damaged(corpus, magic):
        run(shell, magic, line)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("magic", ["orch", "orch_select"])
def test_cells(shell: Shell, magic: str) -> None:
    lines = damaged(PROMPTS if magic == "orch" else CHOICES, f"lines of {magic}")
    for line, cell in zip(lines, damaged(CELLS, magic), strict=True):
        run(shell, magic, line, cell)


def test_cells_as_they_are_typed(shell: Shell) -> None:
    for line, cell in zip(damaged(PROMPTS, "typed"), damaged(CELLS, "cells"), strict=True):
        first = " ".join(line.splitlines())
        with bounded((line, cell), LONGEST):
            error = shell.run(f"%%orch {first}\n{cell}").error
            if error is not None and not isinstance(error, UsageError):
                raise error
    assert shell.run("1 + 1").value == 2
