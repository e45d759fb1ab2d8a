"""Dollars, seconds, counts and bytes as people read them, and tables of them as text."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Context, Decimal

_TWO_DIGITS = Context(prec=2)
_UNITS = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"))


def dollars(amount: Decimal | None) -> str:
    """Two significant digits below a dollar, cents above; a dash for unknown."""
    if amount is None:
        return "—"
    if amount == 0:
        return "$0"
    rounded = _TWO_DIGITS.plus(amount)
    places = 2 if rounded >= 1 else 1 - rounded.adjusted()
    return f"${amount:.{places}f}"


def seconds(time: float | None) -> str:
    """One decimal below ten seconds, none above; a dash for unknown."""
    if time is None:
        return "—"
    if time < 0.05:
        return "<0.1 s" if time > 0 else "0 s"
    return f"{time:.1f} s" if time < 9.95 else f"{time:.0f} s"


def whole(number: int) -> str:
    """A whole number with its thousands apart."""
    return f"{number:,}".replace(",", " ")


def count(number: int, what: str) -> str:
    """A number of things, whose plural ends in s."""
    return f"{number} {what}" if number == 1 else f"{whole(number)} {what}s"


def gigabytes(size: int) -> str:
    """Bytes in powers of 1000, as discs and downloads are labelled."""
    return f"{size / 1e9:.1f} GB"


def size(number: int) -> str:
    """Bytes in the largest power of 1000 that they have when rounded, with one decimal."""
    for factor, unit in _UNITS:
        if number >= factor - factor // 20_000:  # from there on it would be 1000.0 of the next
            return f"{number / factor:.1f} {unit}"
    return f"{number} bytes"


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows with equally many cells as lines of text, whose cells stand below one another."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
