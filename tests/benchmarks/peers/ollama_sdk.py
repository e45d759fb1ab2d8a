"""The ollama SDK with one shared client."""

from __future__ import annotations

from collections.abc import Callable

import ollama


class Subject:
    """Chats, whole and streamed."""

    def __init__(self, urls: list[str], seconds: float) -> None:
        self._client = ollama.Client(host=urls[0], timeout=seconds)

    def ask(self, prompt: str, model: str) -> str:
        answer = self._client.chat(model=model, messages=[{"role": "user", "content": prompt}])
        return answer.message.content or ""

    def stream(self, prompt: str, model: str, on_text: Callable[[str], object]) -> None:
        messages = [{"role": "user", "content": prompt}]
        for piece in self._client.chat(model=model, messages=messages, stream=True):
            if piece.message.content:
                on_text(piece.message.content)

    def close(self) -> None:
        pass
