"""What providers listed when they were last asked, kept for the next session.

``listings.json`` in the user's folder (0600): by name, type and address of the provider, never
with a key. What is damaged or of another version is nothing remembered.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orch_nb.files import read_regular, write_private
from orch_nb.registry.discovery import MODELS
from orch_nb.types import ModelCard, Prices

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_VERSION = 1
_NAME = "listings.json"
_BYTES = 16_000_000
_PLACES = 100
# What was loaded then says nothing about now.
_PASSING = {1: {"__all__": {"cards": {"__all__": {"loaded", "sources"}}}}}


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a provider listed at `at`, seconds since the epoch; nothing if it could not."""

    at: float
    reachable: bool
    cards: tuple[ModelCard, ...] = ()


class Memory:
    """The file in the folder that `home` names; the folder is found when it is first needed."""

    def __init__(self, home: Callable[[], Path]) -> None:
        self._home = home

    def load(self) -> dict[str, Remembered]:
        """What is remembered, by place."""
        try:
            content, _ = read_regular(self._home() / _NAME, _BYTES)
        except OSError:
            return {}
        try:
            version, rows = json.loads(content)
            known = {str(place): _remembered(row) for place, row in rows.items()}
        except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError):
            return {}  # damaged
        return known if version == _VERSION else {}

    def save(self, news: Mapping[str, Remembered]) -> None:
        """Remember `news`, and forget what is oldest where there is too much.

        A folder that cannot be written costs no more than asking again next time.
        """
        known = sorted({**self.load(), **news}.items(), key=lambda item: -item[1].at)
        kept: dict[str, Remembered] = {}
        left = MODELS
        for place, row in known[:_PLACES]:
            if len(row.cards) <= left:
                kept[place] = row
                left -= len(row.cards)
        content = _adapter().dump_json((_VERSION, kept), exclude=_PASSING, exclude_defaults=True)
        with suppress(OSError):
            write_private(self._home() / _NAME, content)


# Read by hand: every ``%load_ext`` reads it, and pydantic costs 0.1 s of CPU to import.
_KINDS: Mapping[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("provider", "name", "tier_source", "unranked", "variant"), str),
    **dict.fromkeys(("context", "max_output", "priority", "size"), int),
    **dict.fromkeys(("tier", "speed"), (int, float)),
    **dict.fromkeys(("local", "simulated"), bool),
}


def _remembered(row: Mapping[str, Any]) -> Remembered:
    """A row of the file. Raises, one of what `Memory.load` expects, for anything else."""
    at, reachable = row["at"], row["reachable"]
    if not isinstance(at, int | float) or not isinstance(reachable, bool):
        raise TypeError
    return Remembered(float(at), reachable, tuple(map(_card, row.get("cards", ()))))


def _card(row: Mapping[str, Any]) -> ModelCard:
    facts: dict[str, Any] = dict(row)
    more: dict[str, Any] = {}
    if (prices := facts.pop("prices", None)) is not None:
        more["prices"] = _prices(prices)
    if (capabilities := facts.pop("capabilities", None)) is not None:
        more["capabilities"] = frozenset(map(str, capabilities))
    if "quality" in facts:
        more["quality"] = {str(k): float(v) for k, v in facts.pop("quality").items()}
    for name, value in facts.items():
        if not isinstance(value, _KINDS[name]):
            raise TypeError
    return ModelCard(**facts, **more)


def _prices(row: Mapping[str, Any]) -> Prices:
    cached = row.get("cached")
    levels = ((int(above), _prices(prices)) for above, prices in row.get("long_context", ()))
    return Prices(
        _dollars(row["input"]),
        _dollars(row["output"]),
        None if cached is None else _dollars(cached),
        str(row.get("source", "")),
        tuple(levels),
    )


def _dollars(text: str) -> Decimal:
    amount = Decimal(text)
    if not amount.is_finite():
        raise ValueError
    return amount


@cache
def _adapter() -> TypeAdapter[tuple[int, dict[str, Remembered]]]:
    from pydantic import TypeAdapter  # noqa: PLC0415 - by then a server was asked

    return TypeAdapter(tuple[int, dict[str, Remembered]])
