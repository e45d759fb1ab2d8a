"""Which models are in memory, and whose turn it is with each."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path

from orch_nb.errors import RequestRefused
from orch_nb.providers._endpoint import Endpoint
from orch_nb.providers._gguf import Head, NotGGUF, read_head
from orch_nb.providers._llama_server import LlamaServer
from orch_nb.providers._memory import fit_context, free_memory, needed
from orch_nb.providers._model_files import weight
from orch_nb.providers._openai_wire import OpenAIWire
from orch_nb.providers._reading import Event
from orch_nb.types import Request

# Of a hundred connections that are kept, llama.cpp closes one just when the next request comes.
_ONCE = {"Connection": "close"}

#: How many models are kept in memory at the same time.
MOST = 2


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model on disk. ``stated`` is the context that the settings ask for, in tokens."""

    path: Path
    head: Head
    size: int
    stated: int | None

    def context(self, free: int) -> int | None:
        """The context with which it fits into `free` bytes of memory; None: it does not."""
        per_token = self.head.bytes_per_token
        return fit_context(self.size, per_token, self.head.trained, self.stated, free)

    def memory(self, context: int) -> int:
        """Bytes that it takes with a context of `context` tokens."""
        return needed(self.size, self.head.bytes_per_token, context)

    def refusal(self, free: int) -> str:
        """Why it is not loaded when `free` bytes are too few."""
        least = self.memory(self.stated or 0)
        return f"needs {least / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free"


def open_file(path: Path, stated: int | None) -> ModelFile:
    """Read what is needed to load `path`. Raises `NotGGUF`."""
    head = read_head(path)
    try:
        return ModelFile(path, head, weight(path), stated)
    except OSError as error:
        raise NotGGUF(f"cannot be read ({error.strerror or 'unknown reason'})") from None


@dataclass(slots=True, eq=False)
class Loaded:
    """A model in memory. Requests take turns; ``users`` are those that have or await one."""

    server: LlamaServer
    wire: ChildWire
    context: int
    memory: int
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class ChildWire(OpenAIWire):
    """Chat Completions as llama.cpp speaks it."""

    def encode(self, request: Request, model: str) -> tuple[str, Event]:
        """With signs of life while a long prompt is read."""
        path, body = super().encode(request, model)
        return path, {**body, "return_progress": True} if body["stream"] else body

    async def count_tokens(self, request: Request, model: str) -> int | None:
        """As the model's own template and vocabulary make them."""
        _, body = self.encode(request, model)
        return await self.count_by("/chat/completions/input_tokens", model, body)


class Pool:
    """Loads models when they are first used and ends the least recently used ones."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._loaded: dict[str, Loaded] = {}
        self._loading = asyncio.Lock()
        self._freed = asyncio.Event()

    def get(self, model: str) -> Loaded | None:
        """`model` if it is in memory and alive."""
        loaded = self._loaded.get(model)
        return loaded if loaded is not None and loaded.server.alive else None

    def reserved(self) -> int:
        """Bytes that would be free if nothing were loaded."""
        return sum(loaded.memory for loaded in self._loaded.values())

    async def load(self, model: str, path: Path, stated: int | None) -> Loaded:
        """`model` from the file at `path`, unless it is in memory by now.

        Raises a `ProviderError`.
        """
        async with self._loading:
            return self.get(model) or await self._load(model, path, stated)

    async def take(self, model: str, loaded: Loaded) -> None:
        """Wait for the turn with `loaded`, and have it until `release`."""
        if self._loaded.get(model) is loaded:
            self._loaded[model] = self._loaded.pop(model)  # last in the order of use
        loaded.users += 1
        try:
            await loaded.turn.acquire()
        except asyncio.CancelledError:
            self._leave(loaded)
            raise

    def release(self, loaded: Loaded) -> None:
        """Give the turn to the next."""
        loaded.turn.release()
        self._leave(loaded)

    async def close(self) -> None:
        """End all children."""
        for model in list(self._loaded):
            await self._end(model)

    def _leave(self, loaded: Loaded) -> None:
        loaded.users -= 1
        self._freed.set()

    async def _load(self, model: str, path: Path, stated: int | None) -> Loaded:
        name = f"{self._endpoint.name}:{model}"
        try:
            file = await asyncio.to_thread(open_file, path, stated)
        except NotGGUF as error:
            raise RequestRefused(
                name, f"{path.name} {error}; name a model in GGUF format"
            ) from None
        for other in [other for other in self._loaded if self.get(other) is None]:
            await self._end(other)  # it crashed
        context = await self._make_room(file)
        if context is None:
            said = file.refusal(free_memory())
            raise RequestRefused(name, f"{said}; end other programs or take a smaller model")
        server = await LlamaServer.start(name, path, context)
        place = replace(self._endpoint, base_url=server.url, key=server.key, headers=_ONCE)
        self._loaded[model] = Loaded(server, ChildWire(place), context, file.memory(context))
        return self._loaded[model]

    async def _make_room(self, file: ModelFile) -> int | None:
        """The context that `file` will have, after what is in its way was ended."""
        while True:
            free = free_memory()
            context = file.context(free)
            wished = file.context(free + self.reserved())
            if not self._loaded or (context == wished and len(self._loaded) < MOST):
                return context
            await self._end(await self._idle())

    async def _idle(self) -> str:
        """The model that was used longest ago of those that nobody uses, when there is one."""
        while True:
            for model, loaded in self._loaded.items():
                if loaded.users == 0:
                    return model
            self._freed.clear()
            await self._freed.wait()

    async def _end(self, model: str) -> None:
        loaded = self._loaded.pop(model)
        loaded.server.end()
        await loaded.wire.close()
