"""What there is to do better about models and the cache, beyond stated thresholds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from orch_nb.figures import dollars, seconds
from orch_nb.store.overview import ModelStats

#: The thresholds of the suggestions: mean seconds, dollars a call, and fractions.
SLOW = 5.0
EXPENSIVE = Decimal("0.01")
SUCCESS = 0.9
HIT_RATE = 0.2
#: Calls of a model before anything is suggested about it, and answers before anything is about the
#: cache. Chosen: a first call loads a model, and a single failure is an accident.
CALLS = 3
ANSWERS = 20

Subject = Literal["slow", "expensive", "failing", "cache"]
_Figure = Callable[[ModelStats], float | Decimal | None]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What was seen, the threshold that it is beyond, and what to do about it, in ``text``.

    ``model`` is what it is about, None for the cache; ``instead`` is the model that did better on
    tasks of the same kind, None where there was none.
    """

    subject: Subject
    model: str | None
    text: str
    instead: str | None = None


def percent(share: float | None) -> str:
    """Whole percents; a dash for unknown."""
    return "—" if share is None else f"{100 * share:.0f} %"


@dataclass(frozen=True, slots=True)
class _Rule:
    """``figure`` is the lower the better, and too high above ``limit``; ``advice`` helps then."""

    subject: Subject
    figure: _Figure
    limit: float | Decimal
    said: Callable[[ModelStats], str]
    threshold: str
    advice: str


_RULES = (
    _Rule(
        "slow",
        lambda stats: stats.mean,
        SLOW,
        lambda stats: f"took {seconds(stats.mean)} on average",
        f"more than {seconds(SLOW)}",
        "--max-latency or --strategy performance takes a quicker model",
    ),
    _Rule(
        "expensive",
        lambda stats: stats.cost_per_call,
        EXPENSIVE,
        lambda stats: f"cost {dollars(stats.cost_per_call)} a call",
        f"more than {dollars(EXPENSIVE)}",
        "--max-cost or --strategy cost takes a cheaper model",
    ),
    _Rule(
        "failing",
        lambda stats: None if stats.success is None else 1.0 - stats.success,
        1.0 - SUCCESS,
        lambda stats: (
            f"answered {round((stats.success or 0) * stats.calls)} of {stats.calls} calls"
        ),
        f"less than {percent(SUCCESS)}",
        "%orch doctor tells what is wrong, --exclude leaves the model out",
    ),
)


def suggest(
    models: Iterable[ModelStats], kinds: Mapping[str, Mapping[str, ModelStats]]
) -> Iterator[Suggestion]:
    """What to say about `models`; `kinds` has the same figures by kind of task and model."""
    for stats in models:
        for rule in _RULES:
            figure = rule.figure(stats)
            if stats.calls < CALLS or figure is None or figure <= rule.limit:
                continue
            seen = f"{stats.model} {rule.said(stats)}, {rule.threshold}"
            better = _better(stats.model, kinds, rule.figure)
            if better is None:
                yield Suggestion(rule.subject, stats.model, f"{seen}: {rule.advice}")
            else:
                kind, other = better
                text = f"{seen}: for {kind} tasks {other.model} {rule.said(other)}"
                yield Suggestion(rule.subject, stats.model, text, other.model)


def _better(
    model: str, kinds: Mapping[str, Mapping[str, ModelStats]], figure: _Figure
) -> tuple[str, ModelStats] | None:
    """The kind and the model with the lowest figure, where one is below that of `model` there."""
    found: list[tuple[float | Decimal, str, ModelStats]] = []
    for kind, stats in kinds.items():
        own = figure(stats[model]) if model in stats else None
        for other in stats.values():
            theirs = figure(other)
            if own is None or theirs is None or not theirs < own or not _recommendable(other):
                continue
            found.append((theirs, kind, other))
    best = min(found, key=lambda one: (one[0], one[2].model), default=None)
    return None if best is None else best[1:]


def _recommendable(stats: ModelStats) -> bool:
    # A simulated model has no durations.
    return stats.calls >= CALLS and (stats.success or 0.0) >= SUCCESS and stats.mean is not None


def suggest_reuse(answers: int, hits: int) -> Iterator[Suggestion]:
    """What to say about the cache that had `hits` of `answers`."""
    if answers >= ANSWERS and hits / answers < HIT_RATE:
        yield Suggestion(
            "cache",
            None,
            f"{hits} of {answers} answers came from the cache, less than {percent(HIT_RATE)}: "
            "only what is the same to the letter is found again, so keep times and random "
            "samples out of prompts",
        )
