"""Tool calls as they come in a stream: a name, and arguments as JSON in pieces."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from orch_nb.providers import _failures
from orch_nb.types import ToolCall

_MOST = 1_000_000  # characters of all arguments of an answer, and pieces that they come in


@dataclass(slots=True)
class _Growing:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


class CallBuilder:
    """Puts calls together by the index that their pieces carry, or by their id.

    What is larger than any call, pieces without end for example, is dropped and no answer.
    """

    def __init__(self) -> None:
        self._calls: list[_Growing] = []
        self._open: dict[int, _Growing] = {}
        self._size = 0

    def add(self, index: object, *, id: object, name: object, arguments: object) -> None:
        """Take one piece; what is no text adds nothing, but for arguments that are JSON already."""
        given = json.dumps(arguments) if isinstance(arguments, dict) else arguments
        said = given if isinstance(given, str) else ""
        self._size += len(said) + 1
        if self._size > _MOST:
            return
        place = index if isinstance(index, int) else 0
        call, known = self._open.get(place), id if isinstance(id, str) else ""
        # Some servers give every call the same index, or none.
        if call is None or (known and call.id not in ("", known)):
            call = self._open[place] = _Growing()
            self._calls.append(call)
        call.id = call.id or known
        call.name = call.name or (name if isinstance(name, str) else "")
        call.arguments.append(said)

    def build(self, model: str) -> tuple[ToolCall, ...]:
        """All calls, in the order of their beginnings.

        Raises `BrokenAnswer` when arguments are no JSON object, or too large.
        """
        if self._size > _MOST:
            raise _failures.malformed(model, "a tool call of unreasonable size")
        return tuple(
            read_call(model, call.name, "".join(call.arguments), call.id) for call in self._calls
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
