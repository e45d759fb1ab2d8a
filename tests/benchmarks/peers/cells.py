"""Cells as they are run, without a front end: what they print and display is thrown away."""

from __future__ import annotations

from typing import Any

from IPython.core.interactiveshell import InteractiveShell


def shell(extension: str) -> Any:
    """A shell with the extension loaded."""
    made = InteractiveShell.instance()
    made.run_line_magic("load_ext", extension)
    return made


def run(made: Any, cell: str) -> Any:
    """The value of a cell; what failed in it is raised."""
    done = made.run_cell(cell, store_history=False)
    done.raise_error()
    return done.result
