"""The cards of all models that can be used now."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress

from orch_nb.errors import InputError, ProviderError, UnknownNameError
from orch_nb.registry.discovery import discover
from orch_nb.registry.facts import unranked
from orch_nb.registry.known import Completing, Known
from orch_nb.registry.line_ups import line_up
from orch_nb.registry.memory import Memory, Remembered
from orch_nb.registry.source import Listing, Source
from orch_nb.settings import ModelSettings
from orch_nb.types import ModelCard, Rejection

# Seconds for which a provider that could not list its models is left alone.
_RETRY_AFTER = 60.0


class Catalog:
    """Cards by id: what providers listed, completed by the snapshot, corrected by the user.

    Parameters
    ----------
    sources
        The configured providers by name.
    stated
        What the settings state, by model id. These models exist whether listed or not.
    memory
        Where listings are kept for the next session; None: they are not.
    clock
        Seconds since the epoch.
    changed
        Called when some provider has said what it has.
    """

    def __init__(
        self,
        sources: Mapping[str, Source],
        stated: Mapping[str, ModelSettings],
        memory: Memory | None = None,
        clock: Callable[[], float] = time.time,
        changed: Callable[[], object] = lambda: None,
    ) -> None:
        self._sources, self._stated = sources, stated
        self._completing = Completing(sources, stated)
        #: The names of all providers that may be asked.
        self.providers = tuple(sources)
        self._built_in = tuple(name for name, source in sources.items() if source.base_url is None)
        self._memory, self._clock, self._changed = memory, clock, changed
        self._listings: Mapping[str, Listing] | None = None
        self._asked: dict[str, float] = {}  # until when an answer holds, on the loop's clock
        self._found: set[str] = set()  # of those that are looked for, also when they go away again
        self._known: Known | None = None
        self._discovering = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._behind: asyncio.Task[None] | None = None

    async def discover(
        self, names: Collection[str] | None = None, *, refresh: bool = False
    ) -> None:
        """Have the providers `names` (all, without it) list their models, unless they did.

        Takes at most `discovery.LIMIT` seconds; one that fails harms nobody and is asked again
        after a minute. Raises `UnknownNameError`.
        """
        wanted = self._sources if names is None else names
        for name in wanted:
            if name not in self._sources:
                raise UnknownNameError("provider", name, self._sources)
        if refresh:
            await self.close()  # asks the same
        if not refresh and not self._due(wanted):
            return  # without waiting for those who ask others
        async with self._lock():
            due = wanted if refresh else self._due(wanted)
            found = await discover({n: self._sources[n].provider.list_models for n in due})
            now, at = asyncio.get_running_loop().time(), self._clock()
            news: dict[str, Listing] = {}
            for name, cards in found.items():
                if isinstance(cards, ProviderError):
                    row, good_for = Listing((), at, reachable=False, error=cards), _RETRY_AFTER
                else:
                    row, good_for = Listing(tuple(cards), at), float("inf")
                news[name] = row
                self._asked[name] = now + good_for
            self.listings()  # what was remembered comes first
            self._take(news)
            self._remember(found)
            self._changed()

    async def prepare(self, names: Sequence[str]) -> None:
        """Learn what is needed to choose, or to `resolve` the `names` that were chosen.

        Waits for no provider where the models that are known suffice; those that were not asked
        yet are asked meanwhile, for later choices. For full ids nobody is asked.
        """
        if self.is_prepared(names):
            return
        await self.discover(self._built_in)
        if names and all(map(self._is_id, names)):
            return
        if not self._suffices(names):
            await self.discover()
        elif self._due(self._sources) and (self._behind is None or self._behind.done()):
            self._behind = asyncio.get_running_loop().create_task(self.discover())

    def is_prepared(self, names: Sequence[str]) -> bool:
        """Whether `prepare` has nobody left to ask."""
        wanted = self._built_in if names and all(map(self._is_id, names)) else self._sources
        return not wanted or not self._due(wanted)

    async def close(self) -> None:
        """Stop asking behind the user's back."""
        if self._behind is not None:
            self._behind.cancel()
            with suppress(asyncio.CancelledError):
                await self._behind

    def cards(self) -> tuple[ModelCard, ...]:
        """All known cards, by priority, then by id: the same order each time."""
        return self._all().cards

    def unreachable(self) -> tuple[Rejection, ...]:
        """The providers that could not say what they have, and why."""
        return tuple(
            Rejection(name, str(row.error).removeprefix(f"{name}: "))
            for name, row in self.listings().items()
            if row.error is not None and self.takes_part(name)
        )

    def places(self) -> Mapping[str, str]:
        """The addresses of the providers; "" is this machine."""
        return {name: source.base_url or "" for name, source in self._sources.items()}

    def takes_part(self, name: str) -> bool:
        """Whether the provider is configured, or a model was found where it usually is."""
        self.listings()
        return not self._sources[name].probed or name in self._found

    def listings(self) -> Mapping[str, Listing]:
        """What each provider listed, so far: never changed, as other threads read it."""
        if self._listings is None:
            remembered = self._memory.load() if self._memory else {}
            known: dict[str, Listing] = {}
            for name, source in self._sources.items():
                row = remembered.get(source.place)
                if row is not None:
                    known[name] = Listing(row.cards, row.at, row.reachable)
                elif source.official:
                    cards = (ModelCard(name, model) for model in line_up(source.vendor))
                    known[name] = Listing(tuple(cards))
            self._take(known)
        return self._listings or {}

    def _take(self, news: Mapping[str, Listing]) -> None:
        found = {n for n, row in news.items() if any(map(self._may_rank, row.cards))}
        self._found = self._found | found
        self._listings = {**(self._listings or {}), **news}

    def _may_rank(self, card: ModelCard) -> bool:
        """Whether a strategy may pick the model, as far as is known without its price."""
        return not (card.unranked or unranked(card.name, self._sources[card.provider].vendor))

    def resolve(self, name: str) -> ModelCard:
        """The card that `name`, an id or a bare name, means.

        A full id that no provider listed gives a card with what the snapshot knows: it is tried
        as it is. Raises `UnknownNameError`, or `InputError` if a bare name is ambiguous.
        """
        known = self._all()
        if card := known.by_id.get(name) or known.unlisted.get(name):
            return card
        if self._is_id(name):
            card = known.unlisted[name] = self._completing.unlisted(name)
            return card
        matches = known.by_name.get(name, ())
        if len(matches) == 1:
            return matches[0]
        if matches:
            ids = ", ".join(card.id for card in matches)
            raise InputError(f"{name!r} is the name of several models; say which: {ids}")
        here = ", ".join(sorted(filter(self.takes_part, self._sources)))
        hint = f" (a full id is provider:model; providers here: {here})"
        raise UnknownNameError("model", name, self.names(), hint)

    def instances(self, name: str) -> Sequence[ModelCard]:
        """All models with the bare `name`, at whatever provider; of an id, just that one."""
        return self._all().by_name.get(name) or [self.resolve(name)]

    def absence(self, model: str) -> str:
        """Why the model with the id `model` is not there, "" where it may be.

        Raises `UnknownNameError` if its provider lists others, and not this one.
        """
        provider = model.partition(":")[0]
        row = self.listings().get(provider)
        if provider not in self._sources:
            raise UnknownNameError("provider", provider, self._sources)
        if row is not None and row.error is not None:
            return str(row.error).removeprefix(f"{provider}: ")
        if row is not None and row.cards and model not in self._all().by_id:
            raise UnknownNameError("model", model, self.ids())
        return ""

    def ids(self) -> tuple[str, ...]:
        """The ids that a strategy may pick, as far as they are known without asking anybody.

        For a provider that was never asked these are its vendor's line-up.
        """
        ids = [model for model in self._stated if self._has_provider(model)]
        for name, source in self._sources.items():
            if not self.takes_part(name) or (source.vendor == "sim" and not self._only_simulated):
                continue
            row = self.listings().get(name)
            if row is None:
                ids += [f"{name}:{model}" for model in line_up(source.vendor)]
            else:
                ids += [card.id for card in row.cards if self._may_rank(card)]
        return tuple(sorted(dict.fromkeys(ids), key=lambda model: (self._priority(model), model)))

    def names(self) -> tuple[str, ...]:
        """What may be written for a model: `ids`, and their bare names."""
        ids = self.ids()
        return tuple(dict.fromkeys([*ids, *(model.partition(":")[2] for model in ids)]))

    def _all(self) -> Known:
        listings, known = self.listings(), self._known
        if known is None or known.listings is not listings:
            simulation = "" if self._only_simulated else "simulated; a real provider is configured"
            stated = list(filter(self._has_provider, self._stated))
            known = self._known = self._completing.all(listings, stated, simulation)
        return known

    def _suffices(self, names: Sequence[str]) -> bool:
        """Whether the models that some provider has, as far as is known, are enough."""
        if names:
            return all(self._is_id(name) or name in self._all().by_name for name in names)
        only_simulated = all(source.vendor == "sim" for source in self._sources.values())
        return only_simulated or self._all().suffices

    def _lock(self) -> asyncio.Lock:
        """One at a time asks; a session that was closed and is used again has another loop."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._discovering = loop, asyncio.Lock()
        return self._discovering

    def _due(self, names: Iterable[str]) -> list[str]:
        now = asyncio.get_running_loop().time()
        return [name for name in names if self._asked.get(name, -1.0) < now]

    def _remember(self, names: Collection[str]) -> None:
        rows = {name: self.listings()[name] for name in names}
        news = {
            self._sources[name].place: Remembered(row.at or 0.0, row.reachable, row.cards)
            for name, row in rows.items()
            if self._sources[name].base_url is not None
        }
        if news and self._memory is not None:
            self._memory.save(news)

    @property
    def _only_simulated(self) -> bool:
        """Whether nothing real is there: simulated answers never stand in for real ones."""
        return all(s.vendor == "sim" or not self.takes_part(n) for n, s in self._sources.items())

    def _has_provider(self, model: str) -> bool:
        provider = model.partition(":")[0]
        return provider in self._sources and self.takes_part(provider)

    def _priority(self, model: str) -> int:
        return self._sources[model.partition(":")[0]].priority

    def _is_id(self, name: str) -> bool:
        provider, _, model = name.partition(":")
        return bool(model) and provider in self._sources
