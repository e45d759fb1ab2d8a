"""The rows under ``providers``, before they are validated: what goes without saying."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orch_nb.settings.endpoint import OFFICIAL


def complete(providers: Mapping[str, Any]) -> dict[str, Any]:
    """All rows with their type, by default the row's name, and the variable of their key."""
    return {name: _complete_row(name, row) for name, row in providers.items()}


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
