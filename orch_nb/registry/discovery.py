"""Ask every provider what it has, at the same time and not for long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from orch_nb.errors import ProviderError, TimedOut
from orch_nb.types import ModelCard

#: Seconds that all listings together may take. A listing is never a paid call.
LIMIT = 5.0

Lister = Callable[[], Awaitable[list[ModelCard]]]


async def discover(listers: Mapping[str, Lister]) -> dict[str, list[ModelCard] | ProviderError]:
    """For each provider its cards, or the error that kept it from listing them."""

    async def ask(name: str, lister: Lister) -> list[ModelCard] | ProviderError:
        try:
            async with asyncio.timeout(LIMIT):
                return await lister()
        except ProviderError as error:
            return error
        except TimeoutError:
            return TimedOut(name, f"listed no models within {LIMIT:g} s; is it up?")

    found = await asyncio.gather(*(ask(name, lister) for name, lister in listers.items()))
    return dict(zip(listers, found, strict=True))
