"""From settings rows to providers that can be asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from orch_nb.providers import ProviderType, provider_type
from orch_nb.providers._endpoint import Endpoint
from orch_nb.providers._llama import installed as llama_installed
from orch_nb.providers._plugin import plugin_types
from orch_nb.providers._port import Port
from orch_nb.providers._probe import ProbeType
from orch_nb.settings import (
    OFFICIAL,
    SERVERS,
    Limits,
    ProviderSettings,
    Settings,
    stored_key,
    user_home,
)
from orch_nb.types import Request

SIMULATED = "sim"
LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Connection:
    """A configured provider, and the limits that hold for it.

    ``vendor`` is its type where its models are that vendor's own. What is asked of a ``local`` one
    stays on this machine. Entering ``turns`` waits until the provider's rate limit allows one more
    request; None is no limit.
    """

    type: str
    provider: Port
    endpoint: Endpoint
    vendor: str | None
    local: bool
    priority: int
    max_retries: int
    limits: Limits
    turns: AbstractAsyncContextManager[None] | None
    probed: bool = False

    @property
    def real(self) -> bool:
        """Whether real models answer here."""
        return self.vendor != SIMULATED

    @property
    def base_url(self) -> str | None:
        """Where it is; None for what is built in."""
        return self.endpoint.base_url

    @property
    def place(self) -> str:
        """What tells it from others, without a key: its name, type and address."""
        return f"{self.endpoint.name} {self.type} {self.base_url}"

    def limits_of(self, request: Request) -> Limits:
        """The limits for `request`: an answer that comes whole has no token before its end."""
        if self.endpoint.streams(request):
            return self.limits
        return _without_first_token(self.limits)

    @property
    def official(self) -> bool:
        """Whether it is the service that its type is named after, and there is a key for it."""
        official = OFFICIAL.get(self.type)
        known = official is not None and self.endpoint.host == official.host
        return known and self.endpoint.key is not None


@lru_cache
def _without_first_token(limits: Limits) -> Limits:
    return replace(limits, first_token=limits.attempt)


def connect(
    settings: Settings, env: Mapping[str, str], *, shared: bool = False
) -> dict[str, Connection]:
    """Every provider that is switched on and that the preset allows, by name, and ``sim``.

    Nothing is opened: a provider connects when it is first asked. Rate limits hold for this process
    alone, or `shared` for all that work for the same session.
    """
    rows = {name: row for name, row in settings.providers.items() if row.enabled}
    rows |= _plugin_rows(settings, env)
    connections = {
        name: _connection(name, row, settings, row.key(env) or stored_key(user_home(env), name))
        for name, row in rows.items()
    }
    connections |= _probes(settings) | _local(settings, env)
    wanted = {"local-only": True, "cloud-only": False}.get(settings.preset)
    if wanted is not None:
        connections = {n: c for n, c in connections.items() if c.local is wanted}
    if SIMULATED not in settings.providers:
        sim = ProviderSettings(type=SIMULATED)
        connections[SIMULATED] = _connection(SIMULATED, sim, settings, None)
    if shared:
        _share_turns(connections, settings, user_home(env))
    return connections


def _plugin_rows(settings: Settings, env: Mapping[str, str]) -> dict[str, ProviderSettings]:
    """Rows for the types from elsewhere that need none: no key, or the usual one is there."""
    rows = {}
    for name in plugin_types() - settings.providers.keys():
        variable = provider_type(name).key_env
        if variable is None or env.get(variable):
            rows[name] = ProviderSettings(type=name, api_key_env=variable)
    return rows


def _spoken_of(settings: Settings) -> set[str]:
    """The types that some row configures."""
    return {*settings.providers, *(row.type for row in settings.providers.values())}


def _probes(settings: Settings) -> dict[str, Connection]:
    """The servers to look for on this machine, but for those that a row speaks of."""
    if not settings.probe:
        return {}
    probes = {}
    for name in SERVERS.keys() - _spoken_of(settings):
        made = _connection(name, ProviderSettings(type=name), settings, None, ProbeType(name))
        probes[name] = replace(made, probed=True)
    return probes


async def disconnect(connections: Mapping[str, Connection]) -> None:
    """Close all that `connections` have opened. They open again when they are asked."""
    await asyncio.gather(*(connection.provider.close() for connection in connections.values()))


def _local(settings: Settings, env: Mapping[str, str]) -> dict[str, Connection]:
    """The GGUF files on this machine, where llama.cpp is there.

    Without any that the user named they take part once some are found.
    """
    if LOCAL in _spoken_of(settings) or not llama_installed():
        return {}
    from orch_nb.providers._model_files import added_models  # noqa: PLC0415 - few need it

    stated = any(model.startswith(f"{LOCAL}:") for model in settings.stated)
    named = stated or bool(added_models(user_home(env)))
    if not named and not settings.probe:
        return {}
    made = _connection(LOCAL, ProviderSettings(type=LOCAL), settings, None)
    return {LOCAL: replace(made, probed=not named)}


def _connection(
    name: str,
    row: ProviderSettings,
    settings: Settings,
    key: str | None,
    kind: ProviderType | None = None,
) -> Connection:
    kind = kind or provider_type(row.type)
    endpoint = Endpoint(
        name=name,
        base_url=row.base_url or kind.home,
        key=key,
        key_env=row.api_key_env,
        headers=row.headers,
        organization=row.organization,
        models={
            model.removeprefix(f"{name}:"): stated
            for model, stated in settings.stated.items()
            if model.startswith(f"{name}:")
        },
        max_connections=row.max_connections,
        connect=settings.limits.connect,
        answer_limit=settings.limits.answer,
        stream=row.stream,
    )
    limits = settings.limits
    if row.timeout is not None:
        limits = replace(limits, attempt=min(row.timeout, limits.attempt))
    return Connection(
        type=row.type,
        provider=kind(endpoint),
        endpoint=endpoint,
        vendor=row.type if kind.home is not None or row.type == SIMULATED else None,
        local=endpoint.local or row.type == LOCAL,
        priority=row.priority,
        max_retries=row.max_retries,
        limits=limits,
        turns=_turns(row.rate_limit_per_minute),
    )


def _turns(per_minute: int | None) -> AbstractAsyncContextManager[None] | None:
    if per_minute is None:
        return None
    from aiolimiter import AsyncLimiter  # noqa: PLC0415 - few set a limit

    return AsyncLimiter(per_minute, 60)


def _share_turns(connections: dict[str, Connection], settings: Settings, home: Path) -> None:
    """Have those with a rate limit take their turns with other processes."""
    from orch_nb.providers._turns import SharedTurns  # noqa: PLC0415 - imports sqlite3

    for name in connections.keys() & settings.providers.keys():
        made, per_minute = connections[name], settings.providers[name].rate_limit_per_minute
        if per_minute is not None:
            turns = SharedTurns(home, made.place, per_minute, clock=time.time)
            connections[name] = replace(made, turns=turns)
