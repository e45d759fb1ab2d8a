"""What is known about models before anybody asks them: a dated snapshot, with its sources.

Snapshot of 2026-11. The line-ups are the vendors' own order, from the descriptions that
genai-prices 0.2.3 quotes ("our most capable model", "efficient model for high-volume tasks"):
ordinal, no measurement.
"""

from __future__ import annotations

import re
from dataclasses import replace

from orch_nb.registry.pricing import context_window, list_price
from orch_nb.settings import ModelSettings
from orch_nb.types import ModelCard, Prices

# From the least to the most capable.
_LINE_UPS: dict[str, tuple[tuple[str, ...], ...]] = {
    "sim": (("small",), ("medium",), ("large",)),
    "openai": (
        ("gpt-6-luna",),
        ("gpt-6.1-terra",),
        ("gpt-6.1-sol", "gpt-6-sol"),
        ("gpt-6-astra",),
    ),
    "anthropic": (
        ("claude-haiku-5-5",),
        ("claude-sonnet-5-5",),
        ("claude-opus-5-5",),
        ("claude-fable-5-2",),
    ),
}
_DATED = re.compile(r"-(\d{8}|\d{4}-\d{2}-\d{2}|latest)$")
_NOT_CHAT = re.compile(
    r"embed|rerank|moderation|whisper|transcri|tts|speech|audio|realtime|voice|image|dall-e"
    r"|imagen|sora|video|clip|search-api|\bbge\b|\bada\b|babbage|davinci",
    re.IGNORECASE,
)


def line_up(vendor: str | None) -> tuple[str, ...]:
    """The names of the models that `vendor` offers now, from the least to the most capable."""
    return tuple(name for names in _LINE_UPS.get(vendor or "", ()) for name in names)


def with_facts(card: ModelCard, vendor: str | None, base_url: str | None) -> ModelCard:
    """`card` with what the snapshot knows added; what the provider stated stays.

    `vendor` is the provider's type where its models are the vendor's own, else None.
    """
    card = replace(
        card,
        prices=card.prices or list_price(card.name, vendor, base_url),
        context=card.context or context_window(card.name, vendor, base_url),
    )
    if not is_chat(card.name):
        return replace(card, unranked="no chat model")
    places = _LINE_UPS.get(vendor or "")
    if places is None:
        return card
    name = _DATED.sub("", card.name)
    for place, names in enumerate(places, start=1):
        if name in names:
            source = f"{vendor}'s line-up of 2026-11 (place {place} of {len(places)})"
            return replace(card, tier=place / len(places), tier_source=source)
    return replace(card, unranked=f"not in {vendor}'s current line-up; name it to use it")


def with_statement(card: ModelCard, stated: ModelSettings | None) -> ModelCard:
    """`card` with what the user's settings state about it, which outweighs everything else."""
    if stated is None:
        return card
    price = stated.price
    return replace(
        card,
        prices=Prices(price.input, price.output, price.cached, "settings")
        if price
        else card.prices,
        context=stated.context or card.context,
        max_output=stated.max_output or card.max_output,
        capabilities=(
            card.capabilities if stated.capabilities is None else frozenset(stated.capabilities)
        ),
        quality=stated.quality,
        unranked="",
    )


def is_chat(name: str) -> bool:
    """Whether `name` looks like a model that answers text: not embedding, audio or image."""
    return _NOT_CHAT.search(name) is None
