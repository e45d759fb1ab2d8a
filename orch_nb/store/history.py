"""What was observed of one model, summed up as it comes in."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from types import MappingProxyType

from orch_nb.store.decay import DecayedSum, FadingSample
from orch_nb.types import Observation, ObservationSource, Score, Track

# Half-lives in seconds, both chosen. An outage of the morning is nearly forgotten by the evening;
# what a model can do changes with the versions that its vendor puts behind the name.
STATE_HALF_LIFE = 4 * 3600.0
QUALITY_HALF_LIFE = 28 * 86400.0
# Durations that quantiles are taken of: the newest.
_DURATIONS = 100
# The weight below which what was observed of a kind counts as forgotten.
_FORGOTTEN = 0.01


@dataclass(slots=True)
class _Kind:
    quality: DecayedSum = field(default_factory=lambda: DecayedSum(QUALITY_HALF_LIFE))
    counts: Counter[ObservationSource] = field(default_factory=Counter)


def _newest() -> FadingSample:
    return FadingSample(STATE_HALF_LIFE, _DURATIONS)


@dataclass(slots=True)
class History:
    """Sums over the observations of one model: constant time for each, bounded memory.

    Success and speed fade within hours, quality within weeks. ``tokens`` sums the provider's
    counts, weighted with the estimates of the same texts.
    """

    success: DecayedSum = field(default_factory=lambda: DecayedSum(STATE_HALF_LIFE))
    tokens: DecayedSum = field(default_factory=lambda: DecayedSum(QUALITY_HALF_LIFE))
    kinds: defaultdict[str, _Kind] = field(default_factory=lambda: defaultdict(_Kind))
    seconds: FadingSample = field(default_factory=_newest)
    ttft: FadingSample = field(default_factory=_newest)
    rate: FadingSample = field(default_factory=_newest)

    def add(self, seen: Observation, now: float) -> None:
        """Add `seen`; what says that it is from the future was seen `now`."""
        at = min(seen.at, now)
        if seen.ok is not None:
            self.success.add(at, 1.0 if seen.ok else 0.0)
        if seen.ok and seen.seconds is not None:
            self.seconds.add(at, seen.seconds)
            if seen.ttft is not None:
                self.ttft.add(at, seen.ttft)
            if (rate := _rate(seen.output_tokens, seen.seconds, seen.ttft)) is not None:
                self.rate.add(at, rate)
        if seen.quality is not None:
            kind = self.kinds[seen.kind]
            kind.quality.add(at, seen.quality)
            kind.counts[seen.source] += 1
        if (counted := token_counts(seen)) is not None:
            self.tokens.add(at, *counted)

    def summarise(self, now: float) -> Track:
        """What all of it comes to at the time `now`, in seconds since the epoch."""
        calls, successes = self.success.as_of(now)
        (ttft,), (rate,) = self.ttft.quantiles([0.5]), self.rate.quantiles([0.5])
        p50, p95 = self.seconds.quantiles([0.5, 0.95])
        scores = MappingProxyType(self._scores(now))
        return Track(calls, min(successes, calls), ttft, rate, p50, p95, scores)

    def _scores(self, now: float) -> dict[str, Score]:
        scores = {}
        for name, kind in self.kinds.items():
            weight, total = kind.quality.as_of(now)
            if weight > _FORGOTTEN:
                counts = MappingProxyType(dict(kind.counts))
                scores[name] = Score(weight, min(total / weight, 1.0), counts)
        return scores


def token_counts(seen: Observation) -> tuple[int, int] | None:
    """How many tokens the provider counted, and how many were estimated of the same text."""
    # 0 is what servers say that do not count.
    if seen.input_tokens and seen.estimated_tokens:
        return seen.input_tokens, seen.estimated_tokens
    return None


def _rate(tokens: int | None, seconds: float, ttft: float | None) -> float | None:
    """Output tokens per second after the first, None where all came at once."""
    writing = seconds - (ttft or 0.0)
    return tokens / writing if tokens and writing > 0 else None
