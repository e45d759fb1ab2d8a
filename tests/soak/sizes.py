"""How much each of these tests does: a little with every commit, much with ``make soak``."""

from __future__ import annotations

import os

#: The share of the large sizes that the environment asks for; 0 is the small ones.
SHARE = float(os.environ.get("SOAK") or 0)


def sized(small: int, large: int) -> int:
    """`small`, or ``SOAK`` times `large` where that is more."""
    return max(small, round(SHARE * large))
