"""Where settings come from, weakest first, and how one overrides another.

    built in < environment < orch.yaml < traitlets < Session(config=…) < run-time changes

Mappings are merged key by key; everything else replaces what was there.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from typing import Any

from orch_nb.errors import SettingsError
from orch_nb.settings.endpoint import OFFICIAL, SERVERS, read_host

FILE_NAME = "orch.yaml"
CONFIG = "Session(config=…)"

_MODES = ("live", "record", "replay")
_SWITCH = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}


@dataclass(frozen=True, slots=True)
class Layer:
    """Settings from one source. ``content`` are the bytes of an untrusted file, to be judged."""

    source: str
    data: Mapping[str, Any]
    lines: Mapping[tuple[str | int, ...], int] = field(default_factory=dict)
    content: bytes | None = None


def read_environment(env: Mapping[str, str], known_types: Collection[str]) -> list[Layer]:
    """One layer for each variable that is set and not empty, named after it."""
    layers = []
    for name, official in OFFICIAL.items():
        if name not in known_types:
            continue
        if env.get(official.key_variable):
            layers.append(Layer(official.key_variable, {"providers": {name: {}}}))
        if url := env.get(official.url_variable):
            data = {"providers": {name: {"base_url": url}}}
            layers.append(Layer(official.url_variable, data))
    for name, server in SERVERS.items():
        if name in known_types and (place := env.get(server.variable)):
            data = {"providers": {name: {"base_url": read_host(place, server.port)}}}
            layers.append(Layer(server.variable, data))
    if folder := env.get("ORCH_CACHE_DIR"):
        layers.append(Layer("ORCH_CACHE_DIR", {"cache": {"dir": folder}}))
    if mode := env.get("ORCH_MODE"):
        if mode not in _MODES:
            raise SettingsError("must be live, record or replay", source="ORCH_MODE")
        layers.append(Layer("ORCH_MODE", {"mode": mode}))
    for variable, setting in (("ORCH_STREAM", "stream"), ("ORCH_PROBE", "probe")):
        if switch := env.get(variable):
            if switch.lower() not in _SWITCH:
                raise SettingsError("must be 0 or 1", source=variable)
            layers.append(Layer(variable, {setting: _SWITCH[switch.lower()]}))
    return layers


def read_file(env: Mapping[str, str], directory: Path) -> Layer | None:
    """Read the file that ``ORCH_CONFIG`` names, else ``orch.yaml`` in `directory`, if it is there.

    A file that the user named is trusted, so that its layer carries no content.
    """
    named = env.get("ORCH_CONFIG")
    path = directory / (named or FILE_NAME)
    if not os.path.isfile(path):  # noqa: PTH113 - false, not an error, where we may not look
        if named:
            raise SettingsError(f"there is no file {named!r}", source="ORCH_CONFIG")
        return None
    # PyYAML costs 20 ms, which only those with a file should pay.
    from orch_nb.settings import strict_yaml  # noqa: PLC0415

    source = named or FILE_NAME
    try:
        with path.open("rb") as file:
            content = file.read(strict_yaml.MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or "unknown reason"
        raise SettingsError(f"cannot be read ({reason})", source=source) from None
    document = strict_yaml.parse(content, source)
    data = {} if document.data is None else document.data
    if not isinstance(data, dict):
        raise SettingsError("must hold settings such as `strategy: cost`", source=source, line=1)
    layer = Layer(source, _tidy(data), document.lines, None if named else content)
    _check_cache_folder(layer, directory)
    _check_model_files(layer, directory)
    return layer


def read_python(data: Mapping[str, Any] | None, source: str) -> Layer:
    """One layer of what was handed in."""
    if not isinstance(data, Mapping | None):
        raise SettingsError("must be a mapping such as {'strategy': 'cost'}", source=source)
    return Layer(source, _tidy(data or {}))


def merge(layers: Sequence[Layer]) -> dict[str, Any]:
    """All layers in one, later ones over earlier ones."""
    merged: dict[str, Any] = {}
    for layer in layers:
        merged = _merge(merged, layer.data)
    return merged


def origin(layers: Sequence[Layer], path: Sequence[str | int]) -> tuple[str, int | None]:
    """Find the strongest source that set `path`, or what it is part of, and the line there."""
    parts = (path[:length] for length in range(len(path), 0, -1))
    return next((found for part in parts if (found := setter(layers, part))), ("", None))


def setter(layers: Sequence[Layer], path: Sequence[str | int]) -> tuple[str, int | None] | None:
    """Find the strongest source that set `path` itself, and the line there, if any did."""
    part = tuple(path)
    for layer in reversed(layers):
        if holds(layer.data, part):
            lines = (layer.lines.get(part[:n]) for n in range(len(part), 0, -1))
            return layer.source, next((line for line in lines if line), None)
    return None


def refuse_keys(layers: Sequence[Layer]) -> None:
    """Refuse a key that stands anywhere but in Python."""
    for layer in layers:
        providers = layer.data.get("providers")
        rows = providers.items() if isinstance(providers, Mapping) else ()
        for name, row in rows:
            if layer.source != CONFIG and isinstance(row, Mapping) and "api_key" in row:
                raise SettingsError(
                    f"providers.{name}.api_key is accepted only from Session(config=…); "
                    "name an environment variable in api_key_env instead",
                    source=layer.source,
                    line=layer.lines.get(("providers", name, "api_key")),
                )


def _tidy(data: Mapping[str, Any]) -> dict[str, Any]:
    """Drop top-level keys that say nothing, and spell ``cache: off`` and ``breaker: off`` out."""
    tidied = {key: value for key, value in data.items() if value is not None}
    for name in ("cache", "breaker"):
        if tidied.get(name) == "off" or tidied.get(name) is False:
            tidied[name] = {"enabled": False}
    return tidied


def _merge(weak: Mapping[str, Any], strong: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(weak)
    for key, value in strong.items():
        below = merged.get(key)
        if isinstance(value, Mapping):
            merged[key] = _merge(below if isinstance(below, Mapping) else {}, value)
        else:
            merged[key] = value
    return merged


def holds(data: object, path: Sequence[str | int]) -> bool:
    """Whether something, be it null, stands at `path` in `data`."""
    for key in path:
        if not isinstance(data, Mapping) or key not in data:
            return False
        data = data[key]
    return True


def _check_cache_folder(layer: Layer, directory: Path) -> None:
    cache = layer.data.get("cache")
    folder = cache.get("dir") if isinstance(cache, Mapping) else None
    if isinstance(folder, str) and not _is_inside(folder, directory):
        raise SettingsError(
            "cache.dir must stay inside the notebook's folder; "
            "set ORCH_CACHE_DIR to keep the cache elsewhere",
            source=layer.source,
            line=layer.lines.get(("cache", "dir")),
        )


def _check_model_files(layer: Layer, directory: Path) -> None:
    models = layer.data.get("models")
    rows = models.items() if isinstance(models, Mapping) else ()
    for name, row in rows:
        path = row.get("path") if isinstance(row, Mapping) else None
        if isinstance(path, str) and not _is_inside(path, directory):
            raise SettingsError(
                f"models.{name}.path must stay inside the notebook's folder; "
                "name a file elsewhere in Session(config=…)",
                source=layer.source,
                line=layer.lines.get(("models", name, "path")),
            )


def _is_inside(name: str, directory: Path) -> bool:
    """Whether `name`, relative to `directory`, leads nowhere else."""
    project = Path(os.path.realpath(directory))
    # A backslash separates folders on Windows only, but a notebook travels.
    path = PureWindowsPath(name)
    named_inside = name.isprintable() and not path.anchor and ".." not in path.parts
    # A link that came with the notebook may lead out of it, or (`Path.resolve` raises) to itself.
    return named_inside and Path(os.path.realpath(project / name)).is_relative_to(project)
