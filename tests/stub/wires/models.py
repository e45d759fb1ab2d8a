"""Lists of models, as OpenAI and Anthropic give them."""

from __future__ import annotations

from collections.abc import Sequence

from stub.wires.base import Json

#: What a provider lists when nothing was said; the last one cannot chat.
DEFAULT = ("stub-large", "stub-small", "text-embedding-3-small")


def openai(names: Sequence[str]) -> Json:
    def card(name: str) -> Json:
        return {"id": name, "object": "model", "created": 1767225600, "owned_by": "stub"}

    return {"object": "list", "data": [card(name) for name in names]}


def anthropic(names: Sequence[str]) -> Json:
    def card(name: str) -> Json:
        return {
            "id": name,
            "type": "model",
            "display_name": name.title(),
            "created_at": "2026-01-01T00:00:00Z",
            "lifecycle": "active",
            "max_input_tokens": 200_000,
            "max_tokens": 64_000,
        }

    ends = {"first_id": names[0], "last_id": names[-1]} if names else {}
    return {"data": [card(name) for name in names], "has_more": False, **ends}
