"""What pydantic found, as one line for a person. No value that was given is repeated."""

from __future__ import annotations

import difflib
from dataclasses import fields, is_dataclass
from types import UnionType
from typing import Any, get_args, get_type_hints

from pydantic import ValidationError

from orch_nb.errors import UnknownNameError
from orch_nb.sanitize import mask
from orch_nb.settings.schema import Settings

_UNKNOWN = "unexpected_keyword_argument"
_WORDS = {
    "missing": "is missing",
    "dataclass_type": "must be a mapping, such as {name: value}",
    "dict_type": "must be a mapping, such as {name: value}",
    "tuple_type": "must be a list",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "invalid_key": "must be text",
    "float_type": "must be a number",
    "decimal_type": "must be a number",
    "finite_number": "must be finite",
    "decimal_max_digits": "must have at most 15 digits",
}


def describe(error: ValidationError) -> tuple[tuple[str | int, ...], str]:
    """Path and description of the first problem; the description counts the others.

    An unknown key comes first, since a misspelled one explains what is missing.
    """
    found = error.errors(include_url=False, include_input=False, include_context=False)
    first = min(found, key=lambda problem: problem["type"] != _UNKNOWN)
    path = first["loc"]
    if path[-1] == "[key]":
        path = path[:-1]
    if first["type"] == _UNKNOWN:
        message = _unknown(path)
    else:
        words = _WORDS.get(first["type"]) or first["msg"].removeprefix("Value error, ")
        words = words.replace("Input should be", "must be")
        message = f"{_dotted(path)} {words}"
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return path, mask(message) + more


def _unknown(path: tuple[str | int, ...]) -> str:
    *parents, name = path
    what = f"{_dotted(tuple(parents))} setting".strip()
    choices = _choices(parents)
    nearest = difflib.get_close_matches(str(name), choices, n=1)
    return str(UnknownNameError(what, str(name), nearest or choices))


def _choices(path: list[str | int]) -> list[str]:
    """Read from the schema which keys are known at `path`."""
    kind: Any = Settings
    for part in path:
        kind = get_type_hints(kind)[str(part)] if is_dataclass(kind) else get_args(kind)[-1]
        if isinstance(kind, UnionType):
            kind = get_args(kind)[0]
    return sorted(field.name for field in fields(kind))


def _dotted(path: tuple[str | int, ...]) -> str:
    return ".".join(map(str, path))
