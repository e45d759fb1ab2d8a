"""Money as whole nano-dollars, 10⁻⁹ US dollars, so that sums on disk are exact."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

_PLACES = 9
# SQLite adds in 64 bits, which hold nine thousand calls of this size: a million dollars each.
_LARGEST = 10**15
_UP = Context(prec=60, rounding=ROUND_CEILING)
_DOWN = Context(prec=60, rounding=ROUND_FLOOR)


def to_nano(amount: Decimal) -> int:
    """`amount` dollars, rounded up: what is counted is never less than the bill."""
    if not amount:
        return 0
    if amount.adjusted() >= 15:  # a price beyond sense, and nothing that need be exact
        return _LARGEST
    return min(int(_UP.to_integral_value(_UP.scaleb(amount, _PLACES))), _LARGEST)


def whole_nano(amount: Decimal) -> Decimal:
    """`amount` dollars as they are counted: rounded up to a whole nano-dollar."""
    counted = to_dollars(to_nano(amount))
    return amount if amount == counted else counted


def limit_to_nano(limit: Decimal) -> int:
    """`limit` dollars, rounded down, so that it is never passed."""
    return int(_DOWN.to_integral_value(_DOWN.scaleb(limit, _PLACES)))


def to_dollars(nano: int) -> Decimal:
    """The dollars that `nano` are."""
    return _UP.scaleb(Decimal(nano), -_PLACES)
