"""Lines from raw bytes, whatever pieces they come in, and the end of a body.

Ours, because the line iterators of httpx and httpx2 break lines at U+2028 and U+0085 as well,
which JSON may contain, and keep an endless line in memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

# Seconds that a server may take to close an answer after its end mark before we hang up.
_DRAIN = 0.1


class LineTooLong(ValueError):
    """A line, or the data of one event, is larger than allowed."""


class Lines:
    """The lines of one body, each without its line feed. An unfinished one has `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest = bytearray()

    def feed(self, piece: bytes) -> list[bytes]:
        """The lines that end in `piece`. Raises `LineTooLong`."""
        if b"\n" not in piece:  # grown in place: a line may come in very many pieces
            self._rest += piece
            if len(self._rest) > self._limit:
                raise LineTooLong
            return []
        *lines, last = bytes(self._rest + piece).split(b"\n")
        self._rest = bytearray(last)
        return lines

    def end(self) -> list[bytes]:
        """What follows the last line feed, unless it is empty."""
        return [bytes(self._rest)] if self._rest else []


async def drain(chunks: AsyncIterator[bytes], broken: tuple[type[Exception], ...]) -> None:
    """Read what follows the end mark, so that the connection can serve the next request.

    `broken` is what the transport raises when there is nothing to read any more.
    """
    with suppress(TimeoutError, *broken):
        async with asyncio.timeout(_DRAIN):
            async for _ in chunks:
                pass
