"""Server-sent events from raw bytes.

Ours, because the SDKs' own decoders are private and cost several times as much a token. The
format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from orch_nb.providers._lines import LineTooLong, split

_BOM = b"\xef\xbb\xbf"


async def decode(chunks: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    """Yield the data of each event. Only ``data`` fields are read; comments are skipped.

    Raises `LineTooLong` when one event passes `limit` bytes.
    """
    data, size = list[bytes](), 0
    first = True
    async for line in split(chunks, limit):
        if first:
            line, first = line.removeprefix(_BOM), False  # noqa: PLW2901
        if line.startswith(b"data:"):
            value = line[5:].removesuffix(b"\r").removeprefix(b" ")
            size += len(value) + 1  # empty ones take memory as well
            if size > limit:
                raise LineTooLong
            data.append(value)
        elif line in (b"", b"\r") and data:
            yield b"\n".join(data)
            data.clear()
            size = 0
    if data:  # a last event whose blank line is missing: some servers close right after it
        yield b"\n".join(data)
