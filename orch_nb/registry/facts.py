"""What is known about a model besides what its server says, and who may correct it.

What the server states outweighs the dated snapshot in ``facts.json``, and what the user's
settings state outweighs both. A card's ``sources`` tell which fact came from where.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields, replace
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any

from orch_nb.registry.line_ups import line_up, place
from orch_nb.registry.names import canonical, is_chat, undated
from orch_nb.registry.pricing import context_window, has_prices, list_price, listed_by
from orch_nb.settings import ModelSettings
from orch_nb.types import ModelCard, Prices

_STATED = ("context", "max_output", "capabilities", "speed", "size", "variant")
_FIELDS = tuple(field.name for field in fields(ModelCard))
_values = attrgetter(*_FIELDS)
_UNKNOWN = (None, "")
_SERVER = "listed by the server"
_SETTINGS = "settings"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What ``facts.json`` says of one model, and from where."""

    facts: dict[str, Any]
    sources: dict[str, str]


def with_facts(
    card: ModelCard, vendor: str | None, base_url: str | None, priority: int = 100
) -> ModelCard:
    """`card` with what the snapshot knows added; what the provider stated stays.

    `vendor` is the provider's type where its models are the vendor's own, else None.
    """
    facts: dict[str, Any] = {"priority": priority}
    sources = {name: _SERVER for name in _STATED if getattr(card, name) not in _UNKNOWN}
    known = snapshot(card.name, vendor)
    for name, value in known.facts.items() if known else ():
        if name not in sources:
            facts[name] = value
            sources[name] = known.sources[name] if known else ""
    if card.prices is not None:
        sources["prices"] = card.prices.source or _SERVER
    elif has_prices(vendor, base_url):
        _add_listed(card.name, vendor, base_url, facts, sources)
    facts["unranked"] = card.unranked or unranked(card.name, vendor)
    stands = place(vendor, card.name) if vendor else None
    if stands is not None and card.tier is None:
        facts["tier"], facts["tier_source"] = stands.tier, stands.line_up
        sources["tier"] = f"{stands.line_up}, a prior: {stands.source}"
    # What `replace` does, in two thirds of its time: a host may list thousands of models.
    before = dict(zip(_FIELDS, _values(card), strict=True))
    return ModelCard(**{**before, **facts, "sources": sources})


def _add_listed(
    model: str,
    vendor: str | None,
    base_url: str | None,
    facts: dict[str, Any],
    sources: dict[str, str],
) -> None:
    """Add prices, and the window unless it is known, where the list of prices has the model."""
    prices = list_price(model, vendor, base_url)
    if prices is not None:
        facts["prices"], sources["prices"] = prices, prices.source
    window = None if "context" in sources else context_window(model, vendor, base_url)
    if window is not None:
        facts["context"], sources["context"] = window, listed_by()


def unranked(name: str, vendor: str | None) -> str:
    """Why a strategy never picks the model `name`, as far as its name tells; "" if it may."""
    if not is_chat(name):
        return "no chat model"
    if vendor and line_up(vendor) and place(vendor, name) is None:
        return f"not in {vendor}'s current line-up; name it to use it"
    return ""


def with_statement(card: ModelCard, stated: ModelSettings | None) -> ModelCard:
    """`card` with what the user's settings state about it, which outweighs everything else."""
    if stated is None:
        return card
    price, capabilities = stated.price, stated.capabilities
    facts = {
        "prices": price and Prices(price.input, price.output, price.cached, _SETTINGS),
        "context": stated.context,
        "max_output": stated.max_output,
        "capabilities": None if capabilities is None else frozenset(capabilities),
        "quality": dict(stated.quality) or None,
    }
    given: dict[str, Any] = {name: value for name, value in facts.items() if value is not None}
    sources = {**card.sources, **dict.fromkeys(given, _SETTINGS)}
    return replace(card, **given, unranked="", sources=sources)


def snapshot(name: str, vendor: str | None) -> Snapshot | None:
    """What the snapshot says of the model `name` of `vendor`, or of the open model `name`.

    The name of a model at another host tells what the model can, never what it costs there.
    """
    document = _document()
    vendors = document["vendors"]
    if vendor in vendors:
        row, kind = vendors[vendor].get(name) or vendors[vendor].get(undated(name)), "vendors"
    else:
        row, kind = None, "open"
        if _families().search(name.lower()):
            row = document["open"].get(canonical(name))
        plain = undated(name).rpartition("/")[2]
        for rows in vendors.values():
            if row is None and plain in rows:
                row, kind = rows[plain], "vendors"
    if row is None:
        return None
    origin = document[f"{kind}_from"]
    return Snapshot(
        {name: frozenset(fact) if isinstance(fact, list) else fact for name, fact in row.items()},
        {name: f"snapshot of {document['date']} ({origin[name]})" for name in row},
    )


@cache
def _document() -> dict[str, Any]:
    return json.loads(Path(__file__).with_name("facts.json").read_bytes())  # type: ignore[no-any-return]


@cache
def _families() -> re.Pattern[str]:
    """The first words of the open models' names: most names of a long list hold none of them."""
    words = {name.partition("-")[0] for name in _document()["open"]}
    return re.compile("|".join(sorted(map(re.escape, words))))
