"""What the wires have in common."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from stub.answer import INVALID, Answer

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Frame:
    """One server-sent event: before the text, a piece of the text, or after it."""

    kind: Literal["open", "text", "close"]
    data: Json | Literal["[DONE]"]
    event: str | None = None


class Wire(Protocol):
    """A wire, which is a module with these functions."""

    def prompt(self, body: Mapping[str, Any]) -> str:
        """The text that the user said last."""

    def plain(self, answer: Answer) -> Json:
        """The answer as one object."""

    def events(self, answer: Answer, body: Mapping[str, Any]) -> Iterator[Frame]:
        """The answer as a stream; `body` is the request."""

    def failure(self, answer: Answer, code: str, message: str, number: int) -> Frame:
        """The event that says, in the middle, that the server failed; `number` were sent before."""

    def error(self, status: int, code: str | None, message: str) -> Json:
        """The body of a response that is no success."""


def encode(data: object) -> bytes:
    """JSON as providers send it: raw UTF-8, lone surrogates escaped."""
    text = json.dumps(data, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").replace(INVALID.encode(), b"\xff\xfe\xc3(")


def last_user_text(messages: object) -> str:
    """The text of the last user turn, its parts joined."""
    if isinstance(messages, str):
        return messages
    turns = [m for m in messages if isinstance(m, dict)] if isinstance(messages, list) else []
    for turn in reversed(turns):
        if turn.get("role") == "user":
            content = turn.get("content") or ""
            return (
                content if isinstance(content, str) else "".join(p.get("text", "") for p in content)
            )
    return ""
