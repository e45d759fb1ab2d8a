"""From a decision to a response: cache, attempts, retries, the next model."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from random import Random

from orch_nb.errors import AllFailed, BrokenAnswer, RateLimited
from orch_nb.invoke.attempt import Answer, Progress, attempt
from orch_nb.invoke.bill import Bill, estimate
from orch_nb.invoke.call import Call
from orch_nb.invoke.fallback import Candidate, first_answer
from orch_nb.invoke.order import fallback_order
from orch_nb.invoke.payload import payload_of, response, still_fits
from orch_nb.providers._connect import Connection
from orch_nb.store.cache import ResponseCache, request_key
from orch_nb.store.traffic import Traffic
from orch_nb.types import Attempt, Decision, ModelCard, Request, Response, Usage


class Invoker:
    """Asks models over their connections, through the cache.

    Parameters
    ----------
    connections
        The configured providers by name.
    cache
        None switches it off.
    traffic
        Counts who is asked now.
    random
        Where the jitter of retries comes from.
    """

    def __init__(
        self,
        connections: Mapping[str, Connection],
        cache: ResponseCache | None,
        traffic: Traffic,
        random: Random,
    ) -> None:
        self._connections, self._cache = connections, cache
        self._traffic, self._random = traffic, random

    async def invoke(
        self, call: Call, decision: Decision, bill: Bill, *, fallback: str, deadline: float
    ) -> Response:
        """The response of the models that `decision` names, until `deadline` in the loop's time.

        Every attempt is paid from `bill`. `fallback` is the policy by which others follow the
        best. Raises what `orch_nb.invoke.fallback.first_answer` and
        `orch_nb.invoke.stages.ask_in_stages` raise. When cancelled it leaves the text that had
        arrived in ``call.partial``.
        """
        call.decision = decision

        async def ask(stage: Call, cards: Iterable[ModelCard]) -> Response:
            return await self._first(_Errand(stage, decision, bill, deadline), cards)

        if decision.cascade is None:
            return await ask(call, fallback_order(decision, fallback))
        # Hashes, arithmetic and child processes, which only cascades need.
        from orch_nb.invoke.stages import ask_in_stages  # noqa: PLC0415

        return await ask_in_stages(call, decision, ask, fallback=fallback, deadline=deadline)

    async def _first(self, errand: _Errand, cards: Iterable[ModelCard]) -> Response:
        """The response of the first of `cards` that answers."""
        call = errand.call
        candidates = (self._candidate(errand, card) for card in cards)
        try:
            card, payload, cached = await first_answer(
                candidates, call.trail, deadline=errand.deadline, random=self._random
            )
        except AllFailed as failed:
            raise errand.bill.verdict(failed) from None
        except asyncio.CancelledError:
            call.partial = _partial(call, errand.decision)
            raise
        return response(payload, card, call, errand.decision, cached=cached)

    async def count_tokens(self, request: Request, card: ModelCard) -> Usage:
        """The input tokens of `request` at `card`, estimated where its provider does not count."""
        provider = self._connections[card.provider].provider
        counted = await provider.count_tokens(request, card.name)
        if counted is None:
            return replace(estimate("", request), output_tokens=0)
        return Usage(counted)

    def _candidate(self, errand: _Errand, card: ModelCard) -> Candidate[_Result]:
        connection = self._connections[card.provider]

        async def ask() -> _Result:
            return await self._ask(errand, card, connection)

        return Candidate(card.id, connection.max_retries, connection.limits.retry_after, ask)

    async def _ask(self, errand: _Errand, card: ModelCard, connection: Connection) -> _Result:
        call = errand.call

        async def compute() -> dict[str, object]:
            return await self._pay_and_ask(errand, card, connection)

        policy = call.request.wants.cache
        try:
            if self._cache is None or policy == "bypass":
                return card, await compute(), False
            key = request_key(call.request, card.id, connection.base_url or "")
            payload, cached = await self._cache.answer(key, compute, refresh=policy == "refresh")
            if cached and not still_fits(payload, card, call):
                payload, cached = await self._cache.answer(key, compute, refresh=True)
        except _CutByBudget as cut:
            return card, cut.payload, False
        if cached and call.show is not None:
            call.show(str(payload["text"]))
        return card, payload, cached

    async def _pay_and_ask(
        self, errand: _Errand, card: ModelCard, connection: Connection
    ) -> dict[str, object]:
        """The payload of one attempt. Raises `_CutByBudget` if it is not the one to keep."""
        call, deadline = errand.call, errand.deadline
        progress = call.trail.current = Progress(card.id, call.show)
        await _wait_for_turn(connection, card.id, deadline)
        async with errand.bill.charge(call.request, card, progress, deadline) as charge:
            with self._traffic.asking(card.id):
                stream = connection.provider.stream(charge.request, card.name)
                answer = await attempt(stream, progress, connection.limits, deadline)
            charge.pay(answer.usage or estimate(answer.text, call.request))
        _check(call, card, answer)
        payload = payload_of(answer, call.request, card)
        if charge.bounded and answer.finish == "length":
            raise _CutByBudget(payload)
        return payload


_Result = tuple[ModelCard, dict[str, object], bool]


@dataclass(frozen=True, slots=True)
class _Errand:
    """What all attempts of one call, or of one stage of it, have in common."""

    call: Call
    decision: Decision
    bill: Bill
    deadline: float


class _CutByBudget(Exception):
    """An answer that the budget made shorter than anybody asked for: given, and not kept."""

    def __init__(self, payload: dict[str, object]) -> None:
        self.payload = payload


def _partial(call: Call, decision: Decision) -> Response | None:
    progress = call.trail.current
    if progress is None or not progress.size:
        return None
    card = next(c.card for c in decision.ranking if c.model == progress.model)
    call.trail.attempts.append(Attempt(card.id, progress.elapsed, "interrupted", "interrupted"))
    answer = Answer(progress.text, None, "interrupted", progress.elapsed, progress.ttft, ())
    payload = payload_of(answer, call.request, card)
    return response(payload, card, call, decision, cached=False)


async def _wait_for_turn(connection: Connection, model: str, deadline: float) -> None:
    try:
        async with asyncio.timeout_at(deadline), connection.turns:
            return
    except TimeoutError:
        raise RateLimited(
            model, "rate_limit_per_minute left no turn before the deadline; raise one of them"
        ) from None


def _check(call: Call, card: ModelCard, answer: Answer) -> None:
    """What does not fit the form is a failed attempt: it is neither kept nor given."""
    if call.form is None or answer.finish == "tool":
        return
    if answer.finish == "length":
        raise BrokenAnswer(
            card.id, f"--max-tokens was reached before the {call.form.schema.name} ended; raise it"
        )
    call.form.read(card.id, answer.text)
