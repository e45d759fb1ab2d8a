"""From layers to `Settings`: merge, complete, validate, and trust."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from orch_nb.errors import SettingsError, UnknownNameError
from orch_nb.sanitize import mask
from orch_nb.settings import layers as origins
from orch_nb.settings import rows
from orch_nb.settings.endpoint import OFFICIAL
from orch_nb.settings.home import user_home
from orch_nb.settings.keys import stored_names
from orch_nb.settings.layers import Layer
from orch_nb.settings.schema import ProviderSettings, Settings


def load(
    *,
    env: Mapping[str, str],
    directory: Path,
    known_types: Collection[str],
    traits: Mapping[str, Any] | None = None,
    config: Mapping[str, Any] | None = None,
    changes: Mapping[str, Any] | None = None,
) -> Settings:
    """Hear every layer, weakest first: environment, file, `traits`, `config`, `changes`.

    `directory` is the notebook's folder, `known_types` the provider types that exist.

    Raises
    ------
    SettingsError
        One line about the first thing that is wrong: where it stands and what would be right.
    """
    given = {"traits": traits, "config": config, "changes": changes}
    return Sources(env, directory, known_types, given).settings


class Sources:
    """The settings, and where each of them comes from; parameters and errors as in `load`."""

    def __init__(
        self,
        env: Mapping[str, str],
        directory: Path,
        known_types: Collection[str],
        given: Mapping[str, Mapping[str, Any] | None],
    ) -> None:
        file = origins.read_file(env, directory)
        ambient = [_read_stored_keys(env, known_types), *origins.read_environment(env, known_types)]
        self._layers = [
            *ambient,
            *([file] if file else []),
            origins.read_python(given.get("traits"), "traitlets"),
            origins.read_python(given.get("config"), origins.CONFIG),
            origins.read_python(given.get("changes"), "run-time change"),
        ]
        origins.refuse_keys(self._layers)
        merged = origins.merge(self._layers)
        if isinstance(merged.get("providers"), Mapping):
            merged["providers"] = rows.complete(merged["providers"])
        if isinstance(merged.get("models"), Mapping):
            merged["models"] = rows.anchor(merged["models"], directory)
        written = any(layer.data for layer in self._layers[len(ambient) :])
        validated = written or _open(merged)
        #: What all layers come to.
        self.settings = _validated(merged, self._layers) if validated else _plain(merged)
        _check_types(self.settings, self._layers, known_types)
        if file and file.content is not None and self.settings.mode != "replay":  # asks nobody
            # Hashes and temporary files, which only those with a file should pay for.
            from orch_nb.settings import trust  # noqa: PLC0415

            trust.check(self.settings, self._layers, file, env)

    def origin(self, *path: str) -> str:
        """Who set what stands at `path`, with the line in a file; "" where nobody did."""
        source, line = origins.setter(self._layers, path) or ("", None)
        return f"{source}, line {line}" if line else source


def _open(merged: Mapping[str, Any]) -> bool:
    """Whether the environment holds a text that may be wrong: an address or a folder."""
    rows_ = merged.get("providers", {}).values()
    return "cache" in merged or any("base_url" in row for row in rows_)


def _plain(merged: Mapping[str, Any]) -> Settings:
    """The settings, where only the environment spoke."""
    providers = {name: ProviderSettings(**row) for name, row in merged.get("providers", {}).items()}
    return Settings(**{**merged, "providers": providers})


def _validated(merged: Mapping[str, Any], layers: list[Layer]) -> Settings:
    # 0.1 s of CPU, which only those who wrote a setting should pay.
    from pydantic import ValidationError  # noqa: PLC0415

    from orch_nb.settings.problems import describe  # noqa: PLC0415
    from orch_nb.settings.validation import validate  # noqa: PLC0415

    try:
        return validate(Settings, merged)
    except ValidationError as error:
        path, message = describe(error)
        source, line = origins.origin(layers, path)
        raise SettingsError(message, source=source, line=line) from None


def _read_stored_keys(env: Mapping[str, str], known_types: Collection[str]) -> Layer:
    """Whoever stored a key for a vendor's own service need not write a row for it."""
    names = stored_names(user_home(env)) & OFFICIAL.keys() & set(known_types)
    return Layer("a stored key", {"providers": {name: {} for name in names}} if names else {})


def _check_types(settings: Settings, layers: list[Layer], known_types: Collection[str]) -> None:
    for name, row in settings.providers.items():
        if row.type in known_types:
            continue
        path = ("providers", name, "type")
        source, line = origins.origin(layers, path)
        if any(origins.holds(layer.data, path) for layer in layers):
            problem = str(UnknownNameError(f"providers.{name} type", row.type, known_types))
        else:
            problem = f"providers.{name} needs a type: {', '.join(sorted(known_types))}"
        raise SettingsError(mask(problem), source=source, line=line)
