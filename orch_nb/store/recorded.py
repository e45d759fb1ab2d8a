"""What is recorded of one request: decisions and answers as plain JSON, and back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from orch_nb.store.recorded_error import RecordedError
from orch_nb.store.requested import plain, reworded
from orch_nb.types import (
    Attempt,
    Decision,
    Response,
    ToolCall,
    Usage,
)

if TYPE_CHECKING:
    from pydantic import ValidationError

# 1 had no errors.
_VERSION: Literal[2] = 2
# Dollars have some ten digits; what says more would take forever to write out.
_EXPONENT = 30
_WIDTH = 100
T = TypeVar("T")
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
    key. ``answers`` are in the order in which they were given, ``errors`` what there was in the
    place of others, ``selected`` the decisions that were asked for without an answer, ``refused``
    what there was in the place of others of these, ``tokens`` the count of its input.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = {
        "extra": "forbid",
        "hide_input_in_errors": True,
    }

    request: Mapping[str, Any]
    answers: tuple[RecordedAnswer, ...] = ()
    selected: tuple[Decision, ...] = ()
    tokens: Usage | None = None
    errors: tuple[RecordedError, ...] = ()
    refused: tuple[RecordedError, ...] = ()
    version: Literal[1, 2] = _VERSION

    def asked(self) -> list[RecordedAnswer | RecordedError]:
        """Answers and errors in the order in which they were given."""
        return _merged(self.answers, self.errors)

    def chosen(self) -> list[Decision | RecordedError]:
        """Decisions and errors in the order in which they were given."""
        return _merged(self.selected, self.refused)


def _merged(given: Sequence[T], errors: Sequence[RecordedError]) -> list[T | RecordedError]:
    merged: list[T | RecordedError] = []
    for place, one in enumerate(given):
        merged += [error for error in errors if error.after == place]
        merged.append(one)
    return merged + [error for error in errors if not 0 <= error.after < len(given)]


def write_entry(entry: Entry, portable: Callable[[str], str] = str) -> bytes:
    """`entry` as JSON, laid out in lines: the same bytes for the same entry.

    Fields are sorted; what models and strategies gave names to keeps its order, in which it is
    shown. What the decisions and attempts say goes through `portable`.
    """
    data = {**plain(entry), "version": _VERSION}
    data["selected"] = reworded(data.get("selected", []), portable)
    for failed in (*data.get("errors", ()), *data.get("refused", ())):
        text = failed.get("text", [])
        failed.update(reworded({**failed, "text": []}, portable), text=text)
    for answer in data.get("answers", ()):
        for part in ("decision", "attempts"):
            answer[part] = reworded(answer.get(part, []), portable)
    text = laid_out(data) + "\n"
    return whole(text).encode()


def whole(text: str) -> str:
    """`text` without half characters, which no file can hold."""
    return _SURROGATE.sub("\ufffd", text)


def laid_out(value: Any, margin: str = "") -> str:
    """Plain JSON in lines of at most 100 characters, where that is possible."""
    line = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if not isinstance(value, dict | list) or len(margin) + len(line) <= _WIDTH:
        return line
    inner = margin + " "
    if isinstance(value, dict):
        items = [
            f"{json.dumps(name, ensure_ascii=False)}: {laid_out(value[name], inner)}"
            for name in value
        ]
    else:
        items = [laid_out(item, inner) for item in value]
    first, last = "{}" if isinstance(value, dict) else "[]"
    lines = f",\n{inner}".join(items)
    return f"{first}\n{inner}{lines}\n{margin}{last}"


def read_entry(data: bytes) -> Entry:
    """The entry that `data` holds. Raises `ValueError`, in a few words, for what holds none."""
    from pydantic import ValidationError  # noqa: PLC0415 - 0.1 s, for those who replay

    try:
        entry: Entry = _adapter().validate_json(data)
    except ValidationError as error:
        raise ValueError(first_error(error)) from None
    if not all(decision.ranking for decision in _decisions(entry)):
        raise ValueError("a decision for no model")
    if any(abs(cost.adjusted()) > _EXPONENT for cost in _costs(entry)):
        raise ValueError("a cost that is no sum of dollars")
    return entry


def first_error(error: ValidationError) -> str:
    """What is wrong first, and where, without what was read."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg']}" if place else first["msg"]


def _decisions(entry: Entry) -> Iterator[Decision]:
    yield from entry.selected
    yield from (answer.decision for answer in entry.answers)
    failed = (*entry.errors, *entry.refused)
    yield from (error.decision for error in failed if error.decision is not None)


def _costs(entry: Entry) -> Iterator[Decimal]:
    costs = [answer.cost for answer in entry.answers]
    made: list[RecordedAnswer | RecordedError] = [*entry.asked(), *entry.refused]
    costs += [attempt.cost for one in made for attempt in one.attempts]
    costs += [one.estimate.cost for choice in _decisions(entry) for one in choice.ranking]
    return (cost for cost in costs if cost)


@cache
def _adapter() -> Any:
    from pydantic import TypeAdapter  # noqa: PLC0415

    return TypeAdapter(Entry)
