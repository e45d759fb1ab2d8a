"""Which candidates may answer at all: the same for every strategy."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import isnan

import numpy as np

from orch_nb.figures import dollars, gigabytes, seconds
from orch_nb.routing.estimates import Estimates
from orch_nb.routing.exclusion import Exclusion
from orch_nb.routing.pool import Codes, Mask, Pool
from orch_nb.routing.requirements import beyond_requirements
from orch_nb.types import LazySequence, Rejection, Requirements, TaskProfile

# Costs are sums of products of floats: a limit that equals the cost is kept.
_ROUNDING = 1 + 1e-9
NO_LIMITS = Requirements()


@dataclass(frozen=True, slots=True)
class Purse:
    """Dollars that one call may cost under the budget; whether unknown prices are allowed."""

    left: Decimal
    unpriced: bool


@dataclass(frozen=True, slots=True)
class Split:
    """The rows that may answer, in the pool's order; the others with the reason.

    ``advice`` names the nearest limit that would admit a model if it were relaxed, "" if none.
    """

    fit: Codes
    rejected: Sequence[Rejection]
    advice: str


def split(
    pool: Pool,
    estimates: Estimates,
    profile: TaskProfile,
    requires: Requirements,
    *,
    memory: int | None = None,
    purse: Purse | None = None,
    named: bool = False,
    off: Collection[str] = (),
) -> Split:
    """Tell the models of `pool` that may answer from those that may not.

    `memory` is what models on this machine can have now, in bytes, None where that is unknown;
    `purse` is what a budget leaves, None without one. Models that were `named` are tried although
    nothing is known of them, or a strategy would not take them; those that are `off` never are.
    """
    exclusions = list(_unable(pool, estimates, profile, named=named))
    if off:
        switched = np.zeros(len(pool), dtype=bool)
        switched[[pool.index[name] for name in off if name in pool.index]] = True
        exclusions.insert(0, Exclusion(switched, lambda _: "switched off"))
    if not named:
        exclusions.insert(0, Exclusion(pool.unranked, lambda row: pool.cards[row].unranked))
        exclusions += _too_large(pool, estimates, memory)
        exclusions += _beyond_purse(estimates, purse)
    exclusions += _beyond_limits(pool, estimates, requires)
    exclusions += beyond_requirements(pool, estimates, requires)
    fails = np.zeros(len(pool), dtype=bool)
    for exclusion in exclusions:
        fails |= exclusion.fails
    (out,) = fails.nonzero()

    def rejection(place: int) -> Rejection:
        row = int(out[place])
        first = next(exclusion for exclusion in exclusions if exclusion.fails[row])
        return Rejection(pool.cards[row].id, first.reason(row))

    (fit,) = np.logical_not(fails).nonzero()
    advice = "" if len(fit) else _advice(pool, exclusions)
    return Split(fit, LazySequence(len(out), rejection), advice)


def _unable(
    pool: Pool, estimates: Estimates, profile: TaskProfile, *, named: bool
) -> Iterator[Exclusion]:
    cards = pool.cards
    if profile.needs:
        lacking = _lacking(pool, profile, named=named)
        yield Exclusion(lacking, lambda row: _lacks(pool, profile, row))
    # A named model of which nothing is known is tried as it is.
    judged = pool.described if named else np.True_
    needed = estimates.input_tokens + profile.output_tokens
    too_long = (needed > pool.context) & judged
    if np.count_nonzero(too_long):
        yield Exclusion(
            too_long,
            lambda row: (
                f"needs about {needed[row]:.0f} tokens, its context has {cards[row].context}"
            ),
        )
    if profile.longest is not None:
        yield Exclusion(
            (profile.longest > pool.max_output) & judged,
            lambda row: (
                f"writes at most {cards[row].max_output} tokens, {profile.longest} were asked for"
            ),
        )


def _lacking(pool: Pool, profile: TaskProfile, *, named: bool) -> Mask:
    lacking = np.zeros(len(pool), dtype=bool)
    for need in profile.needs:
        has = pool.capabilities.get(need)
        lacking |= pool.described if has is None else pool.described & ~has
    if "vision" in profile.needs and not named:
        # Other needs show in the answer; an image that is not read costs money for a guess.
        lacking |= ~pool.described
    return lacking


def _lacks(pool: Pool, profile: TaskProfile, row: int) -> str:
    capabilities = pool.cards[row].capabilities
    if capabilities is None:
        return "not known to read images"
    return f"cannot do {', '.join(sorted(profile.needs - capabilities))}"


def _too_large(pool: Pool, estimates: Estimates, memory: int | None) -> Iterator[Exclusion]:
    if memory is None:
        return
    # A server unloads what is idle to make room; what has answered has shown that it fits.
    room = memory + int(np.nansum(np.where(pool.loaded, pool.size, 0.0)))
    large = pool.local & ~pool.loaded & (pool.size > room) & ~estimates.answered
    yield Exclusion(
        large,
        lambda row: (
            f"needs {gigabytes(int(pool.size[row]))} of memory, {gigabytes(room)} can be had"
        ),
    )


def _beyond_purse(estimates: Estimates, purse: Purse | None) -> Iterator[Exclusion]:
    if purse is None:
        return
    cost, left = estimates.cost, purse.left
    fails = cost > float(left) * _ROUNDING
    if not purse.unpriced:
        fails |= np.isnan(cost)
    yield Exclusion(
        fails,
        lambda row: _cost_reason(cost[row], f"the budget leaves {dollars(left)}"),
        "budget",
        cost,
    )


def _beyond_limits(pool: Pool, estimates: Estimates, requires: Requirements) -> Iterator[Exclusion]:
    if requires == NO_LIMITS:
        return
    cards = pool.cards
    if requires.local:
        yield Exclusion(~pool.local, lambda _: "not on this machine, as local asks for")
    if requires.providers:
        kept = np.isin(pool.provider, [_code(pool, name) for name in requires.providers])
        yield Exclusion(~kept, lambda _: f"not of {', '.join(requires.providers)}")
    if requires.exclude:
        names = frozenset(requires.exclude)
        out = np.array([card.provider in names or card.name in names for card in cards], bool)
        out[[pool.index[name] for name in names if name in pool.index]] = True
        yield Exclusion(out, lambda _: "excluded")
    if (limit := requires.max_cost) is not None:
        cost = estimates.cost
        yield Exclusion(
            ~(cost <= float(limit) * _ROUNDING),
            lambda row: _cost_reason(cost[row], f"max_cost is {dollars(limit)}"),
            "max_cost",
            cost,
        )
    if (longest := requires.max_latency) is not None:
        takes = estimates.cautious_seconds
        yield Exclusion(
            takes > longest,
            lambda row: _latency_reason(estimates, row, f"max_latency is {longest:g} s"),
            "max_latency",
            takes,
        )
    if (least := requires.min_quality) is not None:
        quality = estimates.quality
        yield Exclusion(
            quality < least,
            lambda row: (
                f"quality {quality[row]:.2f} from {estimates.quality_source(row)}, "
                f"min_quality is {least:g}"
            ),
            "min_quality",
            quality,
        )


def _code(pool: Pool, provider: str) -> int:
    return pool.providers.index(provider) if provider in pool.providers else -1


def _cost_reason(cost: float, limit: str) -> str:
    if np.isnan(cost):
        return f"its price is not known, {limit}"
    return f"would cost about {dollars(Decimal(float(cost)))}, {limit}"


def _latency_reason(estimates: Estimates, row: int, limit: str) -> str:
    known = ", its speed is assumed" if isnan(estimates.seconds[row]) else ""
    return f"would take about {seconds(float(estimates.cautious_seconds[row]))}{known}, {limit}"


def _advice(pool: Pool, exclusions: Sequence[Exclusion]) -> str:
    """The one limit that keeps the best reachable model out, and the value that admits it."""
    failing = np.sum([exclusion.fails for exclusion in exclusions], axis=0, dtype=int)
    for exclusion in exclusions:
        if exclusion.needed is None:
            continue
        alone = exclusion.fails & (failing == 1) & ~np.isnan(exclusion.needed)
        (rows,) = alone.nonzero()
        if not len(rows):
            continue
        needed = exclusion.needed[rows]
        nearest = int(needed.argmax() if exclusion.limit == "min_quality" else needed.argmin())
        model = pool.cards[int(rows[nearest])].id
        if exclusion.limit == "budget":  # none of its limits by itself, but what they leave
            costs = dollars(Decimal(float(needed[nearest])))
            return f"{model} would cost about {costs}, which is more than the budget leaves"
        value = _rounded(exclusion.limit, float(needed[nearest]))
        return f"{exclusion.limit}={value} would admit {model}"
    return ""


def _rounded(limit: str, needed: float) -> str:
    """A value with three digits that is on the right side of what is needed."""
    step = 10.0 ** (np.floor(np.log10(needed)) - 2) if needed > 0 else 1.0
    # What is a round number but for the last bit of a float is taken as it is.
    steps = needed / step
    rounded = np.floor(steps + 1e-9) if limit == "min_quality" else np.ceil(steps - 1e-9)
    return format(Decimal(f"{rounded * step:.3g}"), "f")  # as people write it, without an e
