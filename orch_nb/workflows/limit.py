"""What many calls together may be expected to cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

from orch_nb.errors import InputError
from orch_nb.figures import dollars
from orch_nb.invoke.values import number


def read_limit(what: str, value: object) -> Decimal | None:
    """Dollars, or None for no limit. Raises `InputError`, which names it by `what`."""
    checked = number(what, float(value) if isinstance(value, Decimal) else value, 0.0, math.inf)
    return None if checked is None else Decimal(str(checked))


def refuse_above(
    limit: Decimal | None,
    cost: Decimal | None,
    asked: str,
    *,
    unpriced: Sequence[str],
    fewer: str,
) -> None:
    """Raise `InputError` where `cost`, in dollars, is above `limit` (max_cost) or unknown.

    It says what is `asked`, as "12 answers", which models are `unpriced`, and of what to take less,
    as "fewer items".
    """
    if limit is None:
        return
    if cost is None:
        raise InputError(
            f"max_cost needs prices, and none is known of {', '.join(unpriced)}; state them in "
            "models.….price, or leave the models or max_cost out"
        )
    if cost > limit:
        raise InputError(
            f"about {dollars(cost)} for {asked} is more than max_cost={limit.normalize():f}; take "
            f"{fewer} or cheaper models, or raise it"
        )
