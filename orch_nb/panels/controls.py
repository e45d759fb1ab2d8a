"""The controls that panels are made of: each with a label, its events heard in one safe place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Heard = Callable[..., None]
Guard = Callable[..., None]

_SLIDER_STEP = 0.01
# A panel is saved with its notebook, and every layout of a widget takes more room than the widget
# itself: so they share a few.
_LAYOUTS: dict[str, dict[str, str]] = {
    "whole": {"width": "auto"},
    "field": {"width": "27em", "max_width": "100%"},
    "short": {"width": "17em", "max_width": "100%"},
    "fit": {"width": "auto"},
    "row": {"flex_flow": "row wrap", "align_items": "center", "grid_gap": "0 .6em"},
}
# How wide labels are: those of controls that stand below one another are equally wide.
_LABELS = {"FloatSlider": "4em", "Dropdown": "auto", "Text": "6em", "Combobox": "8em"}


class Controls:
    """Makes widgets, and closes them.

    Parameters
    ----------
    guard
        Calls what is to be done for an event, and shows what went wrong.
    """

    def __init__(self, guard: Guard) -> None:
        import ipywidgets  # noqa: PLC0415 - only who is shown a panel pays for it

        self._kit: Any = ipywidgets
        self._guard = guard
        self._made: list[Any] = []
        self._layouts = {name: ipywidgets.Layout(**how) for name, how in _LAYOUTS.items()}
        self._styles: dict[str, Any] = {}

    def html(self, value: str = "", *, layout: str = "whole") -> Any:
        """Safe HTML, made elsewhere; with the layout "fit" as wide as its text."""
        return self._make("HTML", layout, value=value)

    def slider(self, label: str, tip: str, moved: Heard) -> Any:
        """A fraction in 0..1, shown as percent; `moved` gets it."""
        made = self._make(
            *("FloatSlider", "field"),
            description=label,
            tooltip=tip,
            min=0.0,
            max=1.0,
            step=_SLIDER_STEP,
            readout_format=".0%",
        )
        return self._hear(made, moved)

    def dropdown(self, label: str, tip: str, chosen: Heard) -> Any:
        """One of several texts; `chosen` gets it. Its options are set by `offer`."""
        made = self._make("Dropdown", "field", description=label, tooltip=tip)
        return self._hear(made, chosen)

    def text(
        self, label: str, tip: str, written: Heard, *, hint: str = "", growing: bool = False
    ) -> Any:
        """A line of text; `written` gets it when it is done, or while it is `growing`."""
        made = self._make(
            *("Text", "short"),
            description=label,
            tooltip=tip,
            placeholder=hint,
            continuous_update=growing,
        )
        return self._hear(made, written)

    def combobox(self, label: str, tip: str, written: Heard) -> Any:
        """A line of text with suggestions; `written` gets it while it grows."""
        made = self._make("Combobox", "field", description=label, tooltip=tip)
        return self._hear(made, written)

    def check(self, label: str, tip: str, switched: Heard) -> Any:
        """A box to tick; `switched` gets whether it is."""
        made = self._make("Checkbox", "whole", description=label, tooltip=tip, indent=False)
        return self._hear(made, switched)

    def toggle(self, label: str, tip: str, switched: Heard) -> Any:
        """A button that stays pressed; `switched` gets whether it is."""
        made = self._make("ToggleButton", "fit", description=label, tooltip=tip)
        return self._hear(made, switched)

    def button(self, label: str, tip: str, pressed: Heard) -> Any:
        """A button."""
        made = self._make("Button", "fit", description=label, tooltip=tip)
        made.on_click(lambda _: self._guard(pressed))
        return made

    def row(self, *children: Any) -> Any:
        """Widgets side by side, in several lines where one is too short."""
        return self._make("HBox", "row", children=children)

    def column(self, *children: Any) -> Any:
        """Widgets below one another."""
        return self._make("VBox", "whole", children=children)

    def grid(self, columns: str, *children: Any) -> Any:
        """Widgets in lines of `columns`, as CSS has them."""
        if columns not in self._layouts:
            self._layouts[columns] = self._kit.Layout(
                grid_template_columns=columns, align_items="center", width="auto"
            )
        return self._make("GridBox", columns, children=children)

    def tabs(self, titles: Sequence[str], turned: Heard) -> Any:
        """One empty page for each of `titles`; `turned` gets the index of the one in front."""
        pages = [self.column() for _ in titles]
        made = self._make("Tab", "whole", children=pages, titles=titles)
        return self._hear(made, turned, "selected_index")

    def close(self) -> None:
        """Close all that was made."""
        made, self._made = self._made, []
        for widget in (*made, *self._layouts.values(), *self._styles.values()):
            widget.close()

    def _make(self, kind: str, layout: str, **traits: Any) -> Any:
        if kind in self._styles:
            traits["style"] = self._styles[kind]
        made = getattr(self._kit, kind)(layout=self._layouts[layout], **traits)
        if kind not in self._styles and made.has_trait("style"):
            self._styles[kind] = made.style
            if kind in _LABELS:
                made.style.description_width = _LABELS[kind]
        self._made.append(made)
        return made

    def _hear(self, widget: Any, heard: Heard, name: str = "value") -> Any:
        widget.observe(lambda change: self._guard(heard, change["new"]), name)
        return widget


def show_if(widget: Any, shown: bool) -> None:
    """Take a widget out of its page, or put it back."""
    if shown:
        widget.remove_class("orch-hidden")
    else:
        widget.add_class("orch-hidden")


def offer(widget: Any, options: Sequence[str], chosen: str | None) -> None:
    """Set the options of a dropdown, and which of them is chosen."""
    if tuple(widget.options) != tuple(options):
        widget.options = tuple(options)
    widget.value = chosen
