"""YAML that cannot run code, blow up or surprise.

No tags, anchors, aliases, merge keys, directives or repeated keys; one document of at most
`MAX_BYTES`, `MAX_DEPTH` and `MAX_NODES`; plain scalars as in YAML 1.2's core schema, so that
``on``, ``no``, ``1:30`` and ``2026-01-01`` stay text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import yaml

from orch_nb.errors import SettingsError
from orch_nb.sanitize import visible

MAX_BYTES = 256 * 1024
MAX_DEPTH = 40
MAX_NODES = 20_000

#: Where a value stands: the keys and positions that lead to it.
KeyPath = tuple[str | int, ...]

_SURROGATE = re.compile("[\ud800-\udfff]")
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|nan)", re.IGNORECASE)
_CONSTANTS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says. ``lines`` holds the line, from 1, on which each key or item stands."""

    data: object
    lines: Mapping[KeyPath, int]


def parse(content: bytes, source: str) -> Document:
    """Read `content`; `source` names it in errors.

    Raises
    ------
    SettingsError
        With the line of the first thing that is not allowed.
    """
    text = _decode(content, source)
    builder = _Builder(source)
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        raise SettingsError(error.problem or "not YAML", source=source, line=line) from None
    except (OverflowError, ValueError):  # PyYAML hands "\UFFFFFFFF" to chr()
        raise SettingsError("an escape that is no character", source=source) from None
    return Document(builder.root, builder.lines)


def _decode(content: bytes, source: str) -> str:
    if len(content) > MAX_BYTES:
        raise SettingsError(f"larger than {MAX_BYTES // 1024} KB", source=source)
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SettingsError("not UTF-8", source=source, line=line) from None
    if visible(text) != text:
        lines = text.split("\n")
        hidden = next((n for n, line in enumerate(lines, 1) if visible(line) != line), None)
        raise SettingsError("hidden or control character", source=source, line=hidden)
    return text


@dataclass(slots=True)
class _Open:
    """A mapping or a list whose end has not been read. ``key`` waits for its value."""

    container: dict[str, object] | list[object]
    path: KeyPath
    key: str | None = None


@dataclass(slots=True)
class _Builder:
    """Turns parser events into data, and stops at the first one that is not allowed."""

    source: str
    root: object = None
    lines: dict[KeyPath, int] = field(default_factory=dict)
    _open: list[_Open] = field(default_factory=list)
    _nodes: int = 0
    _documents: int = 0

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise self._error("more than one document", event)
            if event.version or event.tags:
                raise self._error("directives are not allowed", event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()
        elif isinstance(event, yaml.NodeEvent):
            self._take_node(event)

    def _take_node(self, event: yaml.NodeEvent) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise self._error("too many values", event)
        if event.anchor is not None:
            raise self._error("anchors and aliases are not allowed", event)
        if getattr(event, "tag", None) is not None:
            raise self._error("tags are not allowed", event)
        value = self._value(event)
        top = self._open[-1] if self._open else None
        if top and isinstance(top.container, dict) and top.key is None:
            self._take_key(top, value, event)
            return
        path = self._place(top, value, event)
        if isinstance(value, dict | list):
            if len(self._open) >= MAX_DEPTH:
                raise self._error("nested too deep", event)
            self._open.append(_Open(value, path))

    def _take_key(self, top: _Open, key: object, event: yaml.Event) -> None:
        if not isinstance(key, str):
            raise self._error("keys must be plain text; put quotes around it", event)
        if key == "<<":
            raise self._error("merge keys are not allowed", event)
        if key in top.container:
            raise self._error(f"{key!r} is given twice", event)
        top.key = key
        self.lines[(*top.path, key)] = self._line(event)

    def _place(self, top: _Open | None, value: object, event: yaml.Event) -> KeyPath:
        if top is None:
            self.root = value
            return ()
        if isinstance(top.container, list):
            path = (*top.path, len(top.container))
            self.lines[path] = self._line(event)
            top.container.append(value)
            return path
        key, top.key = top.key or "", None
        top.container[key] = value
        return (*top.path, key)

    def _value(self, event: yaml.NodeEvent) -> object:
        if isinstance(event, yaml.MappingStartEvent):
            return {}
        if isinstance(event, yaml.SequenceStartEvent):
            return []
        text: str = event.value  # type: ignore[attr-defined]  # the stubs leave it out
        if _SURROGATE.search(text):  # by an escape; no file and no request can hold it
            raise self._error("half a character", event)
        if event.style:  # type: ignore[attr-defined]
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if _INTEGER.fullmatch(text) or _DECIMAL.fullmatch(text):
            return self._number(text, event)
        if _NOT_FINITE.fullmatch(text):
            raise self._error("numbers must be finite", event)
        return text

    def _number(self, text: str, event: yaml.Event) -> int | float:
        if len(text.lstrip("+-")) > 18:
            raise self._error("number of more than 18 digits", event)
        if _INTEGER.fullmatch(text):
            return int(text)
        number = float(text)
        if not math.isfinite(number):
            raise self._error("numbers must be finite", event)
        return number

    def _error(self, message: str, event: yaml.Event) -> SettingsError:
        return SettingsError(message, source=self.source, line=self._line(event))

    @staticmethod
    def _line(event: yaml.Event) -> int:
        return event.start_mark.line + 1 if event.start_mark else 1
