"""The prompts of each capability, and what makes an answer right. Nothing that a model writes runs.

Five of them tell who can do a thing from who cannot, and little between two who can: that is what
the interval beside a score says. They are data, in ``probes.yaml``.
"""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, cast

from orch_nb.agreement import agree
from orch_nb.settings.strict_yaml import parse

#: The kind of task that each capability counts for in later choices.
KINDS: Mapping[str, str] = {
    "code": "code",
    "reasoning": "reasoning",
    "analysis": "analysis",
    "context": "summary",
    "instructions": "chat",
    "json": "extraction",
    "vision": "vision",
}
_COLOURS = {
    "red": (220, 30, 30),
    "green": (20, 150, 60),
    "blue": (30, 60, 220),
    "yellow": (250, 220, 40),
    "black": (0, 0, 0),
}
_SIZE = 64  # pixels of a picture's side
_SHORT = 120  # characters of an answer that is little more than what was asked for. Chosen.


@dataclass(frozen=True, slots=True)
class Probe:
    """One prompt, and whether an answer to it is right. ``images`` go along."""

    prompt: str
    passes: Callable[[str], bool]
    images: tuple[bytes, ...] = ()


@cache
def probes() -> Mapping[str, tuple[Probe, ...]]:
    """The probes by capability."""
    name = "probes.yaml"
    content = files("orch_nb.workflows.probes").joinpath(name).read_bytes()
    rows = cast("Mapping[str, list[dict[str, Any]]]", parse(content, name).data)
    return {capability: tuple(map(_read, rows[capability])) for capability in KINDS}


def _read(row: Mapping[str, Any]) -> Probe:
    if "needle" in row:
        return _needle(**row["needle"])
    images = (_striped(row["picture"]),) if "picture" in row else ()
    return Probe(row["prompt"], _right(row), images)


def _right(row: Mapping[str, Any]) -> Callable[[str], bool]:
    if "json" in row:
        return lambda text: _loaded(text) == (row["json"],)
    if "pattern" in row:
        return lambda text: re.fullmatch(row["pattern"], text.strip()) is not None
    if "words" in row:
        return lambda text: all(re.search(rf"(?i)\b{word}\b", text) for word in row["words"])
    return lambda text: _says(text, row["answer"])


def _says(text: str, answer: str) -> bool:
    """Whether `text` is `answer`, alone or in a short sentence; of numbers the last one counts."""
    if agree(text, answer):
        return True
    if len(text) > _SHORT:
        return False
    if answer.isdecimal():
        return re.findall(r"\d+(?:[.,]\d+)*", text)[-1:] == [answer]
    return re.search(rf"(?i)\b{re.escape(answer)}\b", text) is not None


def _loaded(text: str) -> tuple[object, ...]:
    """The JSON in `text`, alone; () where it is none."""
    try:
        return (json.loads(text.strip()),)
    except (ValueError, RecursionError):
        return ()


def _needle(place: str, code: int, rooms: int) -> Probe:
    others = [f"Room {n} is locked; its code is {n * 7919 % 9000 + 1000}." for n in range(rooms)]
    others.insert(rooms // 2, f"The {place} is open on Tuesdays; its code is {code}.")
    question = f"What is the code of the {place}? Answer with the number only."
    return Probe(f"{' '.join(others)}\n\n{question}", lambda text: _says(text, str(code)))


def _striped(names: list[str]) -> bytes:
    """A PNG with vertical stripes. The format: https://www.w3.org/TR/png-3/."""
    width = _SIZE // len(names)
    row = b"\0" + b"".join(bytes(_COLOURS[name]) * width for name in names)

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width * len(names), _SIZE, 8, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(row * _SIZE)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)
