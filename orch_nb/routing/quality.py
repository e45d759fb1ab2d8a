"""How good a model is expected to be at a kind of task, from a prior and from what was seen.

The mean of few observations is mostly noise, and the best of many such means is the luckiest one.
So each mean is shrunk towards a prior that counts as 60 observations (empirical Bayes: with a
Beta prior of that weight this is the posterior mean of a binomial rate):

    mean = (60 · prior + n · own + m · others) / (60 + n + m)

``own`` is the mean of n observations of this kind of task, each fading with its age. ``others`` is
the mean of the w observations of other kinds; together they count as m = 60 · w / (w + 120), that
is for half at first and never for more than the prior: who is good at everything starts higher
in a new kind.

Observations are on a scale of their own: hard questions or a strict judge lower them for every
model alike, and priors are places in a line-up. So how far a kind's means lie off the priors of
their models is taken off them, as far as several models agree on it: each model is one of v =
n / (n + 60) witnesses, and the prior that nothing is off counts as one, as kinds differ about as
much as models do. Without this, whoever was tried on hard questions would be worse than whoever
was never tried. On published outcomes (27 models of ZeroEval, two kinds) a model's mean in one
kind goes along with its mean in the other by a correlation of 0.70 [0.51, 0.84] once the kinds'
averages are taken off, and by -0.18 [-0.50, 0.09] as they are; with 9 models and 13 kinds of
LLMRouter's, 0.67 [0.50, 0.77] and 0.49 [0.18, 0.60] (95 % intervals over models; reproduced by
``tests/benchmarks/kinds.py``).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

import numpy as np

from orch_nb.routing.pool import Column
from orch_nb.types import Track

# Observations that the prior is worth. Chosen: a mean of 60 is off by 0.06, and what is closer
# together than that is left to the prior.
PRIOR = 60.0
# The calls that the prior of success is worth; chosen, so that one failure costs a tenth.
_CALLS = 10.0
# A Beta distribution needs both outcomes to be possible.
_POSSIBLE = 1e-3


def posterior(
    prior: Column, tracks: Mapping[str, Track], index: Mapping[str, int], kind: str
) -> tuple[Column, Column]:
    """Mean of the quality in 0..1 for `kind`, and how many observations are behind it.

    `prior` has a row for each model, in 0..1; `index` is the row by model id. Where nothing was
    seen of a model the mean is its prior, and the weight 0.
    """
    mean, weight = prior.copy(), np.zeros(len(prior))
    rows = {index[m]: track for m, track in tracks.items() if track.quality and m in index}
    off = _offsets(prior, rows)
    for row, track in rows.items():
        own = own_total = others = others_total = 0.0
        for name, score in track.quality.items():
            fair = min(max(score.mean - off[name], 0.0), 1.0)
            if name == kind:
                own, own_total = score.weight, score.weight * fair
            else:
                others += score.weight
                others_total += score.weight * fair
        share = PRIOR / (others + 2 * PRIOR)
        weight[row] = own + share * others
        seen = own_total + share * others_total
        mean[row] = min((PRIOR * prior[row] + seen) / (PRIOR + weight[row]), 1.0)
    return mean, weight


def _offsets(prior: Column, rows: Mapping[int, Track]) -> Mapping[str, float]:
    """By kind, how far the observed means lie off the priors of the models that they are of."""
    distance: defaultdict[str, float] = defaultdict(float)
    witnesses: defaultdict[str, float] = defaultdict(lambda: 1.0)
    for row, track in rows.items():
        for kind, score in track.quality.items():
            trust = score.weight / (score.weight + PRIOR)
            witnesses[kind] += trust
            distance[kind] += trust * (score.mean - float(prior[row]))
    return {kind: distance[kind] / witnesses[kind] for kind in distance}


def success(track: Track) -> float:
    """The expected fraction of calls that are answered, in 0..1.

    The mean of a rate with a prior worth ten calls that were all answered: so it is 1 for a model
    that never failed, as for one that was never called, and a third after twenty failures.
    """
    return (_CALLS + track.successes) / (_CALLS + track.calls)


def draw(mean: Column, weight: Column, random: np.random.Generator) -> Column:
    """Draw what the quality may be, for Thompson sampling: from the Beta with this mean.

    The prior and the `weight` of the evidence give its width, so that what is little known may
    be drawn above what is known to be a little better, in the measure in which it may be.
    """
    drawn = []
    # Few are drawn at a time, and for one number numpy is quick where it sees no array.
    for center, seen in zip(mean.tolist(), weight.tolist(), strict=True):
        possible, observations = min(max(center, _POSSIBLE), 1 - _POSSIBLE), PRIOR + seen
        drawn.append(random.beta(possible * observations, (1 - possible) * observations))
    return np.array(drawn)


def evidence(track: Track, kind: str) -> str:
    """What was seen of a model's quality, such as "12 evaluations, 3 ratings"; "" if nothing."""
    if not track.quality:
        return ""
    seen = Counter(track.quality[kind].counts if kind in track.quality else {})
    said = [_count(number, source) for source, number in sorted(seen.items())]
    elsewhere = sum(sum(s.counts.values()) for name, s in track.quality.items() if name != kind)
    if elsewhere:
        said.append(f"{elsewhere} of other kinds")
    return ", ".join(said)


def _count(number: int, source: str) -> str:
    return f"{number} {source}" if number == 1 else f"{number} {source}s"
