"""Run a notebook from the top as a newcomer would have it: no key, no cache, no settings.

What was recorded beside NOTEBOOK is there, for one that replays it.

``run.py NOTEBOOK COPY`` prints each cell with what it answers and writes the notebook as it was run
to COPY; with COPY equal to NOTEBOOK the answers that are saved in it are brought up to date.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

#: Seen from a notebook's folder.
RECORDING = Path(".orch", "recording")

_PERSONAL = re.compile(r"^(ORCH|OPENAI|ANTHROPIC|OLLAMA|LMSTUDIO)_")
_SECONDS_PER_CELL = 120
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def run(notebook: NotebookNode, folder: Path) -> Iterator[NotebookNode]:
    """Execute `notebook` in `folder`, in place, and yield each cell when it is done.

    Answers are shown once, when they are complete, so that no place of a growing one is saved.
    Raises `CellExecutionError` after the cell that failed.
    """
    env = {name: value for name, value in os.environ.items() if not _PERSONAL.match(name)}
    env |= {"ORCH_HOME": str(folder / "home"), "ORCH_STREAM": "0", "ORCH_PROBE": "0"}
    client = NotebookClient(
        notebook,
        timeout=_SECONDS_PER_CELL,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
        # Errors only: the kernel warns of its sockets, which are on loopback.
        extra_arguments=["--log-level=ERROR"],
    )
    with client.setup_kernel(env=env):
        for index, cell in enumerate(notebook.cells):
            try:
                client.execute_cell(cell, index)
            except CellExecutionError:
                yield cell
                raise
            yield cell


def describe(cell: NotebookNode) -> str:
    """`cell` and what it put out, for a terminal."""
    if cell.cell_type == "markdown":
        return f"\n{cell.source}"
    parts = ["\n".join(f"> {line}" for line in cell.source.splitlines())]
    for output in cell.outputs:
        if output.output_type == "stream":
            parts.append(output.text)
        elif output.output_type == "error":
            parts.append(_COLOURS.sub("", "\n".join(output.traceback)))
        else:
            parts.append(output.data.get("text/plain", ""))
    return "\n" + "\n\n".join(part.strip("\n") for part in parts if part.strip())


def main() -> int:
    """Exit status 0, or 1 if a cell failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebook", type=Path)
    parser.add_argument("copy", type=Path)
    arguments = parser.parse_args()
    notebook = nbformat.read(arguments.notebook, as_version=4)  # type: ignore[no-untyped-call]
    with tempfile.TemporaryDirectory() as folder:
        recording = arguments.notebook.parent / RECORDING
        if recording.is_dir():
            shutil.copytree(recording, Path(folder) / RECORDING)
        try:
            for cell in run(notebook, Path(folder)):
                print(describe(cell), flush=True)
        except CellExecutionError:
            print(f"\n{arguments.notebook} failed in the cell above", file=sys.stderr)
            return 1
    arguments.copy.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, arguments.copy)  # type: ignore[no-untyped-call]
    return 0


if __name__ == "__main__":
    sys.exit(main())
