"""Buttons under an answer, where there are widgets; when they are of no more use they go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from IPython.display import DisplayHandle, display

from orch_nb.notebook.growing import EMPTY
from orch_nb.notebook.tables import Bundle

_VIEW = "application/vnd.jupyter.widget-view+json"


def widget_view(widget: Any) -> dict[str, Any]:
    """What a front end needs to show `widget`, by the form of the output."""
    return {_VIEW: {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}}


@dataclass(frozen=True, slots=True)
class Button:
    """``icon`` is a name of Font Awesome's; ``says`` is read by screen readers, too."""

    icon: str
    says: str
    press: Callable[[], object]
    name: str = ""


class Buttons:
    """A row of `buttons` as an output of the running cell. Without ipywidgets, nothing.

    In a saved notebook they are an output without a line.
    """

    def __init__(self, buttons: Sequence[Button]) -> None:
        self._handle: DisplayHandle | None = None
        try:
            import ipywidgets  # noqa: PLC0415 - few need it, and it is slow to import
        except ImportError:
            return
        made = []
        for button in buttons:
            widget = ipywidgets.Button(
                description=button.name,
                icon=button.icon,
                tooltip=button.says,
                layout={"width": "auto"},
            )
            widget.on_click(lambda _, press=button.press: press())
            made.append(widget)
        self._row: Any = ipywidgets.HBox(made)
        shown = {**widget_view(self._row), "text/plain": ""}
        self._handle = display(shown, raw=True, display_id=True)  # type: ignore[no-untyped-call]

    def replace(self, bundle: Bundle = EMPTY) -> None:
        """Show `bundle` in their place, by default nothing."""
        if self._handle is None:
            return
        self._handle.update(bundle, raw=True)  # type: ignore[no-untyped-call]
        for widget in (*self._row.children, self._row):
            for part in (widget, widget.layout, getattr(widget, "style", None)):
                if part is not None:
                    part.close()
