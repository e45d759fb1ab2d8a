"""Buttons under a blind comparison, where there are widgets; with the vote they go."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from IPython.display import DisplayHandle, display

from orch_nb.notebook.tables import Bundle


class VoteButtons:
    """A button for each letter, as an output of the running cell. Without ipywidgets, nothing.

    Parameters
    ----------
    letters
        What may be voted for.
    vote
        Takes the letter that was pressed, and gives what is shown in the place of the buttons.
    """

    def __init__(self, letters: Iterable[str], vote: Callable[[str], Bundle]) -> None:
        try:
            from ipywidgets import Button, HBox, Label  # noqa: PLC0415 - few need it, and it is slow
        except ImportError:
            return
        self._vote = vote
        buttons = [_button(Button, letter, partial(self._pressed, letter)) for letter in letters]
        self._row: Any = HBox([Label("the best answer is"), *buttons])
        self._handle: DisplayHandle = display(self._row, display_id=True)  # type: ignore[no-untyped-call]

    def _pressed(self, letter: str, _: object) -> None:
        shown = self._vote(letter)
        self._handle.update(shown, raw=True)  # type: ignore[no-untyped-call]
        for widget in (*self._row.children, self._row):
            for part in (widget, widget.layout, getattr(widget, "style", None)):
                if part is not None:
                    part.close()


def _button(make: Callable[..., Any], letter: str, pressed: Callable[[object], None]) -> Any:
    button = make(
        description=letter, tooltip=f"answer {letter} is the best", layout={"width": "auto"}
    )
    button.on_click(pressed)
    return button
