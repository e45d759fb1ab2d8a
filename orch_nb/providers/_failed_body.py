"""The body of a response that is no success: a little of it, and never unpacked."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx2

# Bytes and seconds for what a server says of its failure. Chosen: a message is a tenth of that,
# and whoever waits for it waits for the next model.
MOST, PATIENCE = 65_536, 2.0


async def shorten(response: httpx2.Response) -> None:
    """Have `response` end early, if it is no success: the SDKs read all of it, and unpack it.

    For the ``event_hooks`` of a client. What is packed is taken for empty.
    """
    if response.is_success:
        return
    import httpx2  # noqa: PLC0415 - 45 ms of CPU that %load_ext need not pay

    data, stream = bytearray(), response.stream
    packed = response.headers.pop("content-encoding", "identity").lower() != "identity"
    assert isinstance(stream, httpx2.AsyncByteStream)
    with suppress(httpx2.HTTPError, TimeoutError):
        async with asyncio.timeout(PATIENCE):
            async for chunk in stream:
                data += chunk
                if packed or len(data) > MOST:
                    break
    await stream.aclose()
    response.stream = httpx2.ByteStream(b"" if packed else bytes(data[:MOST]))
