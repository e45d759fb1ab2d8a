"""What a setting's value must be, said to pydantic without importing it.

Importing pydantic costs more CPU than the rest of ``%load_ext``, and nothing needs it until
somebody writes a setting. So the types in `orch_nb.settings.schema` carry these notes, which
pydantic reads when it validates (``Annotated`` and ``__get_pydantic_core_schema__``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Bounds:
    """Constraints of the type's own core schema: ``Bounds(gt=0, allow_inf_nan=False)``."""

    def __init__(self, **constraints: object) -> None:
        self._constraints = constraints

    def __get_pydantic_core_schema__(self, kind: Any, handler: Callable[[Any], Any]) -> Any:
        return {**handler(kind), **self._constraints}


class Before:
    """A function from what was written to what the type reads. It raises ValueError."""

    def __init__(self, read: Callable[[object], object]) -> None:
        self._read = read

    def __get_pydantic_core_schema__(self, kind: Any, handler: Callable[[Any], Any]) -> Any:
        from pydantic_core import core_schema  # noqa: PLC0415

        return core_schema.no_info_before_validator_function(self._read, handler(kind))


class After:
    """A function that gives the value back, in its right form, or raises ValueError."""

    def __init__(self, check: Callable[[Any], object]) -> None:
        self._check = check

    def __get_pydantic_core_schema__(self, kind: Any, handler: Callable[[Any], Any]) -> Any:
        from pydantic_core import core_schema  # noqa: PLC0415

        return core_schema.no_info_after_validator_function(self._check, handler(kind))


class DumpedAsFloat:
    """A Decimal that is a number in a dump."""

    def __get_pydantic_core_schema__(self, kind: Any, handler: Callable[[Any], Any]) -> Any:
        from pydantic_core import core_schema  # noqa: PLC0415

        written = core_schema.plain_serializer_function_ser_schema(float)
        return {**handler(kind), "serialization": written}
