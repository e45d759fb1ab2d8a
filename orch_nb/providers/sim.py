"""A built-in stand-in that answers without any model, so that a first notebook runs at once.

It says so in every answer, costs nothing, always answers the same to the same prompt, and is
never used in place of a real model: it takes part only while no other provider is configured,
or when it is named.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from decimal import Decimal

from orch_nb.errors import ModelNotFound
from orch_nb.providers._endpoint import Endpoint
from orch_nb.sanitize import one_line
from orch_nb.types import Delta, ModelCard, Prices, Request, Usage

_FREE = Prices(Decimal(0), Decimal(0), Decimal(0), source="simulated")
_CONTEXT = 32_768


@dataclass(frozen=True, slots=True)
class _Model:
    tier: float
    speed: float  # words per second, which is also the pace at which it really streams
    long: bool


_MODELS = {
    "small": _Model(0.25, 400.0, long=False),
    "medium": _Model(0.5, 200.0, long=True),
    "large": _Model(1.0, 100.0, long=True),
}


class Provider:
    """Three simulated models: small and quick, medium, large and slow."""

    key_env: str | None = None
    home: str | None = None

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    async def stream(self, request: Request, model: str) -> AsyncGenerator[Delta]:
        """Yield the simulated answer word by word, or whole, at the model's pace."""
        name = f"{self.endpoint.name}:{model}"
        kind = _MODELS.get(model)
        if kind is None:
            raise ModelNotFound(name, f"no such model; there are {', '.join(_MODELS)}")
        words = _answer(request, name, kind).split(" ")
        limit = request.parameters.max_tokens
        shown = words if limit is None else words[:limit]
        whole = "" if self.endpoint.streams(request) else " ".join(shown)
        for index, word in enumerate(shown):
            if not whole:
                yield Delta(word if index == 0 else f" {word}")
            await asyncio.sleep(1 / kind.speed)
        yield Delta(
            whole,
            usage=Usage(_given(request), len(shown)),
            finish="stop" if len(shown) == len(words) else "length",
            # Nominal, so that a notebook gives the same bytes each time it runs.
            seconds=len(shown) / kind.speed,
        )

    async def prepare(self) -> None:
        """Nothing is needed."""

    async def list_models(self) -> list[ModelCard]:
        """The simulated models, whose facts are as made up as their answers."""
        return [
            ModelCard(
                self.endpoint.name,
                name,
                context=_CONTEXT,
                prices=_FREE,
                capabilities=frozenset(),
                tier=kind.tier,
                tier_source="simulated",
                speed=kind.speed,
                local=True,
                simulated=True,
            )
            for name, kind in _MODELS.items()
        ]

    async def count_tokens(self, request: Request, model: str) -> int | None:
        """Words count as tokens here."""
        return _given(request)

    async def close(self) -> None:
        """Nothing is open."""


def _given(request: Request) -> int:
    texts = [message.content for message in request.messages] + [request.system or ""]
    return sum(len(text.split()) for text in texts)


def _answer(request: Request, model: str, kind: _Model) -> str:
    words = len(request.prompt.split())
    begins = one_line(request.prompt, 80).replace("`", "'")
    parts = [
        f"**Simulated answer** from `{model}`: no language model was asked.",
        f"Your prompt has {words} word{'' if words == 1 else 's'} and begins `{begins}`.",
    ]
    if kind.long:
        parts.append(
            "A real answer may hold lists, tables and code:\n\n"
            "- set `OPENAI_API_KEY` or `ANTHROPIC_API_KEY` before the kernel starts, or\n"
            "- name any OpenAI-compatible server in `orch.yaml`."
        )
    return "\n\n".join(parts)
