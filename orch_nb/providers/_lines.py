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


async def split(chunks: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    """Yield each line without its line feed; what follows the last one comes too, unless empty.

    Raises `LineTooLong` when an unfinished line passes `limit` bytes.
    """
    rest = bytearray()
    async for chunk in chunks:
        if b"\n" not in chunk:  # grown in place: a line may come in very many pieces
            rest += chunk
            if len(rest) > limit:
                raise LineTooLong
            continue
        *lines, last = bytes(rest + chunk).split(b"\n")
        rest = bytearray(last)
        for line in lines:
            yield line
    if rest:
        yield bytes(rest)


async def drain(chunks: AsyncIterator[bytes], broken: type[Exception]) -> None:
    """Read what follows the end mark, so that the connection can serve the next request.

    `broken` is what the transport raises when there is nothing to read any more.
    """
    with suppress(TimeoutError, broken):
        async with asyncio.timeout(_DRAIN):
            async for _ in chunks:
                pass
