"""One file for each type of provider: a module here without a leading underscore is a type.

The module's ``Provider`` class is made with an `Endpoint`; the type's name is the module's.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any

from orch_nb.providers._endpoint import Endpoint

__all__ = ["Endpoint", "known_types", "provider_type"]


@cache
def known_types() -> tuple[str, ...]:
    """The names of all provider types, in alphabetical order."""
    return tuple(
        sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
    )


def provider_type(name: str) -> Any:
    """The ``Provider`` class of the type `name`, which must be one of `known_types`."""
    return importlib.import_module(f"{__name__}.{name}").Provider
