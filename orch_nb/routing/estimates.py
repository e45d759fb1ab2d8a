"""What a call of each model is expected to cost, take and be worth, from facts and from calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import isnan

import numpy as np

from orch_nb.routing.pool import Column, Mask, Pool
from orch_nb.routing.quality import evidence, posterior, success
from orch_nb.types import Estimate, TaskProfile, Track, Usage

# What is assumed of a model about which nothing is known: the middle of the range.
UNKNOWN_QUALITY = 0.5
# For a limit on time alone, and only until a model has been seen: about what hosted models of
# middle size do. Chosen, not measured; the reason says that the speed is assumed.
_ASSUMED_TTFT = 0.5
_ASSUMED_TOKENS_PER_SECOND = 100.0


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What was seen of the models of `pool`, as columns: unknown is NaN.

    ``typical`` is the median of the seconds of all answers, ``token_factor`` how many tokens a
    provider counts for each one that we estimate. Made once for as long as neither the pool nor
    the tracks change.
    """

    pool: Pool
    tracks: Mapping[str, Track]
    token_factor: Column
    ttft: Column
    tokens_per_second: Column
    typical: Column
    success: Column
    answered: Mask
    _quality: dict[str, tuple[Column, Column, Column]] = field(default_factory=dict)

    def quality(self, kind: str) -> tuple[Column, Column, Column]:
        """Prior and mean of the quality in 0..1, and the weight of the evidence, for `kind`."""
        if kind not in self._quality:
            prior = _prior(self.pool, kind)
            self._quality[kind] = (prior, *self.judge(_filled(prior), kind))
        return self._quality[kind]

    def judge(self, prior: Column, kind: str) -> tuple[Column, Column]:
        """Mean and weight under another `prior`, such as one that was fitted to prompts."""
        return posterior(prior, self.tracks, self.pool.index, kind)

    def renewed(self, tracks: Mapping[str, Track], token_factor: Mapping[str, float]) -> Seen:
        """These columns with other `tracks`; only what differs is made anew."""
        before, index = self.tracks, self.pool.index
        if tracks is before:
            return self
        if not before.keys() <= tracks.keys():
            return seen_of(self.pool, tracks, token_factor)
        changed = {m: t for m, t in tracks.items() if m in index and before.get(m) is not t}
        if not changed:
            return replace(self, tracks=tracks, token_factor=_factors(self.pool, token_factor))
        judged = any(t.quality or (m in before and before[m].quality) for m, t in changed.items())
        seen = Seen(
            self.pool,
            tracks,
            _factors(self.pool, token_factor),
            self.ttft.copy(),
            self.tokens_per_second.copy(),
            self.typical.copy(),
            self.success.copy(),
            self.answered.copy(),
            {} if judged else self._quality,
        )
        seen._enter(changed)
        return seen

    def _enter(self, tracks: Mapping[str, Track]) -> None:
        for model, track in tracks.items():
            row = self.pool.index.get(model)
            if row is None:
                continue
            self.ttft[row] = track.ttft or 0.0
            self.tokens_per_second[row] = track.tokens_per_second or np.nan
            self.typical[row] = np.nan if track.p50 is None else track.p50
            self.success[row] = success(track)
            self.answered[row] = track.successes > 0


def seen_of(pool: Pool, tracks: Mapping[str, Track], token_factor: Mapping[str, float]) -> Seen:
    """The columns of `tracks`, by model id; `token_factor` is by provider."""
    unknown = np.full(len(pool), np.nan)
    seen = Seen(
        pool,
        tracks,
        _factors(pool, token_factor),
        unknown.copy(),
        unknown.copy(),
        unknown,
        np.ones(len(pool)),
        np.zeros(len(pool), dtype=bool),
    )
    seen._enter(tracks)
    return seen


def _factors(pool: Pool, token_factor: Mapping[str, float]) -> Column:
    return np.array([token_factor.get(name, 1.0) for name in pool.providers])[pool.provider]


@dataclass(frozen=True, slots=True, eq=False)
class Estimates:
    """Columns with a row for each model of the pool.

    ``cost`` is dollars, ``seconds`` until the answer is complete: NaN where unknown. ``quality``
    is the expected quality in 0..1, ``known`` says that it comes from something, ``weight`` is
    how many observations are behind it, and ``success`` the expected fraction of calls without an
    error.
    """

    seen: Seen
    profile: TaskProfile
    input_tokens: Column
    cost: Column
    seconds: Column
    quality: Column
    known: Mask
    weight: Column
    fitted: Mapping[str, float]

    @property
    def success(self) -> Column:
        """The expected fraction of calls without an error."""
        return self.seen.success

    @property
    def answered(self) -> Mask:
        """The models that have answered lately."""
        return self.seen.answered

    @property
    def cautious_seconds(self) -> Column:
        """``seconds``, or what is assumed where nothing is known."""
        assumed = _ASSUMED_TTFT + self.profile.output_tokens / _ASSUMED_TOKENS_PER_SECOND
        return np.where(np.isnan(self.seconds), assumed, self.seconds)

    def quality_source(self, row: int) -> str:
        """Where the quality of the model in `row` comes from, with the counts."""
        card, kind = self.seen.pool.cards[row], self.profile.kind
        prior = card.quality_source(kind)
        if card.id in self.fitted and kind not in card.quality:
            prior = "the fitted router"
        track = self.seen.tracks.get(card.id)
        said = "" if track is None else evidence(track, kind)
        return f"{prior}, {said}" if said else prior

    def seconds_source(self, row: int) -> str:
        """Where the seconds of the model in `row` come from."""
        if not isnan(self.seen.typical[row]):
            return "seen"
        return "unknown" if isnan(self.seconds[row]) else "stated speed"

    def sources(self, row: int) -> dict[str, str]:
        """Where cost, seconds and quality of the model in `row` come from."""
        prices = self.seen.pool.cards[row].prices
        return {
            "cost": "unknown" if prices is None else prices.source or "stated",
            "seconds": self.seconds_source(row),
            "quality": self.quality_source(row),
        }

    def one(self, row: int) -> Estimate:
        """The estimate for the model in `row`, with the dollars exactly as its prices say."""
        prices = self.seen.pool.cards[row].prices
        tokens = round(float(self.input_tokens[row]))
        usage = Usage(tokens, self.profile.output_tokens, source="estimated")
        takes = float(self.seconds[row])
        return Estimate(
            None if prices is None else prices.charge(usage), None if isnan(takes) else takes
        )


def estimate(seen: Seen, profile: TaskProfile, fitted: Mapping[str, float]) -> Estimates:
    """What a call with `profile` is expected to cost, take and be worth.

    `fitted` is the quality that a router fitted to evaluations expects for this prompt, by model.
    """
    pool = seen.pool
    input_tokens = profile.input_tokens * seen.token_factor
    seconds = profile.output_tokens / pool.speed
    if seen.tracks:
        paced = seen.ttft + profile.output_tokens / seen.tokens_per_second
        measured = np.where(np.isnan(paced), seen.typical, paced)
        seconds = np.where(np.isnan(measured), seconds, measured)
    prior, quality, weight = seen.quality(profile.kind)
    if fitted:
        prior = _fitted_prior(pool, prior, fitted, profile.kind)
        quality, weight = seen.judge(_filled(prior), profile.kind)
    return Estimates(
        seen,
        profile,
        input_tokens,
        pool.cost(input_tokens, profile.output_tokens),
        seconds,
        quality,
        ~np.isnan(prior) | (weight > 0),
        weight,
        fitted,
    )


def _prior(pool: Pool, kind: str) -> Column:
    """What the user stated for `kind`, else the place in the vendor's line-up, else NaN."""
    stated = pool.stated.get(kind)
    return pool.tier if stated is None else np.where(np.isnan(stated), pool.tier, stated)


def _filled(prior: Column) -> Column:
    return np.where(np.isnan(prior), UNKNOWN_QUALITY, prior)


def _fitted_prior(pool: Pool, prior: Column, fitted: Mapping[str, float], kind: str) -> Column:
    changed = prior.copy()
    for model, quality in fitted.items():
        row = pool.index.get(model)
        if row is not None and kind not in pool.cards[row].quality:
            changed[row] = quality
    return changed
