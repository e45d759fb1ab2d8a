"""The openai SDK with one shared client. It knows one deployment, and has its own retries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai


class Subject:
    """One call at a time through its default transport; many through the one that is named."""

    def __init__(self, urls: list[str], seconds: float, transport: str = "httpx") -> None:
        self._url, self._options = f"{urls[0]}/v1", {"api_key": "none", "timeout": seconds}
        self._client = openai.OpenAI(base_url=self._url, **self._options)  # type: ignore[arg-type]
        self._transport = transport
        self._many: Any = None
        self._threads = ThreadPoolExecutor(256)  # it makes as many as there are calls at a time

    def ask(self, prompt: str, model: str) -> str:
        answer = self._client.chat.completions.create(model=model, messages=_messages(prompt))
        return answer.choices[0].message.content or ""

    def stream(self, prompt: str, model: str, on_text: Callable[[str], object]) -> None:
        chunks = self._client.chat.completions.create(
            model=model,
            messages=_messages(prompt),
            stream=True,
            stream_options={"include_usage": True},
        )
        for chunk in chunks:
            if chunk.choices and chunk.choices[0].delta.content:
                on_text(chunk.choices[0].delta.content)

    async def aask(self, prompt: str, model: str) -> str:
        if self._transport == "threads":
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self.ask, prompt, model)
        if self._many is None:  # a client belongs to the loop that uses it first
            aio = self._transport == "aiohttp"
            made = openai.DefaultAioHttpClient() if aio else openai.DefaultAsyncHttpxClient()
            self._many = openai.AsyncOpenAI(
                base_url=self._url,
                http_client=made,
                **self._options,  # type: ignore[arg-type]
            )
        answer = await self._many.chat.completions.create(model=model, messages=_messages(prompt))
        return str(answer.choices[0].message.content)

    async def aclose(self) -> None:
        if self._many is not None:
            await self._many.close()

    def close(self) -> None:
        self._client.close()
        self._threads.shutdown()


def _messages(prompt: str) -> Any:
    return [{"role": "user", "content": prompt}]
