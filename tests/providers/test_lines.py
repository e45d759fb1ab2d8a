"""Lines that come in very many pieces: whole, and not read from their beginning each time."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from orch_nb.errors import BrokenAnswer, ServerFailed
from orch_nb.providers import _chat, _failures
from orch_nb.providers._lines import Lines, LineTooLong
from orch_nb.providers._reading import Framing, Reading
from orch_nb.providers._sse import Events

Make = Callable[[int], Framing]


def taken_apart(make: Make, pieces: list[bytes], limit: int) -> list[bytes]:
    framing = make(limit)
    return [found for piece in pieces for found in framing.feed(piece)] + framing.end()


def test_a_line_in_pieces_is_one_line() -> None:
    pieces = [b'{"a"', b": ", b'1}\n{"b', b'": 2}']
    assert taken_apart(Lines, pieces, 100) == [b'{"a": 1}', b'{"b": 2}']
    pieces = [b"da", b"ta:", b" x\n", b"\ndata: y", b"\n\n"]
    assert taken_apart(Events, pieces, 100) == [b"x", b"y"]


@pytest.mark.parametrize("make", [Lines, Events])
def test_a_line_without_end_is_refused(make: Make) -> None:
    # Read anew with each piece, this is a terabyte of copying and does not end.
    with pytest.raises(LineTooLong):
        taken_apart(make, [b"x" * 40] * 250_000, 8_000_000)


def test_empty_lines_of_one_event_count_as_well() -> None:
    with pytest.raises(LineTooLong):
        taken_apart(Events, [b"data:\n" * 200], 100)


def reading() -> Reading:
    return Reading(Events(1000), _chat.Reader("a:m"), "a:m", _failures.describe)


def event(text: str, **more: object) -> bytes:
    data = {"choices": [{"delta": {"content": text}, **more}]}
    return b"data: " + json.dumps(data).encode() + b"\n\n"


def test_text_that_came_together_stays_together_and_the_end_follows_it() -> None:
    read = reading()
    assert [delta.text for delta in read.take(event("a") + event("b"))] == ["ab"]
    assert not read.complete
    last = list(read.take(event("c", finish_reason="stop") + b"data: [DONE]\n\n" + event("d")))
    assert [(delta.text, delta.finish) for delta in last] == [("c", None), ("", "stop")]
    assert read.complete


def test_text_before_a_failure_in_the_same_piece_is_not_lost() -> None:
    for bad, error in (
        (b"data: {not json\n\n", BrokenAnswer),
        (b"data: []\n\n", BrokenAnswer),
        (b'data: {"error": {"message": "overloaded"}}\n\n', ServerFailed),
    ):
        deltas = reading().take(event("a") + event("b") + bad + event("c"))
        assert next(deltas).text == "ab"
        with pytest.raises(error):
            next(deltas)


def test_half_a_surrogate_pair_is_read() -> None:
    assert [delta.text for delta in reading().take(event("\ud83c"))] == ["\ud83c"]
