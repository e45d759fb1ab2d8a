"""How long choosing takes, from the prompt to the decision whose best model is known."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial

from benchmarks.figures import Figure, figure, part
from orch_nb.routing.analyse import analyse
from orch_nb.routing.estimates import seen_of
from orch_nb.routing.pool import pool_of
from orch_nb.routing.route import Situation, route
from orch_nb.types import Choice, Message, ModelCard, Prices, Request, TaskProfile, Track

_PROMPT = (
    "Explain the difference between a list and a tuple in Python, in two sentences, for a "
    "beginner who knows R and has never written a class."
)
_ROUNDS = 30
_WEIGHTS = {"cost": 1.0, "quality": 1.0, "speed": 1.0}
_CHART = "CPU of a decision, by the number of models"
_GOALS = {10: "≤ 100 µs", 100: "", 1_000: "", 10_000: "≤ 2000 µs"}


def measure(share: float = 1.0) -> list[Figure]:
    """CPU of reading a prompt, and of choosing for what was read, by the number of models."""
    return [*_readings(part(_ROUNDS, share)), *_decisions(part(_ROUNDS, share))]


def _readings(rounds: int) -> Iterator[Figure]:
    for words in (30, 500):
        text = " ".join(itertools.islice(itertools.cycle(_PROMPT.split()), words))
        request = Request((Message("user", text),))
        times = [_microseconds(partial(analyse, request), 2000 // words) for _ in range(rounds)]
        yield figure(f"reading a prompt of {words} words", times, "µs CPU")


def _decisions(rounds: int) -> Iterator[Figure]:
    request = Request((Message("user", _PROMPT),))
    for models, goal in _GOALS.items():
        around = _situation(models)
        for strategy in ("balanced", "adaptive", "cost"):
            choose = partial(_best, request, analyse(request), strategy, around)
            calls = max(10, 20_000 // models // 10)
            times = [_microseconds(choose, calls) for _ in range(rounds)]
            name = f"decision by {strategy}, {models:,} models"
            yield figure(name, times, "µs CPU", goal, chart=_CHART, row=strategy, column=models)


def _best(request: Request, profile: TaskProfile, strategy: str, around: Situation) -> Choice:
    return route(request, profile, strategy, around).best


def _situation(models: int) -> Situation:
    """Models with facts as providers list them, of which fifty have been used."""
    draw = random.Random(0)
    cards = [
        ModelCard(
            f"provider{i % 7}",
            f"model-{i}",
            context=draw.choice([8_192, 32_768, 128_000, None]),
            prices=_prices(draw) if draw.random() < 0.9 else None,
            capabilities=frozenset({"json", "tools"}),
            tier=draw.choice([0.25, 0.5, 0.75, 1.0, None]),
        )
        for i in range(models)
    ]
    used = {
        card.id: Track(5, 5, draw.random(), 20 + 80 * draw.random(), 2.0, 4.0)
        for card in cards[:50]
    }
    return Situation(seen=seen_of(pool_of(cards), used, {}), weights=_WEIGHTS)


def _prices(draw: random.Random) -> Prices:
    amount = Decimal(draw.randint(1, 300)) / 100
    return Prices(amount, 4 * amount)


def _microseconds(call: Callable[[], object], calls: int) -> float:
    call()
    started = time.process_time()
    for _ in range(calls):
        call()
    return 1e6 * (time.process_time() - started) / calls
