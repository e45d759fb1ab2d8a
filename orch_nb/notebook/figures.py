"""Dollars, seconds and tokens as people read them."""

from __future__ import annotations

from decimal import Decimal

from orch_nb.types import Response, Usage


def dollars(amount: Decimal | None) -> str:
    """Two significant digits below a dollar, cents above; a dash for unknown."""
    if amount is None:
        return "—"
    if amount == 0:
        return "$0"
    if amount >= 1:
        return f"${amount:.2f}"
    places = 1 - amount.adjusted()
    return f"${amount:.{places}f}"


def seconds(time: float | None) -> str:
    """One decimal below ten seconds, none above; a dash for unknown."""
    if time is None:
        return "—"
    return f"{time:.1f} s" if time < 9.95 else f"{time:.0f} s"


def tokens(usage: Usage) -> str:
    """Tokens in → out; a tilde where we counted and not the provider."""
    about = "" if usage.source == "known" else "~"
    return f"{about}{usage.input_tokens}→{usage.output_tokens} tokens"


def summary(response: Response) -> str:
    """The quiet line under an answer."""
    about = "" if response.usage.source == "known" or not response.cost else "~"
    parts = [
        response.model,
        about + dollars(response.cost),
        seconds(response.seconds),
        tokens(response.usage),
    ]
    if response.cached:
        parts.append("cached")
    if response.simulated:
        parts.append("simulated")
    if response.finish == "length":
        parts.append("cut short, raise --max-tokens")
    if response.finish == "interrupted":
        parts.append("interrupted")
    if response.trail:
        parts.append(response.trail)
    return " · ".join(parts)
