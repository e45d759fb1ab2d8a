"""From what a caller wrote to a `Request`, or an error that says what is wrong with it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from orch_nb.errors import InputError, UnknownNameError
from orch_nb.types import CachePolicy, Message, Parameters, Request, Wants

_CACHE: tuple[CachePolicy, ...] = ("use", "bypass", "refresh")
_SURROGATE = re.compile("[\ud800-\udfff]")


def compose(
    prompt: str,
    *,
    model: str | Sequence[str] | None = None,
    strategy: str | None = None,
    system: str | None = None,
    temperature: float | None = None,
    max_tokens: int | None = None,
    cache: CachePolicy = "use",
    deadline: float | None = None,
) -> Request:
    """Make a request; see `orch_nb.Session.ask` for the parameters. Raises `InputError`."""
    _check_text("prompt", prompt)
    if not prompt.strip():
        raise InputError("the prompt is empty; write what you want to know")
    if system is not None:
        _check_text("system prompt", system)
    models = (model,) if isinstance(model, str) else tuple(model or ())
    for name in models:
        _check_text("model", name)
    if cache not in _CACHE:
        raise UnknownNameError("cache policy", str(cache), _CACHE)
    return Request(
        messages=(Message("user", prompt),),
        system=system,
        parameters=Parameters(
            temperature=_number("temperature", temperature, 0.0, 2.0),
            max_tokens=_count("max_tokens", max_tokens),
        ),
        wants=Wants(models, strategy, cache, _number("deadline", deadline, 0.001, math.inf)),
    )


def _check_text(what: str, text: object) -> None:
    if not isinstance(text, str):
        raise InputError(f"the {what} must be text, not {type(text).__name__}")
    if found := _SURROGATE.search(text):
        code = f"U+{ord(found[0]):04X}"
        raise InputError(
            f"the {what} holds half a character ({code}) at position {found.start()}; remove it"
        )


def _number(what: str, value: object, least: float, most: float) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{what} must be a number, not {type(value).__name__}")
    if not least <= value <= most:
        bounds = f"at least {least:g}" if most == math.inf else f"between {least:g} and {most:g}"
        raise InputError(f"{what} must be {bounds}, not {value}")
    return float(value)


def _count(what: str, value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(f"{what} must be a whole number of at least 1, not {value!r}")
    return value
