"""What callers wrote, checked: each of these gives the value back or raises `InputError`."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from orch_nb.errors import InputError

_LARGEST = 1e9  # nothing that is given here can sensibly be more
_SURROGATE = re.compile("[\ud800-\udfff]")


def text(what: str, value: object) -> str:
    """Any text that can be sent."""
    if not isinstance(value, str):
        raise InputError(f"the {what} must be text, not {type(value).__name__}")
    if found := _SURROGATE.search(value):
        code = f"U+{ord(found[0]):04X}"
        raise InputError(
            f"the {what} holds half a character ({code}) at position {found.start()}; remove it"
        )
    return value


def names(what: str, value: object) -> tuple[str, ...]:
    """One name, or a list of at least one; () for None."""
    if value is None:
        return ()
    if not isinstance(value, str | list | tuple):
        raise InputError(f"{what} must be a name, or a list of names, not {type(value).__name__}")
    given = (value,) if isinstance(value, str) else listed(what, value)
    found = tuple(text(what, name) for name in given)
    if not found:
        raise InputError(f"{what} is an empty list; name one, or leave {what} out")
    for name in found:
        if not name or not name.isprintable() or " " in name:
            why = "it holds spaces or control characters" if name else "it is empty"
            raise InputError(f"{name!r} is no name of a {what}: {why}")
    return found


def listed(what: str, value: object) -> Sequence[object]:
    """A list or tuple; () for None."""
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise InputError(f"{what} must be a list, not {type(value).__name__}")
    return value


def number(what: str, value: object, least: float, most: float) -> float | None:
    """A number within bounds, or None."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{what} must be a number, not {type(value).__name__}")
    if not least <= value <= min(most, _LARGEST):
        bounds = f"at least {least:g}" if most == math.inf else f"between {least:g} and {most:g}"
        raise InputError(f"{what} must be {bounds}, not {value}")
    return float(value)


def count(what: str, value: object, least: int, most: int) -> int | None:
    """A whole number within bounds, or None."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(f"{what} must be a whole number of at least {least}, not {value!r}")
    if value > most:
        raise InputError(f"{what} must be at most {most}")
    return value
