"""Which candidates may answer at all: the same for every strategy."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from orch_nb.figures import gigabytes
from orch_nb.types import ModelCard, Rejection, TaskProfile


def split(
    cards: Sequence[ModelCard],
    profile: TaskProfile,
    memory: int | None = None,
    answered: Collection[str] = (),
) -> tuple[list[ModelCard], list[Rejection]]:
    """Cards that may answer, and the others with the reason.

    `memory` is what models on this machine can have now, in bytes, None where that is unknown.
    Those in `answered`, by their id, have shown that they fit.
    """
    fit: list[ModelCard] = []
    rejected: list[Rejection] = []
    # A server unloads what is idle to make room.
    room = None if memory is None else memory + sum(c.size or 0 for c in cards if c.loaded)
    for card in cards:
        reason = card.unranked or unfit(card, profile)
        if not reason and card.id not in answered:
            reason = _too_large(card, room)
        if reason:
            rejected.append(Rejection(card.id, reason))
        else:
            fit.append(card)
    return fit, rejected


def unfit(card: ModelCard, profile: TaskProfile) -> str:
    """Why `card` cannot do the task, "" if it can as far as is known."""
    return _lacking(card, profile) or _too_long(card, profile) or _too_short(card, profile)


def _lacking(card: ModelCard, profile: TaskProfile) -> str:
    if card.capabilities is None:
        # Other needs show in the answer; an image that is not read costs money for a guess.
        return "not known to read images" if "vision" in profile.needs else ""
    lacking = sorted(profile.needs - card.capabilities)
    return f"cannot do {', '.join(lacking)}" if lacking else ""


def _too_large(card: ModelCard, room: int | None) -> str:
    if not card.local or card.loaded or card.size is None or room is None or card.size <= room:
        return ""
    return f"needs {gigabytes(card.size)} of memory, {gigabytes(room)} can be had"


def _too_short(card: ModelCard, profile: TaskProfile) -> str:
    if card.max_output is None or profile.longest is None or profile.longest <= card.max_output:
        return ""
    return f"writes at most {card.max_output} tokens, {profile.longest} were asked for"


def _too_long(card: ModelCard, profile: TaskProfile) -> str:
    needed = profile.input_tokens + profile.output_tokens
    if card.context is None or needed <= card.context:
        return ""
    return f"needs about {needed} tokens, its context has {card.context}"
