"""Lines that come in very many pieces: whole, and not read from their beginning each time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from orch_nb.providers import _ndjson, _sse

Decode = Callable[[AsyncIterator[bytes], int], AsyncIterator[object]]


def decoded(decode: Decode, pieces: list[bytes], limit: int) -> list[object]:
    async def chunks() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    async def collect() -> list[object]:
        return [item async for item in decode(chunks(), limit)]

    return asyncio.run(collect())


def test_a_line_in_pieces_is_one_line() -> None:
    pieces = [b'{"a"', b": ", b'1}\n{"b', b'": 2}']
    assert decoded(_ndjson.decode, pieces, 100) == [{"a": 1}, {"b": 2}]
    pieces = [b"da", b"ta:", b" x\n", b"\ndata: y", b"\n\n"]
    assert decoded(_sse.decode, pieces, 100) == [b"x", b"y"]


@pytest.mark.parametrize("decode", [_ndjson.decode, _sse.decode])
def test_a_line_without_end_is_refused(decode: Decode) -> None:
    # Read anew with each piece, this is a terabyte of copying and does not end.
    with pytest.raises(_sse.LineTooLong):
        decoded(decode, [b"x" * 40] * 250_000, 8_000_000)


def test_empty_lines_of_one_event_count_as_well() -> None:
    with pytest.raises(_sse.LineTooLong):
        decoded(_sse.decode, [b"data:\n" * 200], 100)
