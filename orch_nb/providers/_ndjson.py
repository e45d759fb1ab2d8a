"""JSON objects line by line, from raw bytes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from orch_nb.providers._lines import split


async def decode(chunks: AsyncIterator[bytes], limit: int) -> AsyncIterator[dict[str, Any]]:
    """Yield the object of each line that is not blank.

    Raises `LineTooLong` when one line passes `limit` bytes, another ValueError or RecursionError
    for a line that is no JSON object.
    """
    async for line in split(chunks, limit):
        if line.strip():
            parsed = json.loads(line)
            if not isinstance(parsed, dict):
                raise ValueError("a line that is no object")
            yield parsed
