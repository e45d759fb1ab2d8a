"""The layers that a session's settings come from, and what they amount to now."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from orch_nb.settings.loading import Sources
from orch_nb.settings.schema import Settings

Layers = Mapping[str, Mapping[str, Any] | None]


class SettingsStack:
    """Settings from the environment and ``orch.yaml``, and over them what was handed in.

    Parameters
    ----------
    directory
        Where ``orch.yaml`` is looked for.
    known_types
        The types that a provider may have.
    check
        Raises for settings that are wrong in a way that this package cannot know.
    layers
        What was handed in: "traits", "config" and "changes", the last the strongest.

    Raises `SettingsError`, and what `check` raises.
    """

    def __init__(
        self,
        directory: Path,
        known_types: Collection[str],
        check: Callable[[Settings], None],
        layers: Layers,
    ) -> None:
        self._directory, self._known_types, self._check = directory, known_types, check
        self._layers = layers
        self._sources = Sources(os.environ, directory, known_types, layers)
        self.settings = self._sources.settings
        check(self.settings)

    def origin(self, *path: str) -> str:
        """Who set what stands at `path`, as in ``("cache", "dir")``; "" for what is built in."""
        return self._sources.origin(*path)

    @property
    def changes(self) -> Mapping[str, Any]:
        """The strongest layer: what was changed at run time."""
        return self._layers.get("changes") or MappingProxyType({})

    def replaced(self, **layers: Mapping[str, Any]) -> SettingsStack:
        """The same with other layers, and with environment, file and stored keys read anew."""
        merged = {**self._layers, **layers}
        return SettingsStack(self._directory, self._known_types, self._check, merged)
