"""Who is asked after whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import islice
from typing import TypeVar

from orch_nb.errors import Benched
from orch_nb.types import Choice, Decision, LazySequence, ModelCard, Rejection

T = TypeVar("T")

#: How many choices behind the best are looked at for who is benched. Chosen: as many as are shown.
LOOKED_AT = 50


def fallback_order(decision: Decision, policy: str) -> Iterator[ModelCard]:
    """The models to try, in order, under the policy "best", "cheapest" or "fail".

    Choices are looked at one by one, as thousands may stand behind the first.
    """
    yield decision.best.card
    if policy == "fail" and decision.source != "explicit model":
        return
    others: Iterator[Choice] = islice(decision.ranking, 1, None)
    if policy == "cheapest":
        others = iter(sorted(others, key=_cost_or_last))
    for choice in others:
        yield choice.card


def without_benched(
    decision: Decision, benched: Callable[[str], Benched | None], policy: str
) -> Decision:
    """`decision` as it will come out: who is benched stands among the rejected, with the reason.

    Where all are, or `policy` lets no other stand in, they stay, and the notice says so. A cascade
    keeps its models.
    """
    if decision.cascade is not None:
        return decision
    if policy == "fail" and decision.source != "explicit model":
        error = benched(decision.best.model)
        return decision if error is None else _all_the_same(decision, str(error))
    head: list[Choice] = []
    rejected: list[Rejection] = []
    seen = 0
    for seen, choice in enumerate(decision.ranking, 1):
        error = benched(choice.model)
        if error is None:
            head.append(choice)
        else:
            rejected.append(Rejection(choice.model, error.reason))
        if seen >= LOOKED_AT and head:
            break
    if not rejected:
        return decision
    if not head:
        said = f"every model is benched ({rejected[0].reason}); the least bad"
        return _all_the_same(decision, said)
    ranking = _joined(head, decision.ranking, seen)
    if policy == "cheapest" and rejected[0].model == decision.best.model:
        ranking = sorted(ranking, key=_cost_or_last)
    return replace(
        decision,
        ranking=ranking,
        rejected=_joined(rejected, decision.rejected, 0),
    )


def _all_the_same(decision: Decision, who: str) -> Decision:
    notice = "; ".join(filter(None, (decision.notice, f"{who} is asked all the same")))
    return replace(decision, notice=notice)


def _joined(head: Sequence[T], tail: Sequence[T], start: int) -> Sequence[T]:
    """`head`, then `tail` from `start` on, of which nothing is looked at here."""
    first = len(head)
    return LazySequence(
        first + len(tail) - start, lambda i: head[i] if i < first else tail[i - first + start]
    )


def _cost_or_last(choice: Choice) -> Decimal:
    return Decimal("Infinity") if choice.estimate.cost is None else choice.estimate.cost
