"""The models of a cascade, asked and billed as one call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import chain

from orch_nb.errors import ProviderError
from orch_nb.figures import dollars
from orch_nb.invoke.call import Call
from orch_nb.invoke.cascade import Outcome, run_cascade
from orch_nb.invoke.check import arithmetic
from orch_nb.invoke.fallback import Trail
from orch_nb.invoke.order import fallback_order
from orch_nb.invoke.verdict import TextCheck
from orch_nb.types import (
    Attempt,
    Cascade,
    Choice,
    Decision,
    Message,
    ModelCard,
    Parameters,
    Request,
    Response,
    total_cost,
    total_usage,
)

#: Asks the first of the models that answers, though it be benched where the flag says so.
Ask = Callable[[Call, Iterable[ModelCard], bool], Awaitable[Response]]


async def ask_in_stages(
    call: Call, decision: Decision, ask: Ask, *, fallback: str, deadline: float
) -> Response:
    """The answer of ``decision.cascade``, with all that was paid for it.

    `deadline` is in the loop's time. Drafts are shown when they hold, the strong model's answer
    while it arrives. Raises what `orch_nb.invoke.cascade.run_cascade` raises.
    """
    cascade = decision.cascade
    assert cascade is not None
    stages = _Stages(call, decision, cascade, ask, fallback)
    started = asyncio.get_running_loop().time()
    try:
        outcome = await run_cascade(
            cascade,
            stages.ask_one,
            call.trail,
            deadline=deadline,
            check=_check(call, cascade),
            question=call.request.prompt,
            may_escalate=stages.obstacle,
            substitute=fallback != "fail",
        )
    except asyncio.CancelledError:
        if call.partial is not None:
            call.partial = _with_all(call.partial, call.trail.attempts)
        raise
    if outcome.answer.model in cascade.drafts and call.show is not None:
        call.show(outcome.answer.text)
    return stages.total(outcome, asyncio.get_running_loop().time() - started)


def _check(call: Call, cascade: Cascade) -> TextCheck | None:
    # Two models can agree on a number that does not follow from what they wrote.
    return arithmetic if cascade.check in ("agreement", "arithmetic") else call.check


def _with_all(partial: Response, attempts: Sequence[Attempt]) -> Response:
    """`partial`, with the tokens and dollars of all stages."""
    return replace(
        partial,
        usage=total_usage(attempts),
        cost=total_cost(attempts),
        attempts=tuple(attempts),
    )


@dataclass(slots=True)
class _Stages:
    call: Call
    decision: Decision
    cascade: Cascade
    ask: Ask
    fallback: str
    answers: list[Response] = field(default_factory=list)

    async def ask_one(self, model: str, trail: Trail, prompt: str | None = None) -> Response:
        """The answer of `model`, or of who stands in for the strong one."""
        strong = model == self.cascade.strong
        request, form = self.call.request, self.call.form
        if prompt is not None:
            asked = Message("user", prompt)
            request = Request((asked,), parameters=Parameters(temperature=0.0))
            request, form = replace(request, wants=self.call.request.wants), None
        show = self.call.show if strong and prompt is None else None
        stage = Call(request, show, form, trail=trail)
        self.call.trail.current = None
        try:
            answer = await self.ask(stage, self._cards(model, strong=strong), strong)
        except asyncio.CancelledError:
            # What has arrived of the answer is kept, whoever was writing it.
            if stage.partial is not None:
                self.call.partial = stage.partial
            raise
        except ProviderError:
            self.call.trail.current = trail.current
            raise
        self.answers.append(answer)
        return answer

    def _cards(self, model: str, *, strong: bool) -> Iterable[ModelCard]:
        """`model`; and after the strong one, who may stand in for it."""
        drafts = set(self.cascade.drafts)
        first = self._choice(model).card
        if not strong or self.fallback == "fail":
            return [first]
        others = fallback_order(self.decision, self.fallback)
        return chain([first], (card for card in others if card.id not in {model, *drafts}))

    def obstacle(self) -> str:
        """Why the strong model may not be asked under the caller's limit of dollars, or ""."""
        limit = self.call.request.wants.requires.max_cost
        if limit is None:
            return ""
        costs = [answer.billed for answer in self.answers]
        if any(cost is None for cost in costs):
            return "what the drafts cost is not known"
        left = limit - sum((cost for cost in costs if cost is not None), Decimal(0))
        expected = self._choice(self.cascade.strong).estimate.cost
        if expected is not None and expected <= left:
            return ""
        return f"max_cost leaves {dollars(max(left, Decimal(0)))}, it may cost {dollars(expected)}"

    def _choice(self, model: str) -> Choice:
        return next(choice for choice in self.decision.ranking if choice.model == model)

    def total(self, outcome: Outcome[Response], seconds: float) -> Response:
        """The answer with the tokens, dollars and seconds of all stages."""
        cached = all(answer.cached for answer in self.answers)
        costs = [answer.cost for answer in self.answers]
        known = sum((cost for cost in costs if cost is not None), Decimal(0))
        paid = None if None in costs else known
        notice = "; ".join(filter(None, (self.decision.notice, outcome.notice)))
        return replace(
            outcome.answer,
            usage=outcome.usage,
            cost=paid if cached else outcome.billed,
            seconds=sum(answer.seconds for answer in self.answers) if cached else seconds,
            cached=cached,
            decision=replace(self.decision, notice=notice),
            attempts=outcome.attempts,
        )
