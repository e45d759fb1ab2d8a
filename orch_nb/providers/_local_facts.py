"""What holds for every server that runs models on this machine."""

from __future__ import annotations

from decimal import Decimal

from orch_nb.types import Prices

#: Nobody sends a bill.
FREE = Prices(Decimal(0), Decimal(0), source="this machine")


def count_bytes(value: object) -> int | None:
    """`value` if it is a size, else None."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    return None
