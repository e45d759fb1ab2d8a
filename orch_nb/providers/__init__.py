"""One file for each type of provider: a module here without a leading underscore is a type.

The module's ``Provider`` class is made with an `Endpoint`; the type's name is the module's. Other
packages add types by entry point, a notebook by the decorator `provider`; see
`orch_nb.providers._plugin`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from orch_nb.errors import InputError
from orch_nb.providers._endpoint import Endpoint
from orch_nb.providers._plugin import PluginType, plugin_types, register

if TYPE_CHECKING:
    from orch_nb.providers._port import Port

__all__ = ["Endpoint", "built_in_types", "known_types", "provider", "provider_type"]

Kind = TypeVar("Kind", bound=type)


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


def known_types() -> tuple[str, ...]:
    """The names of all provider types, those from elsewhere too, in alphabetical order."""
    return tuple(sorted({*built_in_types(), *plugin_types()}))


def provider_type(name: str) -> ProviderType:
    """The ``Provider`` class of the type `name`, which must be one of `known_types`."""
    if name in built_in_types():
        return cast("ProviderType", importlib.import_module(f"{__name__}.{name}").Provider)
    return PluginType(name)


def provider(name: str) -> Callable[[Kind], Kind]:
    """Register the decorated class as the provider type `name`, in place of one that has it.

    A session that is made from now on has it, and one that is there after its `reload`. Raises
    `InputError` for the name of a built-in type, or one that can stand in no model id, and for what
    is no class with a method ``stream``.
    """
    given: object = name  # a class, where the decorator stands without a name
    if not isinstance(given, str) or not given.isidentifier() or given in built_in_types():
        raise InputError(
            "a provider needs a name of one word that no built-in type has, "
            f"as in @provider('mine'), not {name!r}"
        )

    def keep(kind: Kind) -> Kind:
        decorated: object = kind  # a function, where the decorator stands above one
        if not isinstance(decorated, type) or not callable(getattr(kind, "stream", None)):
            raise InputError("@provider stands above a class that has stream(request, model)")
        register(name, kind)
        return kind

    return keep
