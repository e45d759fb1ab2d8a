"""The cards of all models that can be used now."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from orch_nb.errors import InputError, ProviderError, UnknownNameError
from orch_nb.registry.discovery import discover
from orch_nb.registry.facts import line_up, with_facts, with_statement
from orch_nb.settings import ModelSettings
from orch_nb.types import ModelCard, Rejection

# Seconds for which a provider that could not list its models is left alone.
_RETRY_AFTER = 60.0


class Lists(Protocol):
    """What can list its models."""

    async def list_models(self) -> list[ModelCard]:
        """What is there. Raises a `ProviderError` when it cannot say."""
        ...


class Source(Protocol):
    """Where cards come from: a configured provider."""

    @property
    def provider(self) -> Lists:
        """What is asked for the list."""
        ...

    @property
    def vendor(self) -> str | None:
        """Its type where its models are that vendor's own, else None."""
        ...

    @property
    def base_url(self) -> str | None:
        """Where it is; None for what is built in."""
        ...

    @property
    def priority(self) -> int:
        """Of models with equal scores, the one with the lower number is taken."""
        ...


@dataclass(slots=True)
class _Listing:
    cards: dict[str, ModelCard]
    error: ProviderError | None = None
    good_until: float = float("inf")


class Catalog:
    """Cards by id: what providers listed, completed by the snapshot, corrected by the user.

    Parameters
    ----------
    sources
        The configured providers by name.
    stated
        What the settings state, by model id. These models exist whether listed or not.
    """

    def __init__(self, sources: Mapping[str, Source], stated: Mapping[str, ModelSettings]) -> None:
        self._sources, self._stated = sources, stated
        self._listings: dict[str, _Listing] = {}
        self._discovering = asyncio.Lock()
        # Simulated answers never stand in for real ones.
        self._only_simulated = all(source.vendor == "sim" for source in sources.values())

    async def discover(
        self, names: Collection[str] | None = None, *, refresh: bool = False
    ) -> None:
        """Have the providers `names` (all, without it) list their models, unless they did.

        Takes at most `discovery.LIMIT` seconds; one that fails harms nobody and is asked again
        after a minute.
        """
        now = asyncio.get_running_loop().time()
        async with self._discovering:
            wanted = {
                name: source.provider.list_models
                for name, source in self._sources.items()
                if (names is None or name in names)
                and (refresh or name not in self._listings or self._listings[name].good_until < now)
            }
            for name, found in (await discover(wanted)).items():
                if isinstance(found, ProviderError):
                    self._listings[name] = _Listing({}, found, now + _RETRY_AFTER)
                else:
                    cards = (self._complete(card) for card in found)
                    self._listings[name] = _Listing({card.id: card for card in cards})

    def cards(self) -> tuple[ModelCard, ...]:
        """All known cards, by priority, then by id: the same order each time."""
        known = {card.id: card for row in self._listings.values() for card in row.cards.values()}
        for model in self._stated:
            provider = model.partition(":")[0]
            if provider in self._sources and model not in known:
                known[model] = self._unlisted(model)
        return tuple(sorted(known.values(), key=lambda card: (card.priority, card.id)))

    def unreachable(self) -> tuple[Rejection, ...]:
        """The providers that could not say what they have, and why."""
        return tuple(
            Rejection(name, str(row.error).removeprefix(f"{name}: "))
            for name, row in self._listings.items()
            if row.error is not None
        )

    def resolve(self, name: str) -> ModelCard:
        """The card that `name`, an id or a bare name, means.

        A full id that no provider listed gives a card with what the snapshot knows: it is tried
        as it is. Raises `UnknownNameError`, or `InputError` if a bare name is ambiguous.
        """
        provider, colon, model = name.partition(":")
        if colon and model and provider in self._sources:
            listing = self._listings.get(provider)
            return (listing and listing.cards.get(name)) or self._unlisted(name)
        matches = [card for card in self.cards() if card.name == name]
        if len(matches) == 1:
            return matches[0]
        if matches:
            ids = ", ".join(card.id for card in matches)
            raise InputError(f"{name!r} is the name of several models; say which: {ids}")
        hint = f" (a full id is provider:model; providers here: {', '.join(sorted(self._sources))})"
        raise UnknownNameError("model", name, self.names(), hint)

    def ids(self) -> tuple[str, ...]:
        """The ids that a strategy may pick, as far as they are known without asking anybody.

        For a provider that was not asked yet these are the snapshot's.
        """
        listed = [card.id for card in self.cards() if not card.unranked]
        snapshot = [
            f"{provider}:{name}"
            for provider, source in self._sources.items()
            if provider not in self._listings and (source.vendor != "sim" or self._only_simulated)
            for name in line_up(source.vendor)
        ]
        return tuple(dict.fromkeys(listed + snapshot))

    def names(self) -> tuple[str, ...]:
        """What may be written for a model: `ids`, and their bare names."""
        ids = self.ids()
        return tuple(dict.fromkeys([*ids, *(model.partition(":")[2] for model in ids)]))

    async def prepare(self, names: Sequence[str]) -> None:
        """Learn what is needed to choose, or to `resolve` the `names` that were chosen.

        For full ids that is nothing over the network.
        """
        if names and all(self._is_id(name) for name in names):
            built_in = [name for name, source in self._sources.items() if source.base_url is None]
            await self.discover(built_in)
        else:
            await self.discover()

    def _is_id(self, name: str) -> bool:
        provider, _, model = name.partition(":")
        return bool(model) and provider in self._sources

    def _unlisted(self, model: str) -> ModelCard:
        provider, _, name = model.partition(":")
        return self._complete(ModelCard(provider, name))

    def _complete(self, card: ModelCard) -> ModelCard:
        source = self._sources[card.provider]
        card = replace(card, priority=source.priority)
        if card.simulated:
            unranked = "" if self._only_simulated else "simulated; a real provider is configured"
            card = replace(card, unranked=unranked)
        else:
            card = with_facts(card, source.vendor, source.base_url)
        return with_statement(card, self._stated.get(card.id))
