"""Answers while they arrive: drawn again and again, or printed piece by piece."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from IPython.display import DisplayHandle, display

from orch_nb.notebook import render
from orch_nb.notebook.display import below, quiet
from orch_nb.notebook.tables import Bundle, Shown
from orch_nb.sanitize import visible

# Seconds between two looks of a growing answer; each sends the whole text again.
_PACE = 0.1
# Of no form at all, so that it takes no line, and nbval finds the same with and without streaming.
EMPTY: Bundle = {}
# Joiners and half a line end: what they are depends on the character that follows.
_OPEN = "\u200c\u200d\r"


class GrowingOutput:
    """A place in the output that is drawn again and again, but not too often.

    What is the cell's result in the end is shown there, and the place is emptied: so the saved
    notebook holds it once, where nbval and nbconvert look for it. All else is completed in place.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._handle: DisplayHandle | None = None
        self._next = 0.0

    @property
    def due(self) -> bool:
        """Whether the last time was long enough ago."""
        return self._clock() >= self._next

    def draw(self, make: Callable[[], Bundle]) -> None:
        """Show what `make` gives."""
        started = self._clock()
        if self._handle is None:
            self._handle = display(EMPTY, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        self._handle.update(make(), raw=True)
        spent = self._clock() - started
        # What is long is drawn less often, so that drawing never takes most of the time.
        self._next = self._clock() + max(_PACE, 3 * spent)

    def clear(self) -> None:
        """Empty the place: it is shown elsewhere."""
        if self._handle is not None:
            self._handle.update(EMPTY, raw=True)  # type: ignore[no-untyped-call]

    def complete(self, bundle: Bundle, metadata: dict[str, Any]) -> None:
        """Show all of it, here or, if nothing was drawn yet, as an output of its own."""
        if self._handle is None:
            display(bundle, raw=True, metadata=metadata)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(bundle, raw=True, metadata=metadata)  # type: ignore[no-untyped-call]


class Unshown:
    """What a cell has made that grew in its output, until it is known which is the cell's result.

    Things are told apart by identity: two answers may be equal.
    """

    def __init__(self) -> None:
        self._grown: list[tuple[object, GrowingOutput, Callable[[], Shown]]] = []

    def add(self, made: object, growing: GrowingOutput, lay_out: Callable[[], Shown]) -> None:
        """Keep `made`, the place where it grew, and what shows all of it."""
        self._grown.append((made, growing, lay_out))

    def claim(self, made: object) -> None:
        """Empty the place where `made` grew, if it did: it is shown as the cell's result."""
        for one in [one for one in self._grown if one[0] is made]:
            self._grown.remove(one)
            one[1].clear()

    def complete(self) -> None:
        """Complete in its place what was not the cell's result: in a loop, or put into a name."""
        grown, self._grown = self._grown, []
        for _, growing, lay_out in grown:
            growing.complete(*lay_out())


def growing_words(text: str) -> Bundle:
    """Markdown of which there is more to come."""
    return {"text/html": render.html(text, streaming=True), "text/plain": visible(text)}


class GrowingAnswer(GrowingOutput):
    """An answer while it arrives, laid out by `lay_out`."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        lay_out: Callable[[str], Bundle] = growing_words,
    ) -> None:
        super().__init__(clock)
        self._lay_out = lay_out
        self._parts: list[str] = []

    def add(self, text: str) -> None:
        """Take a piece of the answer, and draw all of it if it is time."""
        self._parts.append(text)
        if self.due:
            self.draw(self._grown)

    def keep(self, note: str) -> None:
        """Leave what has arrived, with `note` under it."""
        if self._parts:
            self.draw(lambda: below(self._grown(), quiet(note.splitlines())))

    def _grown(self) -> Bundle:
        return self._lay_out("".join(self._parts))


class PrintedAnswer:
    """An answer while it arrives in a terminal: printed piece by piece."""

    def __init__(self) -> None:
        self._printed = False
        self._held = ""

    def add(self, text: str) -> None:
        """Print a piece of the answer but for its end, which the next piece may belong to."""
        text = self._held + text
        closed = text.rstrip(_OPEN)
        # `visible` looks at both sides of a joiner, so the character before it stays as well.
        cut = max(0, len(closed) - (2 if closed.endswith("\r\n") else 1))
        self._print(text[:cut])
        self._held = text[cut:]

    def clear(self) -> None:
        """Print the rest and end the line."""
        self._print(self._held)
        self._held = ""
        if self._printed:
            print()

    def keep(self, note: str) -> None:
        """Print the rest, and `note` on a line of its own."""
        self.clear()
        if self._printed:
            print(visible(note))

    def _print(self, text: str) -> None:
        if text:
            self._printed = True
            print(visible(text), end="", flush=True)
