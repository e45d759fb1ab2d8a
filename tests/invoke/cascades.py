"""Models of a cascade, each with its one outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from orch_nb.errors import OrchError, ProviderError, ServerFailed
from orch_nb.invoke.cascade import Ask, Outcome, run_cascade
from orch_nb.invoke.fallback import Trail
from orch_nb.invoke.verdict import TextCheck
from orch_nb.types import Cascade, Check, Usage

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Reply:
    """An answer as a cascade reads one."""

    model: str
    text: str
    seconds: float = 1.5
    usage: Usage = field(default_factory=lambda: Usage(10, 2))
    billed: Decimal | None = CENT


class Models:
    """Models by name, each with its one outcome; remembers who was asked what."""

    def __init__(self, **outcomes: str | OrchError | Reply) -> None:
        self.outcomes, self.asked = outcomes, list[tuple[str, str | None]]()

    async def __call__(self, model: str, trail: Trail, prompt: str | None = None) -> Reply:
        self.asked.append((model, prompt))
        await asyncio.sleep(0)
        outcome = self.outcomes[model]
        if isinstance(outcome, OrchError):
            raise outcome
        return outcome if isinstance(outcome, Reply) else Reply(model, outcome)

    @property
    def names(self) -> list[str]:
        return [model for model, _ in self.asked]


def run(
    ask: Ask[Reply],
    check: Check = "agreement",
    *,
    trail: Trail | None = None,
    judged: TextCheck | None = None,
    may_escalate: Callable[[], str] = lambda: "",
    substitute: bool = True,
    within: float = 60.0,
) -> Outcome[Reply]:
    """A cascade of drafts a and b, or the draft a and the verifier b, and the strong c."""
    cascade = Cascade(("a", "b") if check in ("agreement", "verifier") else ("a",), "c", check)

    async def once() -> Outcome[Reply]:
        return await run_cascade(
            cascade,
            ask,
            Trail() if trail is None else trail,
            deadline=asyncio.get_running_loop().time() + within,
            check=judged,
            question="what?",
            may_escalate=may_escalate,
            substitute=substitute,
        )

    return asyncio.run(once())


def summary(outcome: Outcome[Reply]) -> list[tuple[str, str | None]]:
    return [(attempt.model, attempt.cause) for attempt in outcome.attempts]


def down(model: str, kind: type[ProviderError] = ServerFailed) -> ProviderError:
    return kind(model, "down")
