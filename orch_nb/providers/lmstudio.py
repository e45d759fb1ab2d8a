"""Models that LM Studio runs: OpenAI's wire, and a list of models of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from orch_nb.errors import BrokenAnswer, ModelNotFound
from orch_nb.providers._endpoint import Endpoint
from orch_nb.providers._local_facts import FREE, count_bytes
from orch_nb.providers._openai_wire import OpenAIWire
from orch_nb.providers._usage import count
from orch_nb.settings import SERVERS
from orch_nb.types import ModelCard


class Provider(OpenAIWire):
    """An LM Studio server; without settings the one of this machine.

    The address may end in ``/v1``, as for other servers of OpenAI's wire, or not.
    """

    home = f"http://127.0.0.1:{SERVERS['lmstudio'].port}"

    def __init__(self, endpoint: Endpoint) -> None:
        self._root = (endpoint.base_url or self.home).rstrip("/").removesuffix("/v1")
        super().__init__(replace(endpoint, base_url=f"{self._root}/v1"))

    async def list_models(self) -> list[ModelCard]:
        """The models on the server's disk, with what it says of each.

        https://lmstudio.ai/docs/developer/rest/list; a version before 0.4 gives names only.
        """
        try:
            listed = await self._fetch(f"{self._root}/api/v1/models", self.endpoint.name)
            return [self._describe_model(row) for row in listed["models"]]
        except (ModelNotFound, BrokenAnswer, KeyError, TypeError, AttributeError):
            # Older versions answer 404, or 200 with "Unexpected endpoint".
            cards = await super().list_models()
        return [replace(card, prices=FREE) for card in cards] if self.endpoint.local else cards

    def _describe_model(self, row: Mapping[str, Any]) -> ModelCard:
        quantization = row.get("quantization")
        level = quantization.get("name") if isinstance(quantization, Mapping) else None
        parts = (row.get("params_string"), level)
        windows = [count(i["config"].get("context_length")) for i in row["loaded_instances"]]
        local, chats = self.endpoint.local, row["type"] in ("llm", "vlm")
        return ModelCard(
            self.endpoint.name,
            str(row["key"]),
            # What is loaded has the window that it was loaded with.
            context=max(filter(None, windows), default=count(row.get("max_context_length"))),
            prices=FREE if local else None,
            capabilities=_capabilities(row.get("capabilities")) if chats else None,
            unranked="" if chats else "no chat model",
            local=local,
            size=count_bytes(row.get("size_bytes")) if local else None,
            variant=" ".join(part for part in parts if isinstance(part, str) and part),
            loaded=bool(windows),
        )


def _capabilities(said: object) -> frozenset[str] | None:
    if not isinstance(said, Mapping):
        return None
    named = {"vision": said.get("vision"), "tools": said.get("trained_for_tool_use"), "json": True}
    return frozenset(name for name, has in named.items() if has is True)
