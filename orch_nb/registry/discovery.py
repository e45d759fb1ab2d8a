"""Ask every provider what it has, at the same time and not for long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping

from orch_nb.errors import ProviderError, TimedOut
from orch_nb.types import ModelCard

#: Seconds that all listings together may take. A listing is never a paid call.
LIMIT = 5.0
#: Models that one provider may list, and characters that a name may have.
MODELS = 10_000
_NAME_LENGTH = 256

Lister = Callable[[], Awaitable[list[ModelCard]]]


async def discover(listers: Mapping[str, Lister]) -> dict[str, list[ModelCard] | ProviderError]:
    """For each provider its cards, or the error that kept it from listing them."""

    async def ask(name: str, lister: Lister) -> list[ModelCard] | ProviderError:
        try:
            async with asyncio.timeout(LIMIT):
                return bounded(name, await lister())
        except ProviderError as error:
            return error.alone()
        except TimeoutError:
            return TimedOut(name, f"listed no models within {LIMIT:g} s; is it up?")

    found = await asyncio.gather(*(ask(name, lister) for name, lister in listers.items()))
    return dict(zip(listers, found, strict=True))


def bounded(provider: str, cards: Iterable[ModelCard]) -> list[ModelCard]:
    """The cards that can be kept: names are a server's words, in any number and of any length."""
    fit = {
        card.name: card
        for card in cards
        if card.provider == provider and 0 < len(card.name) <= _NAME_LENGTH and _is_text(card.name)
    }
    return list(fit.values())[:MODELS]


def _is_text(name: str) -> bool:
    """Whether `name` can be written to a file or sent: without lone surrogates."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
