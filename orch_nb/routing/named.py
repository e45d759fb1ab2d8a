"""What the caller named. Nothing is ranked, so a model costs a few numbers instead of columns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from orch_nb.errors import SelectionError
from orch_nb.routing.estimates import UNKNOWN_QUALITY, estimate, seen_of
from orch_nb.routing.filters import NO_LIMITS, Split, split
from orch_nb.routing.pool import pool_of
from orch_nb.routing.quality import evidence, posterior
from orch_nb.store.experience import Known
from orch_nb.types import (
    Choice,
    Decision,
    Estimate,
    ModelCard,
    Rejection,
    Request,
    TaskProfile,
    Track,
    Usage,
)

_NOT_SEEN = Track()


def name_models(
    request: Request,
    profile: TaskProfile,
    cards: Iterable[ModelCard],
    seen: Known,
    off: Collection[str] = (),
) -> Decision:
    """The decision that the caller took: `cards` in their order.

    `seen` is what was seen of all models. Raises `SelectionError` when none of the named ones can
    do the task, as far as is known, or all are `off`.
    """
    named = {card.id: card for card in cards}
    tracks, token_factor = seen.tracks, seen.token_factor
    fit: Collection[str] = named
    rejected: Sequence[Rejection] = ()
    limited = request.wants.requires != NO_LIMITS or not named.keys().isdisjoint(off)
    if limited or not all(_suits(card, profile, token_factor) for card in named.values()):
        pool = pool_of(tuple(named.values()))
        estimates = estimate(seen_of(pool, tracks, token_factor), profile, {})
        parts = split(pool, estimates, profile, request.wants.requires, named=True, off=off)
        fit, rejected = {pool.cards[row].id for row in parts.fit}, parts.rejected
        if not fit:
            raise _none(request, parts)
    judged = _judged(named, tracks, profile.kind)
    ranking = [
        _choice(card, profile, tracks.get(name, _NOT_SEEN), token_factor, judged.get(name))
        for name, card in named.items()
        if name in fit
    ]
    return Decision("explicit", "explicit model", profile, tuple(ranking), rejected)


def _suits(card: ModelCard, profile: TaskProfile, token_factor: Mapping[str, float]) -> bool:
    """Whether nothing is known that excludes the model; a named one may do what nobody states."""
    if card.capabilities is None:
        return True
    needed = profile.input_tokens * token_factor.get(card.provider, 1.0) + profile.output_tokens
    return (
        profile.needs <= card.capabilities
        and (card.context is None or needed <= card.context)
        and (
            profile.longest is None or card.max_output is None or profile.longest <= card.max_output
        )
    )


def _none(request: Request, parts: Split) -> SelectionError:
    advice = f"; {parts.advice}" if parts.advice else ""
    if request.wants.thread is not None and len(request.messages) > 1:
        named = repr(request.wants.thread)
        advice += f"; if the thread has grown too long, threads.clear({named}) begins it anew"
    return SelectionError(f"what was named cannot do this{advice}", tuple(parts.rejected))


def _prior(card: ModelCard, kind: str) -> float:
    stated = card.quality.get(kind, card.tier)
    return UNKNOWN_QUALITY if stated is None else float(stated)


def _judged(
    named: Mapping[str, ModelCard], tracks: Mapping[str, Track], kind: str
) -> Mapping[str, float]:
    """The expected quality in 0..1 by model, where that of one of them was ever judged."""
    for name in named:
        if name in tracks and tracks[name].quality:
            break
    else:
        return {}
    prior = np.array([_prior(card, kind) for card in named.values()])
    index = {name: row for row, name in enumerate(named)}
    mean, _ = posterior(prior, tracks, index, kind)
    return dict(zip(named, mean.tolist(), strict=True))


def _choice(
    card: ModelCard,
    profile: TaskProfile,
    track: Track,
    token_factor: Mapping[str, float],
    judged: float | None,
) -> Choice:
    """`card` with what `orch_nb.routing.estimates` says of a row."""
    kind = profile.kind
    tokens = round(profile.input_tokens * token_factor.get(card.provider, 1.0))
    takes, spoke_for_it = _seconds(card, profile.output_tokens, track)
    usage = Usage(tokens, profile.output_tokens, source="estimated")
    cost = None if card.prices is None else card.prices.charge(usage)
    said = evidence(track, kind)
    prior = card.quality_source(kind)
    sources = {
        "cost": "unknown" if card.prices is None else card.prices.source or "stated",
        "seconds": spoke_for_it,
        "quality": f"{prior}, {said}" if said else prior,
    }
    quality = _prior(card, kind) if judged is None else judged
    return Choice(card, 1.0, {}, Estimate(cost, takes), "named by the caller", quality, sources)


def _seconds(card: ModelCard, tokens: int, track: Track) -> tuple[float | None, str]:
    """Until an answer of `tokens` is complete, and where that comes from."""
    stated = tokens / card.speed if card.speed else None
    seen = track.p50
    if track.tokens_per_second:
        seen = (track.ttft or 0.0) + tokens / track.tokens_per_second
    takes = stated if seen is None else float(seen)
    if track.p50 is not None:
        return takes, "seen"
    return takes, "unknown" if takes is None else "stated speed"
