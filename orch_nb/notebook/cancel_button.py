"""A button under an answer in the background, where there are widgets; it goes with the answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from IPython.display import DisplayHandle, display

from orch_nb.notebook.growing import EMPTY


class CancelButton:
    """A button of the running cell's output that calls `press`. Without ipywidgets, nothing."""

    def __init__(self, press: Callable[[], None]) -> None:
        self._handle: DisplayHandle | None = None
        try:
            from ipywidgets import Button  # noqa: PLC0415 - few need it, and it is slow to import
        except ImportError:
            return
        self._button: Any = Button(
            description="Cancel", icon="stop", tooltip="Stop this answer", layout={"width": "auto"}
        )
        self._button.on_click(lambda _: press())
        self._handle = display(self._button, display_id=True)  # type: ignore[no-untyped-call]

    def remove(self) -> None:
        """Take the button away: no line of it stays in the saved notebook."""
        if self._handle is None:
            return
        self._handle.update(EMPTY, raw=True)  # type: ignore[no-untyped-call]
        for widget in (self._button, self._button.style, self._button.layout):
            widget.close()
