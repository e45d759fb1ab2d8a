"""The vendors' own order of their current models: an ordinal prior for quality, no measurement."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from orch_nb.registry.names import undated


@dataclass(frozen=True, slots=True)
class Place:
    """Where a model stands: ``tier`` in 0..1 with 1 the most capable, and who says so."""

    tier: float
    line_up: str
    source: str


def line_up(vendor: str | None) -> tuple[str, ...]:
    """The names of the models that `vendor` offers now, from the least to the most capable."""
    return tuple(_places(vendor or ""))


def place(vendor: str | None, name: str) -> Place | None:
    """The place of the model `name` of `vendor`; None when it is not in the line-up."""
    return _places(vendor or "").get(undated(name))


@cache
def _places(vendor: str) -> dict[str, Place]:
    """The places by name, in rising order; the file is read with the first question."""
    document = _document()
    stated = document["line_ups"].get(vendor)
    if stated is None:
        return {}
    count, of = len(stated["places"]), f"{vendor}'s line-up of {document['date']}"
    return {
        name: Place(number / count, f"{of} (place {number} of {count})", stated["source"])
        for number, names in enumerate(stated["places"], start=1)
        for name in names
    }


@cache
def _document() -> dict:  # type: ignore[type-arg]
    return json.loads(Path(__file__).with_name("line_ups.json").read_bytes())  # type: ignore[no-any-return]
