"""The answer, before any wire gives it a form."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from stub.spec import Spec

Finish = Literal["stop", "length", "tool", "refusal", "filter"]

#: A noncharacter that `stub.wires.base.encode` writes as bytes that are no UTF-8.
INVALID = "\ufdd0"
_WORDS = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa")
_MIB = 1 << 20
_BAD_COUNTS: Mapping[str, object] = {
    "neg": -5, "str": "12", "nan": math.nan, "huge": 10**30,
    "float": 1.5, "null": None, "bool": True, "list": [1],
}  # fmt: skip
_TEXTS: Mapping[str, Callable[[str, Spec], str | None]] = {
    "empty_choices": lambda _text, _spec: "",
    "tool": lambda _text, spec: spec.values.get("text", ""),
    "null_content": lambda _text, _spec: None,
    "bad_utf8": lambda text, _spec: f"{INVALID} {text}",
    "surrogate": lambda text, _spec: f"\ud800x\udc00 {text}",
    "nul": lambda text, _spec: f"a\0b\x07c\x1b[31md\x7f\x9b {text}",
    "u2028": lambda text, _spec: f"one\u2028two\u2029three\x85four {text}",
    "split_utf8": lambda text, _spec: f"é ✓ 🎉 {text}",
    "big": lambda text, spec: f"{text} " + ("x" * 1023 + "\n") * (1024 * spec.count("mb", 8)),
    "bigline": lambda text, spec: f"{text} " + "y" * (_MIB * spec.count("mb", 8)),
}


@dataclass(frozen=True, slots=True)
class Call:
    """A tool that the answer asks for; ``arguments`` are text that should be a JSON object."""

    id: str
    name: str
    arguments: str

    @property
    def pieces(self) -> list[str]:
        """The arguments a few characters at a time; a piece is a token, as the name is."""
        return [self.arguments[i : i + 5] for i in range(0, len(self.arguments), 5)]

    @property
    def values(self) -> Any:
        """The arguments as wires hold them that have no text there; broken ones stay text."""
        try:
            return json.loads(self.arguments or "{}")
        except (ValueError, RecursionError):
            return self.arguments


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said and counted. Counts are of any type, because faults break them.

    ``text`` None is null content, ``blank`` is no content block at all, and ``counted`` False is
    no usage. ``cached_tokens`` are part of ``input_tokens``.
    """

    id: str
    model: str
    text: str | None
    input_tokens: object
    output_tokens: object
    cached_tokens: int = 0
    finish: Finish = "stop"
    counted: bool = True
    blank: bool = False
    calls: tuple[Call, ...] = ()

    @property
    def pieces(self) -> list[str | None]:
        """The text word by word, each with the space that follows it; a piece is a token."""
        return [None] if self.text is None else [*split(self.text)]

    @property
    def said(self) -> str | None:
        """The text, None where the answer is nothing but calls."""
        return (self.text or None) if self.calls else self.text

    @property
    def tokens(self) -> int:
        """What was generated, broken counts or not."""
        return _produced(self.text, self.calls)

    @property
    def total_tokens(self) -> object:
        if isinstance(self.input_tokens, int) and isinstance(self.output_tokens, int):
            return self.input_tokens + self.output_tokens
        return self.input_tokens


def digest(prompt: str) -> str:
    """The 16 hex digits that the default answer to `prompt` starts with, after "echo "."""
    return hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def split(text: str) -> list[str]:
    """Words with their trailing space; joined they are `text`."""
    return re.split(r"(?<=[ \n])(?=[^ \n])", text) if text else []


def _produced(text: str | None, calls: Sequence[Call]) -> int:
    return len(split(text or "")) + sum(1 + len(call.pieces) for call in calls)


def _calls(spec: Spec) -> tuple[Call, ...]:
    if spec.name != "tool":
        return ()
    lines = spec.values.get("arguments", "{}").split("\n")
    name = spec.values.get("name", "look_up")
    return tuple(Call(f"call_{i}", name, line) for i, line in enumerate(lines))


def count(prompt: str) -> int:
    """Tokens of a prompt, the same each time."""
    return max(1, len(prompt) // 4)


def compose(spec: Spec, prompt: str, model: str, number: int) -> Answer:
    """The answer that `spec` wants for `prompt`; `number` makes its id."""
    words = (_WORDS[i % len(_WORDS)] for i in range(spec.count("words", 6)))
    said = spec.values.get("text", " ".join(["echo", digest(prompt), *words]))
    text = _TEXTS[spec.name](said, spec) if spec.name in _TEXTS else said
    calls = _calls(spec)
    counts: tuple[object, object] = count(prompt), _produced(text, calls)
    if spec.name == "bad_usage":
        counts = (_BAD_COUNTS[spec.values.get("kind", "neg")],) * 2
    finish: Finish = "length" if spec.name == "length" else "tool" if calls else "stop"
    if spec.name == "refuse":
        finish = "filter" if spec.values.get("by") == "filter" else "refusal"
    return Answer(
        f"{number:08d}",
        model,
        text,
        *counts,
        cached_tokens=spec.count("cached", 0),
        finish=finish,
        counted=spec.name != "no_usage",
        blank=spec.name == "empty_choices",
        calls=calls,
    )
