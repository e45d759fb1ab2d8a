"""What a panel is, and which there are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from orch_nb.errors import InputError, UnknownNameError
from orch_nb.listeners import Change
from orch_nb.notebook.tables import Bundle, light
from orch_nb.session import Session

if TYPE_CHECKING:
    from orch_nb.panels.controls import Controls

#: The modules of our own panels, in the order of their tabs; each registers one panel.
BUILT_IN = ("weights", "experts", "models", "budget", "cache", "costs")
_PANELS: dict[str, type[Panel]] = {}


class Panel(ABC):
    """One tab: it shows a part of `session`, and changes it.

    ``still`` is all that a panel needs: without controls of its own it is shown as that, and drawn
    anew when one of the changes in ``listens`` was made, in whatever thread.
    """

    #: What stands on the tab; by default the name with a capital.
    title: ClassVar[str] = ""
    listens: ClassVar[frozenset[Change]] = frozenset({"settings", "calls"})

    def __init__(self, session: Session) -> None:
        self.session = session

    @abstractmethod
    def still(self) -> Bundle:
        """The panel as safe HTML and as text, as it is now; raises an `OrchError`."""

    def build(self, controls: Controls) -> Sequence[Any]:
        """The widgets of the panel, one below the other, as they are before the first `refresh`.

        Called once, when the panel is opened.
        """
        self._shown = controls.html()
        return [self._shown]

    def refresh(self) -> None:
        """Show in the widgets what the session holds now. What they tell meanwhile is not heard."""
        self._shown.value = light(self.still()["text/html"])


P = TypeVar("P", bound=Panel)


def panel(name: str) -> Callable[[type[P]], type[P]]:
    """Register the decorated class as the panel `name`, in place of one that has it."""
    given: object = name  # a class, where the decorator stands without a name
    if not isinstance(given, str) or not given.isidentifier():
        raise InputError(f"a panel needs a name of one word, as in @panel('mine'), not {name!r}")

    def register(made: type[P]) -> type[P]:
        _PANELS[name] = made
        return made

    return register


def panel_names() -> tuple[str, ...]:
    """The names of all panels, in the order of their tabs, those of other packages last."""
    return tuple(dict.fromkeys([*BUILT_IN, *_PANELS, *_installed()]))


def make_panels(session: Session, *names: str) -> Mapping[str, Panel]:
    """The panels `names` of `session`, or all. Raises `UnknownNameError`."""
    known = panel_names()
    for name in names:
        if name not in known:
            raise UnknownNameError("panel", name, known)
    return {name: _find(name)(session) for name in names or known}


def title(name: str, made: Panel) -> str:
    """What stands on the tab of the panel `name`."""
    return made.title or name.capitalize()


def _find(name: str) -> type[Panel]:
    if name not in _PANELS and name in BUILT_IN:
        import_module(f"orch_nb.panels.{name}")
    if name not in _PANELS:
        _PANELS[name] = _installed()[name].load()
    return _PANELS[name]


@cache
def _installed() -> dict[str, EntryPoint]:
    return {found.name: found for found in entry_points(group="orch_nb.panels")}
