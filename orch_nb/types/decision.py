"""Which model is to answer, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orch_nb.sanitize import visible
from orch_nb.types.card import Estimate, ModelCard
from orch_nb.types.request import TaskProfile


@dataclass(frozen=True, slots=True)
class Choice:
    """One candidate: its score and the terms that the score is made of."""

    card: ModelCard
    score: float
    terms: Mapping[str, float]
    estimate: Estimate
    reason: str

    @property
    def model(self) -> str:
        """``provider:model``."""
        return self.card.id


@dataclass(frozen=True, slots=True)
class Rejection:
    """A model that may not answer, and why."""

    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """Which models may answer, best first, and why.

    ``source`` is what decided: "explicit model" or "strategy".
    """

    strategy: str
    source: str
    profile: TaskProfile
    ranking: tuple[Choice, ...]
    rejected: tuple[Rejection, ...] = ()

    @property
    def best(self) -> Choice:
        """The model that is asked first."""
        return self.ranking[0]

    @property
    def reason(self) -> str:
        """One sentence on why the best is the best."""
        return self.best.reason

    def __str__(self) -> str:
        lines = [f"{self.strategy} ({self.source}): {self.best.model}. {self.reason}"]
        lines += [f"  {c.model}  {c.score:.2f}  {c.reason}" for c in self.ranking[1:]]
        lines += [f"  not {r.model}: {r.reason}" for r in self.rejected]
        return visible("\n".join(lines))
