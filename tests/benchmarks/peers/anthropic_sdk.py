"""The anthropic SDK with one shared client."""

from __future__ import annotations

from collections.abc import Callable

import anthropic


class Subject:
    """Messages, whole and streamed."""

    def __init__(self, urls: list[str], seconds: float) -> None:
        self._client = anthropic.Anthropic(base_url=urls[0], api_key="none", timeout=seconds)

    def ask(self, prompt: str, model: str) -> str:
        answer = self._client.messages.create(
            model=model, max_tokens=1024, messages=[{"role": "user", "content": prompt}]
        )
        return "".join(block.text for block in answer.content if block.type == "text")

    def stream(self, prompt: str, model: str, on_text: Callable[[str], object]) -> None:
        with self._client.messages.stream(
            model=model, max_tokens=1024, messages=[{"role": "user", "content": prompt}]
        ) as pieces:
            for piece in pieces.text_stream:
                on_text(piece)

    def close(self) -> None:
        self._client.close()
