"""LiteLLM's Router with a fallback: https://docs.litellm.ai/docs/routing."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from itertools import pairwise
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else prices are fetched at import

import litellm
from litellm import Router

litellm.telemetry = False
litellm.suppress_debug_info = True
logging.getLogger("LiteLLM Router").setLevel(logging.CRITICAL)
logging.getLogger("LiteLLM").setLevel(logging.CRITICAL)


class Subject:
    """A Router for each model, with a group for each deployment and two retries."""

    def __init__(self, urls: list[str], seconds: float) -> None:
        self._urls, self._seconds = urls, seconds
        self._routers: dict[str, Router] = {}

    def _router(self, model: str) -> Router:
        if model not in self._routers:
            groups = [f"group{number}" for number in range(len(self._urls))]
            rows = [
                {
                    "model_name": group,
                    "litellm_params": {
                        "model": f"openai/{model}",
                        "api_base": f"{url}/v1",
                        "api_key": "none",
                    },
                }
                for group, url in zip(groups, self._urls, strict=True)
            ]
            self._routers[model] = Router(
                model_list=rows,
                fallbacks=[{first: [second]} for first, second in pairwise(groups)],
                num_retries=2,
                timeout=self._seconds,
                stream_timeout=self._seconds,
            )
        return self._routers[model]

    def ask(self, prompt: str, model: str) -> str:
        answer: Any = self._router(model).completion("group0", _messages(prompt))
        return str(answer.choices[0].message.content)

    def stream(self, prompt: str, model: str, on_text: Callable[[str], object]) -> None:
        for chunk in self._router(model).completion(
            "group0", _messages(prompt), stream=True, stream_options={"include_usage": True}
        ):
            if chunk.choices and chunk.choices[0].delta.content:
                on_text(chunk.choices[0].delta.content)

    async def aask(self, prompt: str, model: str) -> str:
        answer: Any = await self._router(model).acompletion("group0", _messages(prompt))
        return str(answer.choices[0].message.content)

    def close(self) -> None:
        pass


def _messages(prompt: str) -> Any:
    return [{"role": "user", "content": prompt}]
