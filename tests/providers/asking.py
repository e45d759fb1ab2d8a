"""How the contract asks a provider, whatever its wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest
from pydantic import TypeAdapter

from orch_nb.errors import ProviderError
from orch_nb.invoke.attempt import Answer, Progress, attempt
from orch_nb.providers import Endpoint
from orch_nb.providers._port import Port
from orch_nb.settings import Limits
from orch_nb.types import Message, Request
from stub.client import Stub
from stub.state import LOOKUPS, Entry

KEY = "sk-contract-5f2c9e"
PROMPT = "How deep is the Öresund?\u2028\U0001f30a"


def sent(stub: Stub) -> list[Entry]:
    """What was asked of models, without what the provider looked up for it."""
    return [entry for entry in stub.log() if entry.wire not in LOOKUPS]


def check_type(kind: Any, body: object) -> None:
    """Whether `body` is a `kind`, which is a type of the SDK's; all of its lists are read."""
    adapter = TypeAdapter(kind)  # alive until the last list was read
    _exhaust(adapter.validate_python(body))


def _exhaust(value: object) -> None:
    """Read what pydantic checks only when it is read."""
    if isinstance(value, Mapping):
        value = value.values()
    if isinstance(value, Iterable) and not isinstance(value, str):
        for item in value:
            _exhaust(item)


class Asking:
    """Subclasses say which wire, and how a provider of it is made."""

    wire: ClassVar[str]
    #: What a base URL adds to the address of a provider of the stub.
    path: ClassVar[str] = "/v1"
    params: ClassVar[Any]
    #: Keys that the SDK sends only in ``extra_body``.
    extra: ClassVar[frozenset[str]] = frozenset()
    #: Whether answers come in pieces.
    stream: ClassVar[bool] = True

    def make(self, endpoint: Endpoint) -> Port:
        raise NotImplementedError

    @asynccontextmanager
    async def opened(self, base_url: str, **fields: Any) -> AsyncIterator[Port]:
        usual = {"key": KEY, "stream": self.stream}
        provider = self.make(Endpoint("alpha", base_url, **{**usual, **fields}))
        try:
            yield provider
        finally:
            await provider.close()

    def url(self, stub: Stub) -> str:
        return stub.url("alpha", self.path)

    async def ask(self, provider: Port, request: Request | None = None, **limits: Any) -> Answer:
        request = request or Request((Message("user", PROMPT),))
        stream = provider.stream(request, "m")
        return await attempt(stream, Progress("alpha:m"), Limits(**limits), float("inf"))

    def answer(self, stub: Stub, request: Request | None = None, **fields: Any) -> Answer:
        async def once() -> Answer:
            async with self.opened(self.url(stub), **fields) as provider:
                return await self.ask(provider, request)

        return asyncio.run(once())

    def count(self, stub: Stub, request: Request) -> int | None:
        async def once() -> int | None:
            async with self.opened(self.url(stub)) as provider:
                return await provider.count_tokens(request, "m")

        return asyncio.run(once())

    def failure(self, base_url: str, *, endpoint: Any = None, **limits: Any) -> ProviderError:
        async def once() -> ProviderError:
            async with self.opened(base_url, **(endpoint or {})) as provider:
                with pytest.raises(ProviderError) as caught:
                    await self.ask(provider, **limits)
                return caught.value

        return asyncio.run(once())
