"""Cards to choose from."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from orch_nb.routing.estimates import seen_of
from orch_nb.routing.pool import pool_of
from orch_nb.routing.route import Situation
from orch_nb.store.experience import Known
from orch_nb.types import Message, ModelCard, Prices, Request, Track

WEIGHTS = {"cost": 1.0, "quality": 1.0, "speed": 1.0}
ASK = Request((Message("user", "Hello, how are you?"),))


def card(name: str, price: float | str | None = None, **facts: Any) -> ModelCard:
    """A card whose input and output cost `price` dollars per million tokens."""
    prices = None if price is None else Prices(Decimal(str(price)), Decimal(str(price)))
    return ModelCard(facts.pop("provider", "p"), name, prices=prices, **facts)


def situation(
    candidates: Sequence[ModelCard], tracks: Mapping[str, Track] | None = None, **facts: Any
) -> Situation:
    """What `candidates` are chosen in; `tracks` by bare name are what was seen of them."""
    by_id = {f"p:{name}": track for name, track in (tracks or {}).items()}
    seen = seen_of(pool_of(candidates), by_id, facts.pop("token_factor", {}))
    return Situation(seen=seen, **{"weights": WEIGHTS, **facts})


def seen(tracks: Mapping[str, Track] | None = None, **token_factor: float) -> Known:
    """What was seen: `tracks` by bare name, the factors by provider."""
    return Known({f"p:{name}": track for name, track in (tracks or {}).items()}, token_factor)


def took(seconds: float) -> Track:
    """A model whose answers took so long."""
    return Track(calls=3, successes=3, p50=seconds, p95=seconds)


def cards() -> st.SearchStrategy[list[ModelCard]]:
    """Lists of cards with distinct names, each fact of which may be unknown."""
    one = st.builds(
        card,
        st.text(string.ascii_lowercase, min_size=1, max_size=4),
        st.none() | st.sampled_from(["0", "0.1", "2", "2", "15", "1000"]),
        tier=st.none() | st.sampled_from([0.25, 0.5, 1.0]),
        speed=st.none() | st.sampled_from([10.0, 100.0]),
        priority=st.sampled_from([1, 100]),
    )
    return st.lists(one, min_size=1, max_size=8, unique_by=lambda made: made.name)
