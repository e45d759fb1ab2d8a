"""What a pipeline may require of a model beyond the limits of a call: its size and its pace."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from orch_nb.routing.estimates import Estimates
from orch_nb.routing.exclusion import Exclusion
from orch_nb.routing.pool import Column, Pool
from orch_nb.types import ModelCard, Requirements

# "8b", "0.5B", "135m", "8x7b": as model files and servers name the number of parameters.
_SIZE = re.compile(r"(?<![a-z0-9.])(?:(\d{1,3})x)?(\d{1,4}(?:\.\d{1,3})?)([bm])(?![a-z0-9])", re.I)
_IN_A_BILLION = {"b": 1, "m": 1000}


def parameters(card: ModelCard) -> float | None:
    """Billions of parameters, as the server states them or the name says; None is unknown.

    Of a mixture of experts ("8x7b") it is the product, which the shared parts make a little less.
    """
    for text in (card.variant, card.name):
        if found := _SIZE.search(text):
            experts = int(found[1] or 1)
            return experts * float(found[2]) / _IN_A_BILLION[found[3].lower()]
    return None


def read_size(text: str) -> float | None:
    """Billions of parameters in "7B" or "350M"; None for anything else."""
    found = _SIZE.fullmatch(text.strip())
    return None if found is None else parameters(ModelCard("", text.strip()))


def beyond_requirements(
    pool: Pool, estimates: Estimates, requires: Requirements
) -> Iterator[Exclusion]:
    """Who is too small, too large or too slow. What is not known does not meet a requirement."""
    least, most = requires.min_size, requires.max_size
    if least is not None or most is not None:
        sizes = np.array([parameters(card) or np.nan for card in pool.cards], dtype=float)
        if least is not None:
            yield Exclusion(
                ~(sizes >= least), lambda row: _size(sizes[row], f"min_size is {least:g}B")
            )
        if most is not None:
            yield Exclusion(
                ~(sizes <= most), lambda row: _size(sizes[row], f"max_size is {most:g}B")
            )
    if (pace := requires.min_speed) is not None:
        speeds = _speeds(pool, estimates)
        yield Exclusion(
            ~(speeds >= pace),
            lambda row: _pace(speeds[row], f"min_tokens_per_second is {pace:g}"),
        )


def _speeds(pool: Pool, estimates: Estimates) -> Column:
    """Output tokens per second: as seen, or else as stated."""
    seen = estimates.seen.tokens_per_second
    return np.where(np.isnan(seen), pool.speed, seen)


def _size(size: float, limit: str) -> str:
    known = "its number of parameters is not known" if np.isnan(size) else f"has {size:g}B"
    return f"{known}, {limit}"


def _pace(speed: float, limit: str) -> str:
    known = "its speed is not known" if np.isnan(speed) else f"writes {speed:.0f} tokens/s"
    return f"{known}, {limit}"
