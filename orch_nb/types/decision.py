"""Which model is to answer, and why."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Literal, Self

from orch_nb.sanitize import visible
from orch_nb.types.card import Estimate, ModelCard
from orch_nb.types.request import TaskProfile


@dataclass(frozen=True, slots=True)
class Choice:
    """One candidate: its score and the terms that the score is made of.

    ``score`` is NaN where the model does not qualify for the strategy, and only stands in for
    others. ``quality`` is the expected one in 0..1. ``sources`` says of "cost", "seconds" and
    "quality" what they come from.
    """

    card: ModelCard
    score: float
    terms: Mapping[str, float]
    estimate: Estimate
    reason: str
    quality: float = 0.5
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def model(self) -> str:
        """``provider:model``."""
        return self.card.id


@dataclass(frozen=True, slots=True)
class Rejection:
    """A model that may not answer, and why."""

    model: str
    reason: str


# How many choices, and rejections, the text form names, and are kept of a decision that is over.
# Chosen: what people read; of 10,000 models the columns behind all take 2 MB a decision.
_SHOWN = 50

Check = Literal["agreement", "function", "assertions", "schema", "arithmetic", "verifier"]


@dataclass(frozen=True, slots=True)
class Cascade:
    """Cheap models first, a strong one when what they say does not hold.

    ``drafts`` are asked first: two that must agree, or one whose answer is checked. ``check`` is
    how: "agreement" of two short answers, the user's "function" or "assertions" (for code), the
    "schema" of the answer, "arithmetic" recomputed, or a "verifier", the second draft model, that
    judges the first's answer. What is not ``strong`` enough is never escalated further. ``source``
    says what the models were chosen by.
    """

    drafts: tuple[str, ...]
    strong: str
    check: Check
    source: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """Which models may answer, best first, and why.

    ``source`` is what decided: "explicit model", "expert of TOOL" or "strategy". ``notice`` is
    what the user must be told, such as that a pinned model is not there. With a ``cascade`` its
    models are asked as it says, and come first in the ranking: the drafts, then the strong one.
    ``weights`` are those of "cost", "quality" and "speed" in the scores, with a sum of 1; empty
    where the scores are no weighted sum. ``omitted`` and ``omitted_rejected`` count what it no
    longer lists, see `kept`.
    """

    strategy: str
    source: str
    profile: TaskProfile
    ranking: Sequence[Choice]
    rejected: Sequence[Rejection] = ()
    notice: str = ""
    cascade: Cascade | None = None
    omitted: int = 0
    omitted_rejected: int = 0
    weights: Mapping[str, float] = field(default_factory=dict)

    @property
    def best(self) -> Choice:
        """The model that is asked first."""
        return self.ranking[0]

    @property
    def reason(self) -> str:
        """One sentence on why the best is the best."""
        return self.best.reason

    def kept(self, asked: Collection[str] = (), *, most: int = _SHOWN) -> Self:
        """The decision as it is kept: the best choices, others of those `asked`, and rejections.

        `most` is how many of each. Of more nothing behind it stays in memory; a short list is what
        it was, its choices still to be made when somebody looks. `asked` are ids of models: all of
        a provider that is down may be among them.
        """
        if max(len(self.ranking), len(self.rejected)) <= most:
            return self
        ranking = tuple(self.ranking[:most])
        if missing := set(asked).difference(choice.model for choice in ranking):
            others = islice(self.ranking, most, None)
            ranking += tuple(islice((c for c in others if c.model in missing), _SHOWN))
        rejected = tuple(self.rejected[:most])
        return replace(
            self,
            ranking=ranking,
            rejected=rejected,
            omitted=self.omitted + len(self.ranking) - len(ranking),
            omitted_rejected=self.omitted_rejected + len(self.rejected) - len(rejected),
        )

    def __str__(self) -> str:
        lines = [f"{self.strategy} ({self.source}): {self.best.model}. {self.reason}"]
        lines += [f"  {self.notice}"] if self.notice else []
        lines += [f"  {c.model}  {c.score:.2f}  {c.reason}" for c in self.ranking[1:_SHOWN]]
        lines += [f"  not {r.model}: {r.reason}" for r in self.rejected[:_SHOWN]]
        more = max(0, len(self.ranking) - _SHOWN) + max(0, len(self.rejected) - _SHOWN)
        more += self.omitted + self.omitted_rejected
        lines += [f"  and {more} more"] if more else []
        return visible("\n".join(lines))
