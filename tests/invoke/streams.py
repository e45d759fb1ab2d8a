"""Small streams in memory, for what is above the providers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

from orch_nb.types import Delta, Usage

USAGE = Usage(3, 2)
END = Delta(usage=USAGE, finish="stop")


class Closed:
    """Whether a stream's clean-up ran."""

    def __init__(self) -> None:
        self.count = 0


async def stream(
    parts: Sequence[str | float | Delta | Exception], closed: Closed | None = None
) -> AsyncGenerator[Delta]:
    """Text is yielded, a number is a pause in seconds, an exception is raised."""
    try:
        for part in parts:
            if isinstance(part, Exception):
                raise part
            if isinstance(part, int | float):
                await asyncio.sleep(part)
            else:
                yield Delta(part) if isinstance(part, str) else part
    finally:
        if closed is not None:
            closed.count += 1
