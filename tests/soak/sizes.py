"""How much each of these tests does: a little in `make test`, more in `storm`, much in `soak`."""

from __future__ import annotations

import os

#: Whether the sizes are those that hold for each commit.
STORM = bool(os.environ.get("STORM"))
#: The share of the large sizes that the environment asks for.
SHARE = float(os.environ.get("SOAK") or 0)


def sized(small: int, commit: int, large: int) -> int:
    """`small`; with ``STORM`` `commit`; with ``SOAK`` its share of `large` where that is more."""
    if SHARE:
        return max(commit, round(SHARE * large))
    return commit if STORM else small
