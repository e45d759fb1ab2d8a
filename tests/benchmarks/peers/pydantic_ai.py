"""pydantic-ai's FallbackModel: https://ai.pydantic.dev/models/overview/#fallback-model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from openai import AsyncOpenAI
from pydantic_ai import Agent
from pydantic_ai.models.fallback import FallbackModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider


class Subject:
    """An agent without tools, whose clients are kept; the SDK's two retries are on."""

    def __init__(self, urls: list[str], seconds: float) -> None:
        self._urls, self._seconds = urls, seconds
        self._agents: dict[str, Agent] = {}
        self._loop = asyncio.new_event_loop()

    def _agent(self, model: str) -> Agent:
        if model not in self._agents:
            first, *rest = (
                OpenAIChatModel(
                    model,
                    provider=OpenAIProvider(
                        openai_client=AsyncOpenAI(
                            base_url=f"{url}/v1", api_key="none", timeout=self._seconds
                        )
                    ),
                )
                for url in self._urls
            )
            self._agents[model] = Agent(FallbackModel(first, *rest) if rest else first)
        return self._agents[model]

    def ask(self, prompt: str, model: str) -> str:
        return self._loop.run_until_complete(self.aask(prompt, model))

    def stream(self, prompt: str, model: str, on_text: Callable[[str], object]) -> None:
        async def run() -> None:
            async with self._agent(model).run_stream(prompt) as answer:
                async for piece in answer.stream_text(delta=True, debounce_by=None):
                    on_text(piece)

        self._loop.run_until_complete(run())

    async def aask(self, prompt: str, model: str) -> str:
        return str((await self._agent(model).run(prompt)).output)

    def close(self) -> None:
        self._loop.close()
