"""``%orch config``: which settings are in force, and where each of them comes from."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from pathlib import Path

from orch_nb.errors import InputError
from orch_nb.notebook.display import quiet
from orch_nb.notebook.tables import Bundle, table
from orch_nb.session import Session
from orch_nb.settings.trust import trust_file

_BUILT_IN = "built in"
_NOTE = (
    "in seconds, bytes and dollars; weakest first: built in, environment, orch.yaml, traitlets, "
    "Session(config=…), run-time change; an option of a cell outweighs all of them"
)
# What may hold a secret: its names may be shown, its values never.
_MASKED = ("headers", "api_key")


def show_config(words: list[str], session: Session) -> Bundle:
    """Every setting with its value and its source; those of rows only where somebody set them."""
    if words == ["trust"]:
        return trust()
    if words:
        raise InputError("use `%orch config` or `%orch config trust`")
    rows = []
    for path, value in _settings(session.settings, ()):
        source = session.origin(*path)
        if source or path[0] not in ("providers", "models", "experts"):
            rows.append([".".join(path), _said(path[-1], value), source or _BUILT_IN])
    return table(["setting", "is", "from"], rows, _NOTE)


def trust() -> Bundle:
    """Obey the orch.yaml that lies here. Needs no session: it may be why there is none."""
    return quiet([f"{trust_file(Path.cwd(), os.environ)} is obeyed from now on"])


def _settings(value: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], object]]:
    """Every setting below `path` that has none below it."""
    if is_dataclass(value):
        parts = {field.name: getattr(value, field.name) for field in fields(value)}
    elif isinstance(value, Mapping) and path[-1] not in _MASKED:
        parts = dict(value)
    else:
        yield path, value
        return
    for name, part in parts.items():
        yield from _settings(part, (*path, str(name)))


def _said(name: str, value: object) -> str:
    if name in _MASKED:
        return ", ".join(map(str, value)) if isinstance(value, Mapping) else "given"
    if value is None:
        return "—"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, Decimal):
        return f"{value:f}"
    return f"{value:g}" if isinstance(value, float) else str(value)
