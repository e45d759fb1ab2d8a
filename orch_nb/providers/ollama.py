"""Models that Ollama runs, reached by its own wire and the client of its own package."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any

from orch_nb.errors import (
    BrokenAnswer,
    ModelNotFound,
    ProviderError,
    RequestRefused,
    ServerFailed,
)
from orch_nb.providers import _failures, _ollama_chat
from orch_nb.providers._endpoint import Endpoint
from orch_nb.providers._failed_body import read_failure
from orch_nb.providers._importing import import_beside
from orch_nb.providers._lines import Lines
from orch_nb.providers._linked import Linked
from orch_nb.providers._ollama_models import Shown, card, full_name, read_loaded, read_shown
from orch_nb.providers._opening import Opening
from orch_nb.providers._reading import encoding_of, json_reader, read_some
from orch_nb.sanitize import mask
from orch_nb.settings import SERVERS
from orch_nb.types import Delta, ModelCard, Request

if TYPE_CHECKING:
    from orch_nb.providers._link import Link, Open

# Models looked up at the same time, and the seconds after which the rest is listed, or a connected
# server asked, without facts.
_LOOK_UPS, _LOOK_UP_TIME = 4, 3.0
# Seconds that what is in memory is taken to stay there. Chosen: who is wrong has the server load a
# model with another window, and who asks before each of many short calls doubles their cost.
_LOADED_TIME = 5.0
# Seconds until a server that could not say something is asked for it again. Chosen.
_UNSAID_TIME = 60.0
# How servers fail that answer, but not this: other programs have as much of the wire as they need.
_UNSAID = (ModelNotFound, RequestRefused, ServerFailed, BrokenAnswer, TimeoutError)


class Provider(Linked):
    """An Ollama server; without settings the one of this machine.

    The ``ollama`` package makes the client, for address and headers, and no more of it is used: its
    `chat` drops what it does not know of a tool's schema, refuses a whole answer for one odd count,
    and opens a picture that happens to be named like a file.
    """

    key_env: str | None = None
    home: str | None = f"http://127.0.0.1:{SERVERS['ollama'].port}"

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__()
        self.endpoint = endpoint
        self._address = (endpoint.base_url or self.home or "").rstrip("/").removesuffix("/v1")
        self._shown: dict[str, Shown] = {}
        self._windows: dict[str, int] = {}
        # Until when, in the loop's time, the windows hold, and a model is not asked about again.
        self._windows_until = float("-inf")
        self._unsaid_until: dict[str, float] = {}
        self._opening = Opening(
            Lines,
            "application/x-ndjson",
            _ollama_chat.Reader,
            _ollama_chat.read_whole,
            _ollama_chat.count_of,
            self._describe,
            endpoint.answer_limit,
        )

    async def prepare(self) -> None:
        """Import the package and make its client; what is wrong with that, the request says."""
        with suppress(ProviderError):
            await self._ready_link(self.endpoint.name)

    async def stream(self, request: Request, model: str) -> AsyncGenerator[Delta]:
        """Send `request` to `model` and yield its answer.

        Raises a `ProviderError`; after one the connection is closed.
        """
        name = f"{self.endpoint.name}:{model}"
        with self.endpoint.masking():
            link = await self._ready_link(name)
            shown = self._shown.get(model) or await self._look_up(model, name)
            loaded = (await self._loaded()).get(full_name(model), 0)
            num_ctx = _ollama_chat.window(request, name, shown.context, loaded)
            streams = self.endpoint.streams(request)
            body = _ollama_chat.encode(request, model, shown, num_ctx, stream=streams)
            response = await self._send(link, _ollama_chat.PATH, name, body)
            try:
                self._windows[full_name(model)] = num_ctx
                answer = await self._opening.open(response, link.broken, name, streams=streams)
                async with aclosing(answer.deltas(response, link.broken)) as deltas:
                    async for delta in deltas:
                        yield delta
            finally:
                await response.aclose()

    async def list_models(self) -> list[ModelCard]:
        """The models on the server's disk, with what it says of each, and which it has loaded."""
        name = self.endpoint.name
        body = await self._fetch("/api/tags", name)
        try:
            rows = {str(row["model"]): row for row in body["models"]}
        except (KeyError, TypeError):
            raise _failures.malformed(name, "no list of models") from None
        self._shown = await self._show_all(list(rows))
        self._windows_until = float("-inf")
        loaded = await self._loaded()
        return [card(row, self._shown.get(m), loaded, self.endpoint) for m, row in rows.items()]

    async def count_tokens(self, request: Request, model: str) -> int | None:
        """None: Ollama does not count."""
        return None

    async def _show_all(self, models: list[str]) -> dict[str, Shown]:
        """What the server says of each model, as far as it says so in time."""
        turns = asyncio.Semaphore(_LOOK_UPS)

        async def show(model: str) -> Shown | None:
            try:
                async with asyncio.timeout_at(end), turns:
                    return await self._show(model, f"{self.endpoint.name}:{model}")
            except (ProviderError, TimeoutError):
                return None

        end = asyncio.get_running_loop().time() + _LOOK_UP_TIME
        found = await asyncio.gather(*map(show, models))
        return {model: shown for model, shown in zip(models, found, strict=True) if shown}

    async def _show(self, model: str, name: str) -> Shown:
        shown = read_shown(await self._fetch("/api/show", name, {"model": model}))
        self._shown[model] = shown
        return shown

    async def _look_up(self, model: str, name: str) -> Shown:
        """What the server says of `model`: nothing if it cannot, or not soon. It may still chat.

        Raises a `ProviderError` where it would not.
        """
        now = asyncio.get_running_loop().time()
        if now < self._unsaid_until.get(model, now):
            return Shown()
        try:
            async with self._soon():
                return await self._show(model, name)
        except _UNSAID:
            self._unsaid_until[model] = now + _UNSAID_TIME
            return Shown()

    def _soon(self) -> asyncio.Timeout:
        return asyncio.timeout(self.endpoint.connect + _LOOK_UP_TIME)

    async def _loaded(self) -> dict[str, int]:
        """The windows of the models in memory; none where the server does not say."""
        now = asyncio.get_running_loop().time()
        if now < self._windows_until:
            return self._windows
        try:
            async with self._soon():
                self._windows = read_loaded(await self._fetch("/api/ps", self.endpoint.name))
            self._windows_until = now + _LOADED_TIME
        except (ProviderError, KeyError, TypeError, TimeoutError):
            self._windows, self._windows_until = {}, now + _UNSAID_TIME
        return self._windows

    async def _fetch(
        self, path: str, name: str, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The one JSON object that the server answers."""
        with self.endpoint.masking():
            link = await self._ready_link(name)
            response = await self._send(link, path, name, body)
            try:
                if encoding := encoding_of(response):
                    raise _failures.malformed(name, f"{encoding} where none was asked for")
                limit = self.endpoint.answer_limit
                parsed = json_reader(name)(await read_some(response, link.broken, name, limit))
            finally:
                await response.aclose()
        if not isinstance(parsed, dict):
            raise _failures.malformed(name, "no JSON object")
        return parsed

    async def _send(self, link: Link, path: str, name: str, body: Mapping[str, Any] | None) -> Open:
        """One request; its response is open, and a success."""
        unstreamed = body is not None and body.get("stream") is False
        # ASCII, because a prompt may hold half a surrogate pair.
        content = None if body is None else json.dumps(body).encode()
        response = await link.send(path, name, content, unstreamed=unstreamed)
        if 200 <= response.status_code < 300:
            return response
        try:
            said = self._describe(await read_failure(response, link.broken))
        finally:
            await response.aclose()
        raise self._failure(name, response, said, unstreamed=unstreamed)

    def _failure(self, name: str, response: Open, said: str, *, unstreamed: bool) -> ProviderError:
        status = response.status_code
        if status == 404:
            model = name.removeprefix(f"{self.endpoint.name}:")
            detail = f" ({said})" if said else ""
            return ModelNotFound(
                name, f"not on this server{detail}; run `ollama pull {model}`", status=status
            )
        if "more system memory" in said:  # 500, but no retry makes room
            return RequestRefused(
                name, f"{said}; close what fills it, or take a smaller model", status=status
            )
        headers, hint = response.headers, self.endpoint.key_hint
        return _failures.from_status(name, status, said, headers, hint, unstreamed=unstreamed)

    async def _ready_link(self, name: str) -> Link:
        _failures.check_key(name, self.endpoint.key, self.endpoint.key_hint)
        if self._link is None:
            await import_beside("ollama")
        return self._link or self._make_link(name)

    def _make_link(self, name: str) -> Link:
        import httpx  # noqa: PLC0415 - %load_ext need not pay for it
        import ollama  # noqa: PLC0415

        from orch_nb.providers._link import Link, client_options, open_transport  # noqa: PLC0415

        try:
            transport = open_transport(httpx, self.endpoint)
            options = client_options(httpx, self.endpoint, transport)
            client = ollama.AsyncClient(self._address, **options)
        except (ImportError, OSError, ValueError, httpx.InvalidURL):
            raise _failures.no_client(name) from None
        http: httpx.AsyncClient = client._client
        # Out with the key of OLLAMA_API_KEY, which may be that of another host.
        http.headers.pop("authorization", None)
        http.headers["accept-encoding"] = "identity"  # no decompression bombs
        if self.endpoint.key is not None:
            http.headers["authorization"] = f"Bearer {self.endpoint.key}"
        http.headers.update(self.endpoint.headers)
        hint = "is `ollama serve` running there?"
        headers = dict(http.headers.items())
        self._link = Link(http, httpx, transport, headers, self._address, hint)
        return self._link

    def _describe(self, body: object) -> str:
        """What an error says, without the key that some servers echo."""
        return mask(_failures.describe(body), self.endpoint.secrets)
