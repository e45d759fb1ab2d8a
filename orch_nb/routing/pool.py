"""The models of the catalog as numpy columns, made once for as long as it stays the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from orch_nb.types import ModelCard, Prices

Column = NDArray[np.float64]
Mask = NDArray[np.bool_]
Codes = NDArray[np.intp]

_UNKNOWN = float("nan")


@dataclass(frozen=True, slots=True)
class PriceLevel:
    """Dollars per million tokens of each model, for requests of more than ``above`` tokens."""

    above: Column
    input: Column
    output: Column


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Cards by priority and then by id, and columns with a row for each of them.

    Unknown is NaN; ``stated`` holds the quality that the user stated, by task kind, and ``tier``
    the place in the vendor's line-up. ``provider`` and ``family`` are codes: equal for models of
    one provider, and for instances of one model, which have the same name at several providers.
    """

    made_of: Sequence[ModelCard]
    cards: tuple[ModelCard, ...]
    index: Mapping[str, int]
    prices: tuple[PriceLevel, ...]
    context: Column
    max_output: Column
    speed: Column
    size: Column
    tier: Column
    stated: Mapping[str, Column]
    capabilities: Mapping[str, Mask]
    described: Mask
    unranked: Mask
    local: Mask
    loaded: Mask
    provider: Codes
    providers: tuple[str, ...]
    family: Codes

    def __len__(self) -> int:
        return len(self.cards)

    def cost(self, input_tokens: Column, output_tokens: float) -> Column:
        """Dollars for a call of each model, NaN where its price is not known.

        `input_tokens` has a row for each model, as providers count differently.
        """
        base, *levels = self.prices
        paid_in, paid_out = base.input, base.output
        for level in levels:
            long = input_tokens > level.above
            if long.any():
                paid_in = np.where(long, level.input, paid_in)
                paid_out = np.where(long, level.output, paid_out)
        return (input_tokens * paid_in + output_tokens * paid_out) / 1e6


def pool_of(cards: Sequence[ModelCard]) -> Pool:
    """The pool of `cards`, whose order does not matter."""
    ranked = tuple(sorted(cards, key=lambda card: (card.priority, card.id)))
    kinds = {kind for card in ranked for kind in card.quality}
    names = {name for card in ranked for name in card.capabilities or ()}
    providers = tuple(sorted({card.provider for card in ranked}))
    families = {name: code for code, name in enumerate(dict.fromkeys(c.name for c in ranked))}
    return Pool(
        made_of=cards,
        cards=ranked,
        index={card.id: row for row, card in enumerate(ranked)},
        prices=_price_levels([card.prices for card in ranked]),
        context=_column(card.context for card in ranked),
        max_output=_column(card.max_output for card in ranked),
        speed=_column(card.speed or None for card in ranked),
        size=_column(card.size for card in ranked),
        tier=_column(card.tier for card in ranked),
        stated={kind: _column(card.quality.get(kind) for card in ranked) for kind in kinds},
        capabilities={
            name: np.array([name in (card.capabilities or ()) for card in ranked]) for name in names
        },
        described=np.array([card.capabilities is not None for card in ranked], dtype=bool),
        unranked=np.array([bool(card.unranked) for card in ranked], dtype=bool),
        local=np.array([card.local or card.simulated for card in ranked], dtype=bool),
        loaded=np.array([card.loaded for card in ranked], dtype=bool),
        provider=np.array([providers.index(card.provider) for card in ranked], dtype=np.intp),
        providers=providers,
        family=np.array([families[card.name] for card in ranked], dtype=np.intp),
    )


def _column(values: Iterable[float | None]) -> Column:
    return np.array([_UNKNOWN if value is None else float(value) for value in values], dtype=float)


def _price_levels(prices: Sequence[Prices | None]) -> tuple[PriceLevel, ...]:
    """The base prices, then one level for each step of the model with the most of them."""
    levels = [_level([None if p is None else (0, p) for p in prices])]
    steps = max((len(p.long_context) for p in prices if p is not None), default=0)
    for step in range(steps):
        rows = [
            None if p is None or step >= len(p.long_context) else p.long_context[step]
            for p in prices
        ]
        levels.append(_level(rows))
    return tuple(levels)


def _level(rows: Sequence[tuple[int, Prices] | None]) -> PriceLevel:
    # No request is longer than infinity: a model without this level never reaches it.
    return PriceLevel(
        np.array([float("inf") if row is None else float(row[0]) for row in rows], dtype=float),
        _dollars([None if row is None else row[1].input for row in rows]),
        _dollars([None if row is None else row[1].output for row in rows]),
    )


def _dollars(amounts: Sequence[Decimal | None]) -> Column:
    return np.array([_UNKNOWN if a is None else float(a) for a in amounts], dtype=float)
