"""Buttons under a blind comparison, where there are widgets; with the vote they go."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from orch_nb.notebook.buttons import Button, Buttons
from orch_nb.notebook.tables import Bundle


class VoteButtons(Buttons):
    """A button for each letter, as an output of the running cell.

    Parameters
    ----------
    letters
        What may be voted for.
    vote
        Takes the letter that was pressed, and gives what is shown in the place of the buttons.
    """

    def __init__(self, letters: Iterable[str], vote: Callable[[str], Bundle]) -> None:
        self._vote = vote
        super().__init__(
            [
                Button("", f"answer {one} is the best", partial(self._pressed, one), one)
                for one in letters
            ]
        )

    def _pressed(self, letter: str) -> None:
        self.replace(self._vote(letter))
