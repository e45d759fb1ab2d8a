"""Tool calls from pieces, in the ways in which servers number them."""

from __future__ import annotations

from typing import Any

import pytest

from orch_nb.errors import BrokenAnswer
from orch_nb.providers._calls import CallBuilder
from orch_nb.types import ToolCall

Piece = tuple[Any, Any, Any, Any]
ROME = ToolCall("look_up", {"city": "Rome"}, "a")
OSLO = ToolCall("look_up", {"city": "Oslo"}, "b")


def build(*pieces: Piece) -> tuple[ToolCall, ...]:
    builder = CallBuilder()
    for index, id_, name, arguments in pieces:
        builder.add(index, id=id_, name=name, arguments=arguments)
    return builder.build("p:m")


@pytest.mark.parametrize(
    "pieces",
    [
        # as OpenAI does, one after the other or woven together
        [(0, "a", "look_up", '{"city": '), (0, None, None, '"Rome"}'),
         (1, "b", "look_up", ""), (1, None, None, '{"city": "Oslo"}')],
        [(0, "a", "look_up", '{"city"'), (1, "b", "look_up", '{"city": "Os'),
         (0, None, None, ': "Rome"}'), (1, None, None, 'lo"}')],
        # each piece with its id and name
        [(0, "a", "look_up", '{"city": '), (0, "a", "look_up", '"Rome"}'),
         (1, "b", "look_up", '{"city": "Oslo"}')],
        # every call with the same index, or none
        [(0, "a", "look_up", '{"city": "Rome"}'), (0, "b", "look_up", '{"city": '),
         (0, None, None, '"Oslo"}')],
        [(None, "a", "look_up", '{"city": "Rome"}'), (None, "b", "look_up", '{"city": "Oslo"}')],
    ],
)  # fmt: skip
def test_pieces_become_calls(pieces: list[Piece]) -> None:
    assert build(*pieces) == (ROME, OSLO)


def test_no_pieces_are_no_calls_and_no_arguments_are_none() -> None:
    assert build() == ()
    assert build((0, "a", "now", None)) == (ToolCall("now", {}, "a"),)


@pytest.mark.parametrize(
    "piece",
    [
        (0, "a", None, "{}"),  # no name
        (0, "a", 5, "{}"),
        (0, "a", "look_up", "{"),
        (0, "a", "look_up", "[]"),
        (0, "a", "look_up", "{}{}"),
        (0, "a", "look_up", '{"a": ' + "[" * 100_000),
        (0, "a", "look_up", '{"a": ' + "9" * 100_000 + "}"),
        (0, "a", "look_up", '{"a": "' + "x" * 1_000_000 + '"}'),
    ],
)
def test_what_is_no_call_is_a_broken_answer(piece: Piece) -> None:
    with pytest.raises(BrokenAnswer) as caught:
        build(piece)
    assert str(caught.value).startswith("p:m: ")
    assert "tool call" in str(caught.value)
    assert len(str(caught.value)) < 500


def test_pieces_without_end_are_not_kept() -> None:
    with pytest.raises(BrokenAnswer, match="unreasonable size"):
        build(*[(i, None, "look_up", "") for i in range(1_000_001)])
