"""Durations and sizes as people write them."""

from __future__ import annotations

import math
import re

_QUANTITY = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)\s*([A-Za-z]*)", re.ASCII)
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}


def read_seconds(value: object) -> float:
    """Seconds in ``30s``, ``15m``, ``12h``, ``7d``, or in a number of seconds."""
    return _read(value, _SECONDS, "a number of seconds, or a duration such as 30s, 15m, 12h or 7d")


def read_bytes(value: object) -> int:
    """Bytes in ``500KB``, ``8MB``, ``1GB`` (powers of 1000), or in a number of bytes."""
    return int(_read(value, _BYTES, "a number of bytes, or a size such as 500KB, 8MB or 1GB"))


def _read(value: object, units: dict[str, int], wanted: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return value
    match = _QUANTITY.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or match[2].lower() not in units:
        raise ValueError(f"must be {wanted}")
    return float(match[1]) * units[match[2].lower()]
