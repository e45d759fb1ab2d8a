"""Token counts as servers send them: anything but a sane whole number is no count."""

from __future__ import annotations

from collections.abc import Mapping

from orch_nb.types import Usage

# Tokens: ten times the largest window in the snapshot of facts (llama-4-scout's 10 million). Below
# it a count is believed, for the bill will say the same, also where it is more than was reserved:
# hidden prompts, thoughts and pictures are tokens that nobody here can count.
_ABSURD = 10**8


def count(value: object) -> int | None:
    """`value` if it is a count of tokens, else None."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _ABSURD:
        return value
    return None


def read_usage(raw: object, input_key: str, output_key: str, details_key: str) -> Usage | None:
    """`Usage` from an OpenAI-style object whose input count includes the cached tokens."""
    if not isinstance(raw, Mapping):
        return None
    given, produced = count(raw.get(input_key)), count(raw.get(output_key))
    if given is None or produced is None:
        return None
    details = raw.get(details_key)
    cached = count(details.get("cached_tokens")) if isinstance(details, Mapping) else 0
    return Usage(given, produced, min(cached or 0, given))
