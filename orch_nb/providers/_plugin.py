"""Provider types from elsewhere: by the entry point ``orch_nb.providers``, or by a decorator.

What such a class must have is ``stream(request, model)`` alone; the rest is filled in here.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from orch_nb.errors import OrchError, ServerFailed, SettingsError
from orch_nb.providers._endpoint import Endpoint
from orch_nb.sanitize import mask, one_line
from orch_nb.types import Delta, ModelCard, Request

GROUP = "orch_nb.providers"
_END = object()
_REGISTERED: dict[str, type] = {}
# What others' code may raise on the loop: the last two would end it, and all calls with it.
_RAISED = (Exception, SystemExit, KeyboardInterrupt)


def register(name: str, kind: type) -> None:
    """Make `kind` the type `name`, in place of one from elsewhere that has it."""
    _REGISTERED[name] = kind


def plugin_types() -> set[str]:
    """The names of all types from elsewhere."""
    return {*_REGISTERED, *installed()}


@cache
def installed() -> dict[str, EntryPoint]:
    """The entry points of all installed packages, by the name of the type."""
    return {found.name: found for found in entry_points(group=GROUP)}


class PluginType:
    """Makes providers of a class from elsewhere, in the form that all others have."""

    def __init__(self, name: str) -> None:
        try:
            self._kind = _REGISTERED.get(name) or installed()[name].load()
        except Exception as error:  # noqa: BLE001 - importing others' code may raise what it likes
            said = one_line(f"{type(error).__name__}: {error}")
            raise SettingsError(
                f"the installed provider type {name!r} cannot be loaded ({said}); "
                "repair or uninstall its package"
            ) from None
        self._name = name
        self.key_env: str | None = getattr(self._kind, "key_env", None)
        self.home: str | None = getattr(self._kind, "home", None)

    def __call__(self, endpoint: Endpoint) -> Plugin:
        """Make the class with the endpoint, or without arguments if it takes none.

        Raises `SettingsError` where that fails.
        """
        try:
            takes = inspect.signature(self._kind).parameters
            return Plugin(endpoint, self._kind(endpoint) if takes else self._kind())
        except (Exception, SystemExit) as error:  # noqa: BLE001 - others' code, in our caller's thread
            said = one_line(mask(f"{type(error).__name__}: {error}", endpoint.secrets))
            raise SettingsError(
                f"provider {endpoint.name!r} cannot be made ({said}); repair its type "
                f"{self._name!r}, or set enabled: false for it"
            ) from None


class Plugin:
    """A provider from elsewhere, seen as a `Port`."""

    def __init__(self, endpoint: Endpoint, provider: Any) -> None:
        self._endpoint, self._name, self._provider = endpoint, endpoint.name, provider

    async def stream(self, request: Request, model: str) -> AsyncGenerator[Delta]:
        """The provider's deltas; text counts as a delta, and a return as the end mark.

        A plain generator runs in a thread, one step at a time.
        """
        name = f"{self._name}:{model}"
        finished = False
        try:
            with self._endpoint.masking():
                async for piece in _steps(self._provider.stream(request, model)):
                    delta = Delta(piece) if isinstance(piece, str) else piece
                    finished = finished or delta.finish is not None
                    yield delta
        except OrchError:
            raise
        except _RAISED as error:
            raise self._failed(name, error) from None
        if not finished:
            yield Delta(finish="stop")

    async def prepare(self) -> None:
        """Nothing that is known here."""

    async def list_models(self) -> list[ModelCard]:
        """Its ``list_models()``, sync or async: cards, or names."""
        found = await self._call("list_models", default=())
        return [ModelCard(self._name, card) if isinstance(card, str) else card for card in found]

    async def count_tokens(self, request: Request, model: str) -> int | None:
        """Its ``count_tokens(request, model)``, if it has one."""
        counted: int | None = await self._call("count_tokens", request, model)
        return counted

    async def close(self) -> None:
        """Its ``close()``, if it has one."""
        await self._call("close")

    async def _call(self, method: str, *args: object, default: Any = None) -> Any:
        found = getattr(self._provider, method, None)
        if found is None:
            return default
        try:
            with self._endpoint.masking():
                if inspect.iscoroutinefunction(found):
                    return await found(*args)
                return await asyncio.to_thread(found, *args)
        except OrchError:
            raise
        except _RAISED as error:
            raise self._failed(self._name, error) from None

    def _failed(self, name: str, error: BaseException) -> ServerFailed:
        said = one_line(mask(str(error), self._endpoint.secrets)) or type(error).__name__
        return ServerFailed(name, f"the provider failed: {said}")


async def _steps(stream: AsyncIterator[Any] | Iterator[Any]) -> AsyncGenerator[Any]:
    """The items of `stream`, whether it is asynchronous or plain."""
    if isinstance(stream, AsyncIterator):
        try:
            async for item in stream:
                yield item
        finally:
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()
        return
    while (item := await asyncio.to_thread(next, stream, _END)) is not _END:
        yield item
