"""GGUF files on this machine, by llama.cpp's own server in a child process.

The server comes prebuilt in the package ``xllamacpp``, the extra ``local``. The child starts with
the first request for a model and ends with the session; a crash in it is an error like any other.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from orch_nb.errors import BrokenAnswer, ModelNotFound, RequestRefused, Unreachable
from orch_nb.providers._endpoint import Endpoint
from orch_nb.providers._gguf import NotGGUF
from orch_nb.providers._llama import installed
from orch_nb.providers._llama_pool import Loaded, ModelFile, Pool, open_file
from orch_nb.providers._local_facts import FREE
from orch_nb.providers._memory import free_memory
from orch_nb.providers._model_files import find_models
from orch_nb.settings import user_home
from orch_nb.types import Delta, ModelCard, Request

# Seconds between signs of life while a model loads or another request has its turn: no limit on
# the first text, which is for servers that hang, should end what is merely slow.
_ALIVE = 1.0


class Provider:
    """The models that settings name, that were added, and that LM Studio and Ollama keep."""

    key_env: str | None = None
    home: str | None = None

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._pool = Pool(endpoint)

    async def stream(self, request: Request, model: str) -> AsyncGenerator[Delta]:
        """Load `model` if need be, send `request` to it, and yield its answer.

        Empty deltas come while it loads, waits for its turn, and reads the prompt.
        """
        name = f"{self.endpoint.name}:{model}"
        if _has_images(request):
            raise RequestRefused(name, "sees no images; choose a model that does")
        pool = self._pool
        turn = asyncio.ensure_future(self._take_turn(pool, name, model))
        try:
            while not (await asyncio.wait({turn}, timeout=_ALIVE))[0]:
                yield Delta()
            loaded = turn.result()
            async with aclosing(loaded.wire.stream(request, model)) as deltas:
                async for delta in deltas:
                    yield delta
        except (Unreachable, BrokenAnswer) as error:
            crash = await turn.result().server.crash(name)
            raise crash or error from None
        finally:
            turn.cancel()
            await asyncio.wait({turn})
            if not turn.cancelled() and turn.exception() is None:
                pool.release(turn.result())

    async def prepare(self) -> None:
        """Nothing is imported here: a child does."""

    async def list_models(self) -> list[ModelCard]:
        """The models on disk, with what their files say; none without ``xllamacpp``."""
        return await asyncio.to_thread(self._cards) if installed() else []

    async def count_tokens(self, request: Request, model: str) -> int | None:
        """As llama.cpp counts them for this model; None unless it is loaded."""
        loaded = self._pool.get(model)
        if loaded is None or _has_images(request):
            return None
        return await loaded.wire.count_tokens(request, model)

    async def close(self) -> None:
        """End the children. The next request starts one again."""
        pool, self._pool = self._pool, Pool(self.endpoint)
        await pool.close()

    async def _take_turn(self, pool: Pool, name: str, model: str) -> Loaded:
        loaded = pool.get(model)
        if loaded is None:
            if not installed():
                raise RequestRefused(name, 'needs llama.cpp; run `pip install "orch_nb[local]"`')
            files = await asyncio.to_thread(self._files)
            if model not in files:
                known = ", ".join(sorted(files)[:10]) or "none"
                raise ModelNotFound(name, f"no file has this name; there are: {known}")
            loaded = await pool.load(model, files[model], self._stated_context(model))
        await pool.take(model, loaded)
        return loaded

    def _files(self) -> dict[str, Path]:
        stated = {
            model: Path(row.path)
            for model, row in self.endpoint.models.items()
            if row.path is not None
        }
        return {**find_models(user_home(os.environ), os.environ), **stated}

    def _stated_context(self, model: str) -> int | None:
        row = self.endpoint.models.get(model)
        return None if row is None else row.context

    def _cards(self) -> list[ModelCard]:
        free = free_memory() + self._pool.reserved()
        cards = []
        for model, path in self._files().items():
            try:
                file = open_file(path, self._stated_context(model))
            except NotGGUF as error:
                useless = f"{path.name} {error}"
                cards.append(ModelCard(self.endpoint.name, model, unranked=useless, local=True))
                continue
            if file.head.kind == "model":
                cards.append(self._card(model, file, free))
        return cards

    def _card(self, model: str, file: ModelFile, free: int) -> ModelCard:
        loaded = self._pool.get(model)
        context = file.context(free) if loaded is None else loaded.context
        template = file.head.template
        if context is None:
            unranked = file.refusal(free)
        elif template is None:
            unranked = "no chat model: its file holds no chat template"
        else:
            unranked = ""
        tools = {"tools"} if template is not None and "tools" in template else set()
        return ModelCard(
            self.endpoint.name,
            model,
            context=context,
            prices=FREE,
            capabilities=frozenset({"json", *tools}),
            unranked=unranked,
            local=True,
            size=file.size,
            variant=file.head.size_label,
            loaded=loaded is not None,
        )


def _has_images(request: Request) -> bool:
    return any(message.images for message in request.messages)
