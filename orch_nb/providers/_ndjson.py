"""JSON objects line by line, from raw bytes.

Ours, because httpx and with it the ollama package break lines at U+0085 and U+2028 as well, which
JSON may contain, and keep an endless line in memory.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from orch_nb.providers._sse import LineTooLong


async def decode(chunks: AsyncIterator[bytes], limit: int) -> AsyncIterator[dict[str, Any]]:
    """Yield the object of each line that is not blank.

    Raises `LineTooLong` when one line passes `limit` bytes, another ValueError or RecursionError
    for a line that is no JSON object.
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
            if line.strip():
                yield _parse(line)
    if rest.strip():  # the last line may lack its end
        yield _parse(bytes(rest))


def _parse(line: bytes) -> dict[str, Any]:
    parsed = json.loads(line)
    if not isinstance(parsed, dict):
        raise ValueError("a line that is no object")  # noqa: TRY004 - one except for all
    return parsed
