"""What a session has: models, providers, tools, answers on disk, and calls under way."""

from __future__ import annotations

from collections.abc import Mapping

from orch_nb.engine import Engine, Memories
from orch_nb.invoke.loop import BackgroundLoop
from orch_nb.providers._connect import Connection
from orch_nb.registry.catalog import Catalog
from orch_nb.routing.experts import all_tools
from orch_nb.settings import Settings
from orch_nb.store.cache import ResponseCache
from orch_nb.toolbox import Toolbox
from orch_nb.types import ModelCard


class Inventory:
    """The part of `orch_nb.Session` that says what is there, and what becomes of it."""

    settings: Settings
    catalog: Catalog
    cache: ResponseCache | None
    _engine: Engine
    _loop: BackgroundLoop
    _memories: Memories
    _connections: Mapping[str, Connection]
    _toolbox: Toolbox

    def models(self) -> list[ModelCard]:
        """Every model that is known, by priority and name; those of servers are asked for once."""
        return self._loop.run(self._engine.models)

    def refresh(self, *providers: str) -> None:
        """Ask `providers`, or all, anew which models they have: at most 5 seconds, never paid."""
        self._loop.run(lambda: self.catalog.discover(providers or None, refresh=True))

    def clear_cache(self) -> int:
        """Forget every answer that is kept on disk, and return how many there were."""
        cleared = 0 if self.cache is None else self.cache.clear()
        self._memories.listeners.notify("cache")
        return cleared

    @property
    def providers(self) -> tuple[str, ...]:
        """The configured providers that take part, without the simulated one, in order."""
        real = (name for name, connection in self._connections.items() if connection.real)
        return tuple(sorted(filter(self.catalog.takes_part, real)))

    @property
    def connections(self) -> Mapping[str, Connection]:
        """Every provider that may be asked, by name, with the simulated one."""
        return self._connections

    @property
    def tools(self) -> Mapping[str, frozenset[str]]:
        """What each tool needs: those of the session, pinned ones, capabilities, and roles."""
        return all_tools(self._toolbox.needs, self.settings.experts)

    @property
    def busy(self) -> Mapping[str, int]:
        """How many calls each model answers now."""
        return self._memories.traffic.busy

    def stop(self) -> None:
        """Stop every call that is under way, as an interrupt would; from any thread."""
        self._loop.cancel()
