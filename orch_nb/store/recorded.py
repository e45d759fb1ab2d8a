"""What is recorded of one request: decisions and answers as plain JSON, and back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from typing import Any, ClassVar, Literal

from orch_nb.store.requested import plain, reworded
from orch_nb.types import (
    Attempt,
    Decision,
    Response,
    ToolCall,
    Usage,
)

_VERSION: Literal[1] = 1
# Dollars have some ten digits; what says more would take forever to write out.
_EXPONENT = 30
_WIDTH = 100
_SURROGATE = re.compile("[\ud800-\udfff]")


def fixed(decision: Decision) -> Decision:
    """`decision` with tuples where JSON has lists."""
    return replace(decision, ranking=tuple(decision.ranking), rejected=tuple(decision.rejected))


@dataclass(frozen=True)
class RecordedAnswer:
    """An answer, the ``text`` by its lines."""

    text: tuple[str, ...]
    model: str
    usage: Usage
    cost: Decimal | None
    finish: str
    seconds: float
    ttft: float | None
    cached: bool
    decision: Decision
    attempts: tuple[Attempt, ...] = ()
    simulated: bool = False
    calls: tuple[ToolCall, ...] = ()

    @classmethod
    def of(cls, response: Response) -> RecordedAnswer:
        """`response`, with what is kept of its decision."""
        asked = {attempt.model for attempt in response.attempts}
        return cls(
            text=tuple(response.text.splitlines(keepends=True)),
            model=response.model,
            usage=response.usage,
            cost=response.cost,
            finish=response.finish,
            seconds=response.seconds,
            ttft=response.ttft,
            cached=response.cached,
            decision=response.decision.kept(asked),
            attempts=response.attempts,
            simulated=response.simulated,
            calls=response.calls,
        )

    def restored(self) -> Response:
        """The response, as far as it does not depend on a class of the caller's."""
        return Response(
            text="".join(self.text),
            model=self.model,
            usage=self.usage,
            cost=self.cost,
            finish=self.finish,
            seconds=self.seconds,
            ttft=self.ttft,
            cached=self.cached,
            decision=fixed(self.decision),
            attempts=self.attempts,
            simulated=self.simulated,
            calls=self.calls,
            replayed=True,
        )


@dataclass(frozen=True)
class Entry:
    """All that is recorded of one request.

    ``request`` is what `orch_nb.store.requested.describe` says of it, without what looks like a
    key. ``answers`` are in the order in which they were given, ``selected`` the decisions that were
    asked for without an answer, ``tokens`` the count of its input.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = {
        "extra": "forbid",
        "hide_input_in_errors": True,
    }

    request: Mapping[str, Any]
    answers: tuple[RecordedAnswer, ...] = ()
    selected: tuple[Decision, ...] = ()
    tokens: Usage | None = None
    version: Literal[1] = _VERSION


def write_entry(entry: Entry, portable: Callable[[str], str] = str) -> bytes:
    """`entry` as JSON, laid out in lines: the same bytes for the same entry.

    Fields are sorted; what models and strategies gave names to keeps its order, in which it is
    shown. What the decisions and attempts say goes through `portable`.
    """
    data = {**plain(entry), "version": _VERSION}
    data["selected"] = reworded(data.get("selected", []), portable)
    for answer in data.get("answers", ()):
        for part in ("decision", "attempts"):
            answer[part] = reworded(answer.get(part, []), portable)
    text = _laid_out(data, "") + "\n"
    return whole(text).encode()


def whole(text: str) -> str:
    """`text` without half characters, which no file can hold."""
    return _SURROGATE.sub("\ufffd", text)


def _laid_out(value: Any, margin: str) -> str:
    line = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if not isinstance(value, dict | list) or len(margin) + len(line) <= _WIDTH:
        return line
    inner = margin + " "
    if isinstance(value, dict):
        items = [
            f"{json.dumps(name, ensure_ascii=False)}: {_laid_out(value[name], inner)}"
            for name in value
        ]
    else:
        items = [_laid_out(item, inner) for item in value]
    first, last = "{}" if isinstance(value, dict) else "[]"
    lines = f",\n{inner}".join(items)
    return f"{first}\n{inner}{lines}\n{margin}{last}"


def read_entry(data: bytes) -> Entry:
    """The entry that `data` holds. Raises `ValueError`, in a few words, for what holds none."""
    from pydantic import ValidationError  # noqa: PLC0415 - 0.1 s, for those who replay

    try:
        entry: Entry = _adapter().validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"{place}: {first['msg']}" if place else first["msg"]) from None
    if not all(decision.ranking for decision in _decisions(entry)):
        raise ValueError("a decision for no model")
    if any(abs(cost.adjusted()) > _EXPONENT for cost in _costs(entry)):
        raise ValueError("a cost that is no sum of dollars")
    return entry


def _decisions(entry: Entry) -> Iterator[Decision]:
    yield from entry.selected
    yield from (answer.decision for answer in entry.answers)


def _costs(entry: Entry) -> Iterator[Decimal]:
    costs = [cost for answer in entry.answers for cost in (answer.cost, *_paid(answer))]
    costs += [one.estimate.cost for made in _decisions(entry) for one in made.ranking]
    return (cost for cost in costs if cost)


def _paid(answer: RecordedAnswer) -> Iterator[Decimal | None]:
    return (attempt.cost for attempt in answer.attempts)


@cache
def _adapter() -> Any:
    from pydantic import TypeAdapter  # noqa: PLC0415

    return TypeAdapter(Entry)
