"""Comparisons that a person decides, without knowing whose answers they are."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from string import ascii_uppercase
from types import MappingProxyType

from orch_nb.errors import InputError
from orch_nb.types import Observation
from orch_nb.workflows.comparison import Compared, Comparison
from orch_nb.workflows.voting import Remember, qualities


class BlindComparison(Comparison):
    """A comparison that waits for a vote, ``vote("B")``, and then tells whose the answers are.

    The letters follow from the answers: nobody knows them before, and the same answers have the
    same letters when a notebook is run again.

    Parameters
    ----------
    prompt, rows
        As `Comparison` has them.
    remember
        Takes what the vote tells of a model.
    clock
        Seconds since the epoch.
    """

    def __init__(
        self,
        prompt: str,
        rows: Sequence[Compared],
        *,
        remember: Remember,
        clock: Callable[[], float],
    ) -> None:
        super().__init__(prompt, rows)
        self._remember, self._clock = remember, clock
        answered = [row for row in self.rows if row.text is not None]
        answered.sort(key=lambda row: _place(prompt, row.text or ""))
        #: The rows that have an answer, by letter.
        self.letters: Mapping[str, Compared] = MappingProxyType(
            dict(zip(ascii_uppercase, answered, strict=False))
        )
        #: The model that was voted for.
        self.preferred: str | None = None

    @property
    def revealed(self) -> bool:
        """Whether it was voted on, or cannot be: there are fewer than two answers."""
        return self.preferred is not None or len(self.letters) < 2

    def vote(self, choice: str) -> None:
        """Prefer the answer under the letter `choice` to the others; this is final.

        It counts in later choices, the others with 0 and this one with 1. What was simulated or
        replayed does not count. Raises `InputError` where nothing is to be voted on, and for an
        unknown letter.
        """
        if self.preferred is not None:
            raise InputError(f"this comparison was voted on: {self.preferred}")
        if self.revealed:
            raise InputError("there are not two answers to choose from")
        quality = qualities(self.letters, choice)
        self.preferred = max(quality, key=lambda model: quality[model])
        for row in self.letters.values():
            response = row.response
            if response is None or response.simulated or response.replayed:
                continue
            self._remember(
                Observation(self._clock(), row.model, row.kind, "vote", quality=quality[row.model])
            )


def _place(prompt: str, text: str) -> bytes:
    """Where an answer stands: by what nobody can work out from looking at it."""
    return hashlib.sha256(f"{prompt}\0{text}".encode("utf-8", "surrogatepass")).digest()
