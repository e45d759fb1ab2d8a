"""Prices from `genai-prices <https://github.com/pydantic/genai-prices>`_, in our own type."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from orch_nb.types import Prices


@cache
def has_prices(vendor: str | None, base_url: str | None) -> bool:
    """Whether the prices of this service are listed: cheaper to ask than for each model."""
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415

    if vendor is None and base_url is None:
        return False
    try:
        get_snapshot().find_provider(None, vendor, base_url)
    except LookupError:
        return False
    return True


@cache
def list_price(model: str, vendor: str | None, base_url: str | None) -> Prices | None:
    """The list price of `model` today, None when it is not known.

    `vendor` is a provider id of genai-prices ("openai"); without one, `base_url` must belong to a
    service that genai-prices knows. A model's name alone proves no price: another server may
    serve the same model at its own.
    """
    info = _find(model, vendor, base_url)
    if info is None:
        return None
    listed = info.get_prices(datetime.now(UTC), None)
    source = listed_by()
    starts = sorted({tier.start for name in _KEYS for tier in _tiers(getattr(listed, name, None))})
    base = _at(listed, 0, source)
    if base is None:
        return None
    tiers = [(start, _at(listed, start + 1, source)) for start in starts]
    return Prices(
        base.input,
        base.output,
        base.cached,
        source,
        tuple((start, prices) for start, prices in tiers if prices is not None),
    )


def context_window(model: str, vendor: str | None, base_url: str | None) -> int | None:
    """The context of `model` in tokens as genai-prices knows it."""
    info = _find(model, vendor, base_url)
    return None if info is None else info.context_window


def listed_by() -> str:
    """The list and its version, as the source of a fact."""
    from genai_prices import __version__  # noqa: PLC0415

    return f"genai-prices {__version__}"


_KEYS = ("input_mtok", "output_mtok", "cache_read_mtok")


@cache
def _find(model: str, vendor: str | None, base_url: str | None) -> Any:
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415 - 0.1 s of CPU

    if not has_prices(vendor, base_url):
        return None
    try:
        _, info = get_snapshot().find_provider_model(model, None, vendor, base_url)
    except LookupError:
        return None
    return info


def _tiers(price: object) -> list:  # type: ignore[type-arg]
    return getattr(price, "tiers", [])


def _at(listed: object, tokens: int, source: str) -> Prices | None:
    """The prices of a request with `tokens` input tokens."""
    values = {}
    for name in _KEYS:
        price = getattr(listed, name, None)
        for tier in _tiers(price):
            if tokens > tier.start:
                values[name] = tier.price
        values.setdefault(name, getattr(price, "base", price))
    if not isinstance(values["input_mtok"], Decimal) or not isinstance(
        values["output_mtok"], Decimal
    ):
        return None
    return Prices(values["input_mtok"], values["output_mtok"], values["cache_read_mtok"], source)
