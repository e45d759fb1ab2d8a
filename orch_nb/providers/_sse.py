"""Server-sent events from raw bytes.

Ours, because what there is does not serve: the line iterators of httpx and httpx2 break lines at
U+2028 and U+0085 as well, which JSON may contain, and the SDKs' own decoders are private and cost
several times as much a token. The format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

from collections.abc import AsyncIterator

_BOM = b"\xef\xbb\xbf"


class LineTooLong(ValueError):
    """A line, or the data of one event, is larger than allowed."""


async def decode(chunks: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    """Yield the data of each event. Only ``data`` fields are read; comments are skipped.

    Raises `LineTooLong` when one event passes `limit` bytes.
    """
    rest, data, size = bytearray(), list[bytes](), 0
    first = True
    async for chunk in chunks:
        if b"\n" not in chunk:  # grown in place: a line may come in very many pieces
            rest += chunk
            if len(rest) > limit:
                raise LineTooLong
            continue
        *lines, last = bytes(rest + chunk).split(b"\n")
        rest = bytearray(last)
        for line in lines:
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
