"""Data from outside into settings, and settings into data, by pydantic."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter

from orch_nb.settings.schema import Settings

T = TypeVar("T")


def validate(kind: type[T], data: object) -> T:
    """`data` as one of the classes of `orch_nb.settings.schema`.

    Raises `pydantic.ValidationError`, see `orch_nb.settings.problems`.
    """
    return cast("T", _adapter(cast("Any", kind)).validate_python(data))


def dump(settings: Settings) -> dict[str, Any]:
    """Plain data, without keys, from which ``load(config=…)`` makes equal settings."""
    without_keys: Any = {"providers": {"__all__": {"api_key"}}}
    data = _adapter(Settings).dump_python(settings, mode="json", exclude=without_keys)
    return cast("dict[str, Any]", data)


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
