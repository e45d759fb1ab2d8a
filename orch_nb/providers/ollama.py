"""Models that Ollama runs, reached by its own wire and the client of its own package."""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from orch_nb.errors import (
    ModelNotFound,
    ProviderError,
    RequestRefused,
    Unreachable,
)
from orch_nb.providers import _failures, _ollama_chat
from orch_nb.providers._endpoint import Endpoint
from orch_nb.providers._failed_body import read_failure
from orch_nb.providers._lines import Lines
from orch_nb.providers._ollama_models import Shown, card, full_name, read_loaded, read_shown
from orch_nb.providers._opening import Opening
from orch_nb.providers._reading import encoding_of, read_some
from orch_nb.sanitize import mask
from orch_nb.settings import SERVERS
from orch_nb.types import Delta, ModelCard, Request

if TYPE_CHECKING:
    import httpx

# Models looked up at the same time, and the seconds after which the rest is listed without facts.
_LOOK_UPS, _LOOK_UP_TIME = 4, 3.0


class Provider:
    """An Ollama server; without settings the one of this machine.

    The ``ollama`` package makes the client, and no more of it is used: its `chat` drops what it
    does not know of a tool's schema, refuses a whole answer for one odd count, and opens a picture
    that happens to be named like a file.
    """

    key_env: str | None = None
    home: str | None = f"http://127.0.0.1:{SERVERS['ollama'].port}"

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._address = (endpoint.base_url or self.home or "").rstrip("/").removesuffix("/v1")
        self._client: Any = None
        self._shown: dict[str, Shown] = {}
        self._opening = Opening(
            Lines,
            "application/x-ndjson",
            _ollama_chat.Reader,
            _ollama_chat.read_whole,
            self._describe,
            endpoint.answer_limit,
        )

    async def prepare(self) -> None:
        """Import the package, 0.2 s of CPU, beside the loop."""
        if self._client is None:
            await asyncio.to_thread(importlib.import_module, "ollama")

    async def stream(self, request: Request, model: str) -> AsyncGenerator[Delta]:
        """Send `request` to `model` and yield its answer.

        Raises a `ProviderError`; after one the connection is closed.
        """
        name = f"{self.endpoint.name}:{model}"
        with self.endpoint.masking():
            shown = self._shown.get(model) or await self._show(model, name)
            loaded = (await self._loaded()).get(full_name(model), 0)
            num_ctx = _ollama_chat.window(request, name, shown.context, loaded)
            streams = self.endpoint.streams(request)
            body = _ollama_chat.encode(request, model, shown, num_ctx, stream=streams)
            response = await self._send("POST", _ollama_chat.PATH, name, body)
            try:
                answer = await self._opening.open(response, _broken(), name, streams=streams)
                async with aclosing(answer.deltas(response, _broken())) as deltas:
                    async for delta in deltas:
                        yield delta
            finally:
                await response.aclose()

    async def list_models(self) -> list[ModelCard]:
        """The models on the server's disk, with what it says of each, and which it has loaded."""
        name = self.endpoint.name
        body = await self._fetch("GET", "/api/tags", name)
        try:
            rows = {str(row["model"]): row for row in body["models"]}
        except (KeyError, TypeError):
            raise _failures.malformed(name, "no list of models") from None
        self._shown = await self._show_all(list(rows))
        loaded = await self._loaded()
        return [card(row, self._shown.get(m), loaded, self.endpoint) for m, row in rows.items()]

    async def count_tokens(self, request: Request, model: str) -> int | None:
        """None: Ollama does not count."""
        return None

    async def close(self) -> None:
        """Close every connection."""
        if self._client is not None:
            await self._client.close()
            self._client = None

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
        shown = read_shown(await self._fetch("POST", "/api/show", name, {"model": model}))
        self._shown[model] = shown
        return shown

    async def _loaded(self) -> dict[str, int]:
        """The windows of the models in memory; none where the server does not say."""
        try:
            return read_loaded(await self._fetch("GET", "/api/ps", self.endpoint.name))
        except (ProviderError, KeyError, TypeError):
            return {}

    async def _fetch(
        self, method: str, path: str, name: str, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        with self.endpoint.masking():
            response = await self._send(method, path, name, body)
            try:
                parsed = json.loads(await self._read(response, name))
            except (ValueError, RecursionError):
                raise _failures.malformed(name, "no JSON") from None
            finally:
                await response.aclose()
        if not isinstance(parsed, dict):
            raise _failures.malformed(name, "no JSON object")
        return parsed

    async def _send(
        self, method: str, path: str, name: str, body: Mapping[str, Any] | None = None
    ) -> httpx.Response:
        """One request; its response is open, and a success."""
        import httpx  # noqa: PLC0415 - %load_ext need not pay for it

        unstreamed = body is not None and body.get("stream") is False
        client: httpx.AsyncClient = self._ready_client(name)._client
        # ASCII, because a prompt may hold half a surrogate pair.
        content = None if body is None else json.dumps(body).encode()
        try:
            request = client.build_request(method, path, content=content)
            response = await client.send(request, stream=True)
        except httpx.ConnectTimeout:
            raise _failures.unconnected(name, self._address) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            failure = Unreachable(
                name, f"cannot reach {self._address}; is `ollama serve` running there?"
            )
            connected = not isinstance(
                error, httpx.ConnectError | httpx.ProxyError | httpx.InvalidURL
            )
            failure.asked = unstreamed and connected  # its head comes when all is written
            raise failure from None
        if response.is_success:
            return response
        try:
            said = self._describe(await read_failure(response, _broken()))
        finally:
            await response.aclose()
        raise self._failure(name, response, said, unstreamed=unstreamed) from None

    def _failure(
        self, name: str, response: httpx.Response, said: str, *, unstreamed: bool
    ) -> ProviderError:
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

    def _ready_client(self, name: str) -> Any:
        key = self.endpoint.key
        _failures.check_key(name, key, self.endpoint.key_hint)
        if self._client is None:
            import httpx  # noqa: PLC0415
            import ollama  # noqa: PLC0415 - see prepare

            limit = self.endpoint.max_connections
            try:
                self._client = ollama.AsyncClient(
                    self._address,
                    follow_redirects=False,  # a key never goes where a server points
                    timeout=httpx.Timeout(None, connect=self.endpoint.connect),
                    limits=httpx.Limits(max_connections=limit, max_keepalive_connections=limit),
                    trust_env=not self.endpoint.local,  # no proxy leads to this machine
                )
            except (ImportError, OSError, ValueError, httpx.InvalidURL):
                raise _failures.no_client(name) from None
            headers = self._client._client.headers
            # Out with the key of OLLAMA_API_KEY, which may be that of another host.
            headers.pop("authorization", None)
            headers["accept-encoding"] = "identity"  # no decompression bombs
            if key is not None:
                headers["authorization"] = f"Bearer {key}"
            headers.update(self.endpoint.headers)
        return self._client

    def _describe(self, body: object) -> str:
        """What an error says, without the key that some servers echo."""
        return mask(_failures.describe(body), self.endpoint.secrets)

    async def _read(self, response: httpx.Response, name: str) -> bytes:
        if encoding := encoding_of(response):
            raise _failures.malformed(name, f"{encoding} where none was asked for")
        return await read_some(response, _broken(), name, self.endpoint.answer_limit)


def _broken() -> tuple[type[Exception]]:
    import httpx  # noqa: PLC0415

    return (httpx.HTTPError,)
