"""Records as sessions leave them: several models and kinds, cached, failed, of unknown cost."""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal

from orch_nb.types import (
    Attempt,
    Decision,
    Message,
    Record,
    Request,
    Response,
    TaskProfile,
    Usage,
    UsageSource,
)

MODELS = (
    *("openai:gpt-5.2-mini", "anthropic:claude-sonnet-4.6", "ollama:llama3.1:8b-instruct-q4_K_M"),
    *("team:qwen3-32b", "compatible:mistral-small", "local:phi-4", "openai:gpt-5.2"),
    *("anthropic:claude-haiku-4.5", "ollama:gemma3:12b", "team:deepseek-v3.2"),
)
_KINDS = ("chat", "code", "summary", "sql")
_CAUSES = ("429", "timeout", "500")
_PROMPT = Request((Message("user", "hi"),))


def made_records(count: int, models: int = 4, seed: int = 0) -> Iterator[Record]:
    """`count` calls of at most ten `models`, the first ones oftener; the same for each `seed`."""
    draw = random.Random(seed)
    at = 1.8e9
    for _ in range(count):
        at += draw.expovariate(1 / 30)
        rank = min(int(draw.expovariate(0.8)), models - 1)
        yield _record(draw, at, rank, models)


def _record(draw: random.Random, at: float, rank: int, models: int) -> Record:
    model = MODELS[rank]
    source: UsageSource = draw.choices(("known", "estimated", "unknown"), (8, 1, 1))[0]
    usage = Usage(draw.randint(10, 900), draw.randint(5, 500), source=source)
    cost = Decimal(draw.randint(1, 900) * (rank + 1)) / 100_000
    cached = draw.random() < 0.2
    seconds = draw.lognormvariate(0.3 + 0.4 * rank, 0.5)
    billed = None if cached else usage
    attempt = Attempt(model, seconds, usage=billed, cost=cost if billed else None, shared=cached)
    attempts: tuple[Attempt, ...] = (attempt,)
    if draw.random() < 0.1 and not cached:
        cause = draw.choice(_CAUSES)
        attempts = (Attempt(MODELS[(rank + 1) % models], 0.3, "it failed", cause), attempt)
    decision = Decision("cost", "strategy", TaskProfile(draw.choice(_KINDS), 5, 5), ())
    worth = None if source == "unknown" else cost
    response = Response(
        *("an answer", model, usage, worth, "stop", seconds, 0.1, cached, decision, attempts)
    )
    return Record(at, _PROMPT, decision, attempts, response)
