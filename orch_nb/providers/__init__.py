"""One file for each type of provider: a module here without a leading underscore is a type.

The module's ``Provider`` class is made with an `Endpoint`; the type's name is the module's. Other
packages add types by entry point, see `orch_nb.providers._plugin`.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING, Protocol, cast

from orch_nb.providers._endpoint import Endpoint
from orch_nb.providers._plugin import PluginType, installed

if TYPE_CHECKING:
    from orch_nb.providers._port import Port

__all__ = ["Endpoint", "built_in_types", "known_types", "provider_type"]


class ProviderType(Protocol):
    """A ``Provider`` class: called with an `Endpoint` it gives a provider."""

    #: The variable that usually holds the key; None: no key is needed.
    key_env: str | None
    #: The provider's own address; None: the settings give one, or it needs none.
    home: str | None

    def __call__(self, endpoint: Endpoint) -> Port:
        """Make a provider; nothing is opened yet."""
        ...


@cache
def built_in_types() -> tuple[str, ...]:
    """The names of the types that come with orch-nb, in alphabetical order."""
    names = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(name for name in names if not name.startswith("_")))


@cache
def known_types() -> tuple[str, ...]:
    """The names of all provider types, those of other packages too, in alphabetical order."""
    return tuple(sorted({*built_in_types(), *installed()}))


def provider_type(name: str) -> ProviderType:
    """The ``Provider`` class of the type `name`, which must be one of `known_types`."""
    if name in built_in_types():
        return cast("ProviderType", importlib.import_module(f"{__name__}.{name}").Provider)
    return PluginType(name)
