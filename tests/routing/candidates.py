"""Cards to choose from."""

from __future__ import annotations

import string
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from orch_nb.types import Message, ModelCard, Prices, Request

ASK = Request((Message("user", "Hello, how are you?"),))


def card(name: str, price: float | str | None = None, **facts: Any) -> ModelCard:
    """A card whose input and output cost `price` dollars per million tokens."""
    prices = None if price is None else Prices(Decimal(str(price)), Decimal(str(price)))
    return ModelCard("p", name, prices=prices, **facts)


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
