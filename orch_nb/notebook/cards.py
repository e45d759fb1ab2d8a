"""``%orch models``: which models there are, and what is known of each, with its source."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from decimal import Decimal
from urllib.parse import urlsplit

from orch_nb.errors import InputError
from orch_nb.figures import whole
from orch_nb.notebook.tables import Bundle, table
from orch_nb.providers._model_files import add_model
from orch_nb.session import Session
from orch_nb.settings import user_home
from orch_nb.types import ModelCard, Prices, Rejection

_UNKNOWN = "—"
_ROWS = 200


def show_models(words: list[str], session: Session) -> Bundle:
    """The table of all models, or the card of the one that is named."""
    refresh = "--refresh" in words
    names = [word for word in words if word != "--refresh"]
    if names[:1] == ["add"]:
        return _add(names[1:], session)
    if len(names) > 1 or any(name.startswith("-") for name in names):
        raise InputError("use `%orch models [MODEL] [--refresh]` or `%orch models add FILE.gguf`")
    if refresh:
        session.refresh()
    cards = session.models()
    places = session.catalog.places()
    if names:
        return card_table(session.catalog.resolve(names[0]), places)
    down = session.catalog.unreachable()
    return models_table(cards, places, down, session.settings.off)


def models_table(
    cards: list[ModelCard],
    places: Mapping[str, str],
    down: tuple[Rejection, ...] = (),
    off: Collection[str] = (),
) -> Bundle:
    """One row for each model that a strategy may pick, and the others with the reason.

    `places` are the addresses of the providers, `down` those that could not be asked, `off` the
    models that are switched off.
    """
    reasons = {card.id: "switched off" if card.id in off else card.unranked for card in cards}
    ranked = [card for card in cards if not reasons[card.id]]
    folded = [f"not {model}: {reason}" for model, reason in reasons.items() if reason]
    folded += [f"not {row.model}: {row.reason}" for row in down]
    if len(ranked) > _ROWS:
        folded.insert(0, f"{len(ranked) - _ROWS} more models may be picked; Tab completes them all")
    head = ["model", "context", "$/M in", "$/M out", "can", "tier", "where"]
    rows = [
        [
            card.id,
            count(card.context),
            price(card.prices, "input"),
            price(card.prices, "output"),
            _can(card),
            _UNKNOWN if card.tier is None else f"{card.tier:.2f}",
            _where(card, places),
        ]
        for card in ranked[:_ROWS]
    ]
    note = "`%orch models MODEL` says where each fact comes from, --refresh asks the providers anew"
    return table(head, rows, note, folded[:_ROWS])


def card_table(card: ModelCard, places: Mapping[str, str]) -> Bundle:
    """Every fact about one model, and where it comes from."""
    facts: Mapping[str, str] = {
        "context": f"{count(card.context)} tokens" if card.context else _UNKNOWN,
        "max_output": f"{count(card.max_output)} tokens" if card.max_output else _UNKNOWN,
        "prices": _prices(card.prices),
        "capabilities": _can(card),
        "tier": _UNKNOWN if card.tier is None else f"{card.tier:.2f} (a prior, not measured)",
        "quality": ", ".join(f"{kind} {value:g}" for kind, value in card.quality.items()),
        "speed": "" if card.speed is None else f"{card.speed:g} tokens/s",
        "size": "" if card.size is None else f"{card.size / 1e9:.1f} GB",
        "variant": card.variant,
    }
    rows = [
        [name.replace("_", " "), fact, card.sources.get(name, "unknown")]
        for name, fact in facts.items()
        if fact
    ]
    rows.append(["where", _where(card, places), f"priority {card.priority}"])
    return table([card.id, "is", "source"], rows, card.unranked and f"not ranked: {card.unranked}")


def _add(names: list[str], session: Session) -> Bundle:
    if len(names) != 1:
        raise InputError("use `%orch models add FILE.gguf`")
    name = add_model(names[0], user_home(os.environ))
    session.reload()
    return table(["added"], [[f"local:{name}"]])


def _where(card: ModelCard, places: Mapping[str, str]) -> str:
    if card.simulated:
        return "simulated"
    place = urlsplit(places.get(card.provider, "")).netloc or "this machine"
    return f"{place}, loaded" if card.loaded else place


def _can(card: ModelCard) -> str:
    if card.capabilities is None:
        return _UNKNOWN
    return ", ".join(sorted(card.capabilities)) or "text"


def count(tokens: int | None) -> str:
    """Thousands apart; a dash for unknown."""
    return _UNKNOWN if tokens is None else whole(tokens)


def price(prices: Prices | None, kind: str) -> str:
    """Dollars per million tokens, of the `kind` "input" or "output"; a dash for unknown."""
    return _UNKNOWN if prices is None else _dollars(getattr(prices, kind))


def _prices(prices: Prices | None) -> str:
    if prices is None:
        return _UNKNOWN
    said = [f"{_dollars(prices.input)} in, {_dollars(prices.output)} out"]
    if prices.cached is not None:
        said.append(f"{_dollars(prices.cached)} cached")
    said += [
        f"above {count(start)} tokens {_dollars(more.input)} in, {_dollars(more.output)} out"
        for start, more in prices.long_context
    ]
    return "; ".join(said) + " per million tokens"


def _dollars(amount: Decimal) -> str:
    """A list price in full, with cents: it is not rounded as a bill is."""
    exact = f"{amount.normalize():f}"
    return f"${amount:.2f}" if len(exact.partition(".")[2]) < 2 else f"${exact}"
