"""orch-nb with all that a call may have: cache key, budget in its file, breaker and ledger."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from typing import Any

import orch_nb

#: Models need a price where there is a budget. They are named with their lengths in words.
_MODELS = ("m", "bench-20", "bench-200", "bench-20-5")
_TYPES = {"openai": ("compatible", "/v1"), "anthropic": ("anthropic", ""), "ollama": ("ollama", "")}


class Subject:
    """A session of its own with each deployment as a provider; `wire` is whose API they have.

    `stream` is how answers come that are returned whole; without a `budget` there is no limit.
    """

    def __init__(
        self,
        urls: list[str],
        seconds: float,
        *,
        wire: str = "openai",
        cache: str = "bypass",
        stream: bool = True,
        budget: bool = True,
    ) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._providers = [f"place{number}" for number in range(len(urls))]
        self._cache, self._stream = cache, stream
        config = settings(dict(zip(self._providers, urls, strict=True)), seconds, wire)
        if not budget:
            del config["budget"]
        self.session = orch_nb.Session(config=config, directory=self._folder.name)

    def ask(self, prompt: str, model: str) -> str:
        models = self._models(model)
        answer = self.session.ask(prompt, model=models, cache=self._cache, stream=self._stream)
        return answer.text

    def stream(self, prompt: str, model: str, on_text: Callable[[str], object]) -> None:
        models = self._models(model)
        self.session.ask(prompt, model=models, cache=self._cache, on_text=on_text)

    async def aask(self, prompt: str, model: str) -> str:
        models = self._models(model)
        answer = await self.session.aask(
            prompt, model=models, cache=self._cache, stream=self._stream
        )
        return answer.text

    def _models(self, model: str) -> Any:
        named = [f"{provider}:{model}" for provider in self._providers]
        return named if named[1:] else named[0]

    def close(self) -> None:
        self.session.close()
        self._folder.cleanup()


def settings(places: Mapping[str, str], seconds: float, wire: str) -> dict[str, Any]:
    """The configuration with these providers, at these addresses, and a budget that suffices."""
    kind, path = _TYPES[wire]
    row = {"type": kind, "api_key": "none"} if wire == "anthropic" else {"type": kind}
    price = {"price": {"input": 0.1, "output": 0.4}}
    return {
        "probe": False,
        "providers": {
            place: {**row, "base_url": url + path, "max_connections": 256}
            for place, url in places.items()
        },
        "models": {f"{place}:{model}": price for place in places for model in _MODELS},
        "budget": {"task": 1, "session": 1000, "hour": 1000},
        "limits": {"first_token": seconds, "idle": seconds, "attempt": seconds},
    }
