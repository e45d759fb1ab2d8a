"""What goes without saying in the rows of providers and models, before they are validated."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orch_nb.settings.endpoint import OFFICIAL


def complete(providers: Mapping[str, Any]) -> dict[str, Any]:
    """All rows with their type, by default the row's name, and the variable of their key."""
    return {name: _complete_row(name, row) for name, row in providers.items()}


def anchor(models: Mapping[str, Any], directory: Path) -> dict[str, Any]:
    """All rows with the path of their file, if they have one, as seen from anywhere."""
    return {name: _anchor_row(row, directory) for name, row in models.items()}


def _anchor_row(row: object, directory: Path) -> object:
    path = row.get("path") if isinstance(row, Mapping) else None
    if not isinstance(row, Mapping) or not isinstance(path, str | os.PathLike) or not path:
        return row
    written = os.fspath(path)
    if written.startswith("~"):
        return row  # refused later
    return {**row, "path": os.path.abspath(directory / written)}  # noqa: PTH100 - leaves links


def _complete_row(name: str, row: object) -> object:
    if row is None:  # "openai:" with nothing behind it
        row = {}
    if not isinstance(row, Mapping):
        return row
    full = {"type": name, **row}
    official = OFFICIAL.get(full["type"]) if isinstance(full["type"], str) else None
    if official:
        full.setdefault("api_key_env", official.key_variable)
    return full
