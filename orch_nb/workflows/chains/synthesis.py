"""From what the roles wrote to one result: combine, validate, format."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from orch_nb.errors import UnknownNameError
from orch_nb.sanitize import one_line

Format = Literal["text", "code", "json", "structured"]
Phase = Literal["combine", "validate", "format"]
FORMATS: tuple[Format, ...] = get_args(Format)
#: What the roles that write the result are told about its form.
ASKS: Mapping[Format, str] = {
    "text": "",
    "code": "Give the code in one fenced block.",
    "json": "Give one JSON value and nothing else.",
    "structured": "",
}

_FENCE = re.compile(
    r"^(`{3,}|~{3,})[ \t]*([\w+-]*)[^\n]*\n(.*?)^\1[ \t]*$", re.DOTALL | re.MULTILINE
)


class Unfit(ValueError):
    """What was written is not in the form that was asked for."""


@dataclass(frozen=True, slots=True)
class Synthesis:
    """The result: its ``text``, and the ``data`` of json and structured.

    ``role`` is whose text it is, ``phases`` what was done, in order, and ``dropped`` why the texts
    of later roles were not taken.
    """

    text: str
    data: Any
    role: str
    phases: tuple[Phase, ...] = ("combine", "validate", "format")
    dropped: tuple[str, ...] = ()


def read_format(name: str) -> Format:
    """The format called `name`. Raises `UnknownNameError`."""
    for known in FORMATS:
        if name == known:
            return known
    raise UnknownNameError("format", name, FORMATS)


def synthesize(texts: Sequence[tuple[str, str]], form: Format) -> Synthesis:
    """One result from the `texts` of roles, by role, the last that is in the `form` first.

    Raises `Unfit` where none is.
    """
    said: list[str] = []
    for role, text in reversed(texts):
        try:
            shown, data = _VALIDATED[form](text)
        except Unfit as error:
            said.append(f"what the {role} wrote is no {form}: {error}")
            continue
        if form == "structured":
            data = dict(texts)
            shown = "\n\n".join(f"## {name}\n\n{each.strip()}" for name, each in texts)
        return Synthesis(shown, data, role, dropped=tuple(said))
    raise Unfit("; ".join(said) or "nobody wrote anything")


def _text(text: str) -> tuple[str, Any]:
    if not text.strip():
        raise Unfit("it is empty")
    return text.strip(), None


def _code(text: str) -> tuple[str, Any]:
    """The fenced blocks; what calls itself Python must parse."""
    blocks = [(found[2].lower(), found[3]) for found in _FENCE.finditer(text)]
    if not blocks:
        raise Unfit("it has no fenced block")
    for language, source in blocks:
        if language in ("python", "py", "python3"):
            try:
                ast.parse(source)
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                raise Unfit(f"it does not parse: {one_line(str(error), 100)}") from None
    return "\n\n".join(source.rstrip("\n") for _, source in blocks), None


def _json(text: str) -> tuple[str, Any]:
    fenced = _FENCE.search(text)
    try:
        data = json.loads(fenced[3] if fenced else text)
    except (ValueError, RecursionError) as error:
        raise Unfit(f"it does not parse: {one_line(str(error), 100)}") from None
    return json.dumps(data, indent=2, ensure_ascii=False), data


_VALIDATED: Mapping[Format, Callable[[str], tuple[str, Any]]] = {
    "text": _text,
    "code": _code,
    "json": _json,
    "structured": _text,
}
