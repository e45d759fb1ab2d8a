"""Evaluations that a person decides, without knowing whose answers they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from string import ascii_uppercase
from typing import Protocol

from orch_nb.errors import InputError, UnknownNameError
from orch_nb.sanitize import visible
from orch_nb.types import Observation
from orch_nb.workflows.evaluation import Evaluation, Plan
from orch_nb.workflows.summary import Row

Remember = Callable[[Observation], None]


class Candidate(Protocol):
    """What may be voted for: a model's answer to a task of some kind."""

    @property
    def model(self) -> str:
        """``provider:model``."""

    @property
    def kind(self) -> str:
        """One of `orch_nb.types.TASKS`."""


def qualities(letters: Mapping[str, Candidate], choice: str) -> dict[str, float]:
    """What a vote for the letter `choice` says of each model: 1 of the preferred, 0 of the others.

    Raises `UnknownNameError` for any other letter.
    """
    letter = choice.strip().upper()
    if letter not in letters:
        raise UnknownNameError("answer", choice, letters)
    return {candidate.model: float(at == letter) for at, candidate in letters.items()}


@dataclass(frozen=True, slots=True)
class Ballot:
    """One prompt and its answers in random order, under letters: treat all of it as hostile."""

    prompt: str
    answers: Mapping[str, str]


class BlindEvaluation(Evaluation):
    """An evaluation that waits for votes: ``vote(i, "A")`` for each of the ``ballots``.

    The answer that is preferred has the quality 1, the others 0: how often a model wins.

    Parameters
    ----------
    plan, rows
        As `Evaluation` has them.
    remember
        Takes what each vote tells of a model.
    clock
        Seconds since the epoch.
    random
        Shuffles the answers.
    """

    def __init__(
        self,
        plan: Plan,
        rows: Sequence[Row],
        *,
        remember: Remember,
        clock: Callable[[], float],
        random: Random,
    ) -> None:
        super().__init__(plan, "human", rows)
        self._remember, self._clock = remember, clock
        self._letters: dict[int, dict[str, Row]] = {}
        answered: defaultdict[int, list[Row]] = defaultdict(list)
        for row in self.rows:
            if row.text is not None:
                answered[row.item].append(row)
        for item, candidates in answered.items():
            if len(candidates) > 1:
                random.shuffle(candidates)
                self._letters[item] = dict(zip(ascii_uppercase, candidates, strict=False))

    @property
    def ballots(self) -> dict[int, Ballot]:
        """What is still to be voted on, by item."""
        return {
            item: Ballot(
                next(iter(rows.values())).prompt,
                {letter: row.text or "" for letter, row in rows.items()},
            )
            for item, rows in self._letters.items()
        }

    def vote(self, item: int, choice: str) -> None:
        """Prefer the answer under the letter `choice` to the others of `item`; this is final.

        Raises `InputError` for an item that is not to be voted on, and for an unknown letter.
        """
        if item not in self._letters:
            left = ", ".join(map(str, self._letters)) or "none"
            raise InputError(f"there is no vote on item {item}; still open: {left}")
        rows = self._letters[item]
        quality = qualities(rows, choice)
        del self._letters[item]
        self.rows = tuple(
            replace(row, quality=quality[row.model])
            if row.item == item and row.model in quality
            else row
            for row in self.rows
        )
        for row in rows.values():
            self._remember(
                Observation(self._clock(), row.model, row.kind, "vote", quality=quality[row.model])
            )

    def __str__(self) -> str:
        said = []
        for item, ballot in self.ballots.items():
            said.append(f"item {item}: {ballot.prompt}")
            said += [f"{letter}: {text}" for letter, text in ballot.answers.items()]
        if said:
            said.append("which is best? .vote(item, letter)")
            return visible("\n\n".join(said))
        return super().__str__()
