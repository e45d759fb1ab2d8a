"""What a recording finds a request by: all that the caller said, and nothing of this machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from math import isfinite
from typing import Any

from orch_nb.errors import InputError
from orch_nb.settings import Settings
from orch_nb.types import Image, ModelCard, Request, Wants

# Facts that are of a machine, or that no decision shows.
_UNKEPT = {
    ModelCard: {"size", "loaded", "sources"},
    Wants: {"cache", "stream", "written"},  # how the answer was come by, not which it is
}


def describe(request: Request, settings: Settings) -> dict[str, Any]:
    """`request` as plain JSON, with the settings that stand in for what it leaves open.

    These are the strategy, its weights, what follows a failure, and the models pinned to its
    tools. A picture is named by the SHA-256 of its bytes. What is as usual is left out. Raises
    `InputError` for what is nested hundreds of times.
    """
    try:
        described: dict[str, Any] = plain(request)
    except RecursionError:
        raise InputError("a schema or tool is nested too deeply to be recorded") from None
    wants = described.setdefault("wants", {})
    wants["strategy"] = request.wants.strategy or settings.strategy
    wants["weights"] = plain(settings.weights)
    wants["fallback"] = settings.fallback
    pins = {tool: settings.experts.get(tool) for tool in request.wants.tools}
    wants["experts"] = {tool: model for tool, model in pins.items() if model}
    described["wants"] = {name: value for name, value in wants.items() if value != {}}
    return described


def digest(described: Mapping[str, Any]) -> str:
    """The name of what `describe` gave: the first 128 bits of its SHA-256, in hex."""
    text = json.dumps(described, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def reworded(value: Any, change: Callable[[str], str]) -> Any:
    """Plain JSON with every text in it changed; names stay."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {name: reworded(inner, change) for name, inner in value.items()}
    return [reworded(inner, change) for inner in value] if isinstance(value, list) else value


def plain(value: Any, unkept: Mapping[type, set[str]] = _UNKEPT) -> Any:
    """A value of `orch_nb.types` as JSON that pydantic reads back; defaults are left out.

    So are the fields that are `unkept`. Money is text, so that no digit is lost, and so are numbers
    that are not finite.
    """
    if isinstance(value, Image):
        content = hashlib.sha256(value.data.encode()).hexdigest()
        return {"media_type": value.media_type, "sha256": content}
    if is_dataclass(value):
        left_out = unkept.get(type(value), set())
        kept = sorted((f for f in fields(value) if f.name not in left_out), key=lambda f: f.name)
        named = {f: getattr(value, f.name) for f in kept}
        return {f.name: plain(inner, unkept) for f, inner in named.items() if not _usual(f, inner)}
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, float):
        return float(value) if isfinite(value) else repr(float(value))
    if isinstance(value, Mapping):
        return {str(name): plain(inner, unkept) for name, inner in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(value)
    if value is None or isinstance(value, str | int):
        return value
    return [plain(inner, unkept) for inner in value]


def _usual(field: Any, value: object) -> bool:
    if callable(field.default_factory):
        return bool(value == field.default_factory())
    return bool(value == field.default)
