"""The body of a response that is no success: a little of it, and never unpacked."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress

from orch_nb.providers._reading import Broken, Response, encoding_of, parse, pieces_of

# Bytes and seconds for what a server says of its failure. Chosen: a message is a tenth of that,
# and whoever waits for it waits for the next model.
_MOST, _PATIENCE = 65_536, 2.0


async def read_failure(response: Response, broken: Broken) -> object:
    """What `response` says, as far as it does in time: JSON or text. What is packed is "".

    `broken` is what the transport raises where the connection breaks: the status says enough.
    """
    data = bytearray()
    if not encoding_of(response):
        with suppress(TimeoutError, *broken):
            async with asyncio.timeout(_PATIENCE), aclosing(pieces_of(response)) as pieces:
                async for piece in pieces:
                    data += piece
                    if len(data) > _MOST:
                        break
    return parse(bytes(data[:_MOST]))
