"""Which candidates may answer at all: the same for every strategy."""

from __future__ import annotations

from collections.abc import Iterable

from orch_nb.types import ModelCard, Rejection, TaskProfile


def split(
    cards: Iterable[ModelCard], profile: TaskProfile
) -> tuple[list[ModelCard], list[Rejection]]:
    """Cards that may answer, and the others with the reason."""
    fit: list[ModelCard] = []
    rejected: list[Rejection] = []
    for card in cards:
        reason = card.unranked or unfit(card, profile)
        if reason:
            rejected.append(Rejection(card.id, reason))
        else:
            fit.append(card)
    return fit, rejected


def unfit(card: ModelCard, profile: TaskProfile) -> str:
    """Why `card` cannot do the task, "" if it can as far as is known."""
    return _lacking(card, profile) or _too_long(card, profile)


def _lacking(card: ModelCard, profile: TaskProfile) -> str:
    if card.capabilities is None:
        # Other needs show in the answer; an image that is not read costs money for a guess.
        return "not known to read images" if "vision" in profile.needs else ""
    lacking = sorted(profile.needs - card.capabilities)
    return f"cannot do {', '.join(lacking)}" if lacking else ""


def _too_long(card: ModelCard, profile: TaskProfile) -> str:
    needed = profile.input_tokens + profile.output_tokens
    if card.context is None or needed <= card.context:
        return ""
    return f"needs about {needed} tokens, its context has {card.context}"
