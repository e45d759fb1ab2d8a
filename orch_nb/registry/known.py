"""All cards of a moment: what providers listed and the user stated, completed by the snapshot."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from orch_nb.registry.facts import with_facts, with_statement
from orch_nb.registry.source import Listing, Source
from orch_nb.settings import ModelSettings
from orch_nb.types import ModelCard


@dataclass(frozen=True, slots=True)
class Known:
    """All cards, until something changes. ``suffices``: a strategy may pick one that is listed.

    ``unlisted`` are the cards of ids that somebody named and nobody listed.
    """

    listings: Mapping[str, Listing]
    cards: tuple[ModelCard, ...]
    by_id: Mapping[str, ModelCard]
    by_name: Mapping[str, Sequence[ModelCard]]
    suffices: bool
    unlisted: dict[str, ModelCard] = field(default_factory=dict)


class Completing:
    """Adds to cards what is known of them: by their provider, the snapshot and the settings."""

    def __init__(self, sources: Mapping[str, Source], stated: Mapping[str, ModelSettings]) -> None:
        self._sources, self._stated = sources, stated

    def all(
        self, listings: Mapping[str, Listing], stated: Collection[str], simulation: str
    ) -> Known:
        """The cards of `listings`, and of the ids `stated` that nobody listed.

        `simulation` is why a strategy never picks a simulated model, "" if it may.
        """
        listed = [card for row in listings.values() for card in row.cards]
        by_id = {card.id: self.one(card, simulation) for card in listed}
        suffices = any(not (card.unranked or card.simulated) for card in by_id.values())
        by_id |= {model: self.unlisted(model) for model in stated if model not in by_id}
        cards = tuple(sorted(by_id.values(), key=lambda card: (card.priority, card.id)))
        by_name: dict[str, list[ModelCard]] = {}
        for card in cards:
            by_name.setdefault(card.name, []).append(card)
        return Known(listings, cards, by_id, by_name, suffices)

    def one(self, card: ModelCard, simulation: str = "") -> ModelCard:
        """`card` with all that is known of its model."""
        source = self._sources[card.provider]
        if card.simulated:
            card = replace(card, priority=source.priority, unranked=simulation)
        else:
            card = with_facts(card, source.vendor, source.base_url, source.priority)
        return with_statement(card, self._stated.get(card.id))

    def unlisted(self, model: str) -> ModelCard:
        """The card of the id `model`, of which its provider has said nothing."""
        provider, _, name = model.partition(":")
        return self.one(ModelCard(provider, name))
