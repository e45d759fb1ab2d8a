"""Tool calls as they come in a stream: a name, and arguments as JSON in pieces."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from orch_nb.providers import _failures
from orch_nb.types import ToolCall


@dataclass(slots=True)
class _Growing:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


class CallBuilder:
    """Puts calls together by the index that their pieces carry."""

    def __init__(self) -> None:
        self._growing: dict[int, _Growing] = {}

    def add(self, index: object, *, id: object, name: object, arguments: object) -> None:
        """Take one piece; what is no text adds nothing."""
        call = self._growing.setdefault(index if isinstance(index, int) else 0, _Growing())
        call.id = call.id or (id if isinstance(id, str) else "")
        call.name = call.name or (name if isinstance(name, str) else "")
        if isinstance(arguments, str):
            call.arguments.append(arguments)

    def build(self, model: str) -> tuple[ToolCall, ...]:
        """All calls. Raises `BrokenAnswer` when arguments are no JSON object."""
        return tuple(
            read_call(model, call.name, "".join(call.arguments), call.id)
            for _, call in sorted(self._growing.items())
        )


def read_call(model: str, name: str, arguments: str, id: str) -> ToolCall:
    """A call whose `arguments` are JSON text; none at all are no arguments."""
    try:
        values = json.loads(arguments or "{}")
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, Mapping) or not name:
        raise _failures.malformed(model, "a tool call that is no JSON object")
    return ToolCall(name, values, id)
