"""One request that is being answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stub.answer import Answer, count
from stub.connection import Connection
from stub.spec import Spec
from stub.state import Entry
from stub.wires import ollama
from stub.wires.base import Wire, encode


@dataclass(frozen=True, slots=True)
class Exchange:
    """Everything that decides an answer. ``elsewhere`` is where a redirect points."""

    connection: Connection
    entry: Entry
    spec: Spec
    wire: Wire
    answer: Answer
    body: Mapping[str, Any]
    elsewhere: str

    @property
    def by_line(self) -> bool:
        """Whether a stream is lines of JSON, and no server-sent events."""
        return self.wire is ollama

    @property
    def stream_type(self) -> str:
        """The content type of a stream."""
        return "application/x-ndjson" if self.by_line else "text/event-stream; charset=utf-8"

    def bill(self, output: int | None = None) -> None:
        """Charge the prompt, and `output` tokens or the whole answer."""
        self.entry.billed_input = count(self.entry.prompt)
        self.entry.billed_output = self.answer.tokens if output is None else output

    async def fail(
        self, status: int, code: str | None, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        """Respond with the wire's own error object."""
        body = encode(self.wire.error(status, code, message))
        await self.connection.respond(body, status, headers=headers)
