"""LangChain's ``with_fallbacks``: https://python.langchain.com/docs/how_to/fallbacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langchain_openai import ChatOpenAI


class Subject:
    """A chat model with the next one as its fallback, and its default of two retries."""

    def __init__(self, urls: list[str], seconds: float) -> None:
        self._urls, self._seconds = urls, seconds
        self._chains: dict[str, Any] = {}

    def _chain(self, model: str) -> Any:
        if model not in self._chains:
            first, *rest = (
                ChatOpenAI(
                    model=model,
                    base_url=f"{url}/v1",
                    api_key="none",  # type: ignore[arg-type]
                    timeout=self._seconds,
                    max_retries=2,
                    stream_usage=True,
                )
                for url in self._urls
            )
            self._chains[model] = first.with_fallbacks(rest) if rest else first
        return self._chains[model]

    def ask(self, prompt: str, model: str) -> str:
        return str(self._chain(model).invoke(prompt).content)

    def stream(self, prompt: str, model: str, on_text: Callable[[str], object]) -> None:
        for chunk in self._chain(model).stream(prompt):
            if chunk.content:
                on_text(chunk.content)

    async def aask(self, prompt: str, model: str) -> str:
        return str((await self._chain(model).ainvoke(prompt)).content)

    def close(self) -> None:
        pass
