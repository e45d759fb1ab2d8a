"""From a decision to a response: cache, attempts, retries, the next model."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from decimal import Decimal
from random import Random
from typing import Any

from orch_nb.errors import BrokenAnswer, RateLimited
from orch_nb.invoke.attempt import Answer, Progress, attempt
from orch_nb.invoke.call import Call
from orch_nb.invoke.fallback import Candidate, first_answer
from orch_nb.invoke.order import fallback_order
from orch_nb.providers._connect import Connection
from orch_nb.registry.tokens import count_tokens
from orch_nb.store.cache import ResponseCache, request_key
from orch_nb.store.traffic import Traffic
from orch_nb.types import Attempt, Decision, ModelCard, Request, Response, ToolCall, Usage


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
        self, call: Call, decision: Decision, fallback: str, deadline: float
    ) -> Response:
        """The response of the models that `decision` names, until `deadline` in the loop's time.

        `fallback` is the policy by which others follow the best. Raises what
        `orch_nb.invoke.fallback.first_answer` and `orch_nb.invoke.stages.ask_in_stages` raise.
        When cancelled it leaves the text that had arrived in ``call.partial``.
        """
        call.decision = decision

        async def ask(stage: Call, made: Decision, cards: Iterable[ModelCard]) -> Response:
            return await self._first(stage, made, cards, deadline)

        if decision.cascade is None:
            return await ask(call, decision, fallback_order(decision, fallback))
        # Hashes, arithmetic and child processes, which only cascades need.
        from orch_nb.invoke.stages import ask_in_stages  # noqa: PLC0415

        return await ask_in_stages(call, decision, ask, fallback, deadline)

    async def _first(
        self, call: Call, decision: Decision, cards: Iterable[ModelCard], deadline: float
    ) -> Response:
        """The response of the first of `cards` that answers."""
        candidates = (self._candidate(call, card, deadline) for card in cards)
        try:
            card, payload, cached = await first_answer(
                candidates, call.trail, deadline=deadline, random=self._random
            )
        except asyncio.CancelledError:
            call.partial = self._partial(call, decision)
            raise
        return _response(payload, card, call, decision, cached=cached)

    async def count_tokens(self, request: Request, card: ModelCard) -> Usage:
        """The input tokens of `request` at `card`, estimated where its provider does not count."""
        provider = self._connections[card.provider].provider
        counted = await provider.count_tokens(request, card.name)
        if counted is None:
            return replace(_estimated("", request), output_tokens=0)
        return Usage(counted)

    def _candidate(self, call: Call, card: ModelCard, deadline: float) -> Candidate[_Result]:
        connection = self._connections[card.provider]

        async def ask() -> _Result:
            return await self._ask(call, card, connection, deadline)

        return Candidate(card.id, connection.max_retries, connection.limits.retry_after, ask)

    async def _ask(
        self, call: Call, card: ModelCard, connection: Connection, deadline: float
    ) -> _Result:
        async def compute() -> dict[str, object]:
            call.trail.current = Progress(card.id, call.show)
            await _wait_for_turn(connection, card.id, deadline)
            with self._traffic.asking(card.id):
                stream = connection.provider.stream(call.request, card.name)
                answer = await attempt(stream, call.trail.current, connection.limits, deadline)
            _check(call, card, answer)
            return _payload(answer, call.request, card)

        policy = call.request.wants.cache
        if self._cache is None or policy == "bypass":
            return card, await compute(), False
        key = request_key(call.request, card.id, connection.base_url or "")
        payload, cached = await self._cache.answer(key, compute, refresh=policy == "refresh")
        if cached and not _still_fits(payload, card, call):
            payload, cached = await self._cache.answer(key, compute, refresh=True)
        if cached and call.show is not None:
            call.show(str(payload["text"]))
        return card, payload, cached

    def _partial(self, call: Call, decision: Decision) -> Response | None:
        progress = call.trail.current
        if progress is None or not progress.size:
            return None
        card = next(c.card for c in decision.ranking if c.model == progress.model)
        call.trail.attempts.append(Attempt(card.id, progress.elapsed, "interrupted", "interrupted"))
        answer = Answer(progress.text, None, "interrupted", progress.elapsed, progress.ttft, ())
        payload = _payload(answer, call.request, card)
        return _response(payload, card, call, decision, cached=False)


_Result = tuple[ModelCard, dict[str, object], bool]


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


def _payload(answer: Answer, request: Request, card: ModelCard) -> dict[str, object]:
    """What is kept of an answer on disk: plain JSON, with the dollars that were paid for it."""
    usage = answer.usage or _estimated(answer.text, request)
    cost = None if card.prices is None else card.prices.charge(usage)
    return {
        "text": answer.text,
        "usage": asdict(usage),
        "cost": None if cost is None else str(cost),
        "finish": answer.finish,
        "seconds": answer.seconds,
        "ttft": answer.ttft,
        "calls": [asdict(call) for call in answer.calls],
    }


def _estimated(text: str, request: Request) -> Usage:
    given = sum(count_tokens(message.content) for message in request.messages)
    return Usage(given + count_tokens(request.system or ""), count_tokens(text), source="estimated")


def _response(
    payload: Mapping[str, Any], card: ModelCard, call: Call, decision: Decision, *, cached: bool
) -> Response:
    return Response(
        text=payload["text"],
        model=card.id,
        usage=Usage(**payload["usage"]),
        cost=None if payload["cost"] is None else Decimal(payload["cost"]),
        finish=payload["finish"],
        seconds=payload["seconds"],
        ttft=payload["ttft"],
        cached=cached,
        decision=decision,
        attempts=tuple(call.trail.attempts),
        simulated=card.simulated,
        parsed=_parsed(payload, card, call),
        calls=tuple(ToolCall(**made) for made in payload["calls"]),
    )


def _still_fits(payload: Mapping[str, Any], card: ModelCard, call: Call) -> bool:
    """Whether a kept answer passes the class as it is now: its checks are no part of the key."""
    try:
        _parsed(payload, card, call)
    except BrokenAnswer:
        return False
    return True


def _parsed(payload: Mapping[str, Any], card: ModelCard, call: Call) -> Any:
    if call.form is None or payload["finish"] in ("tool", "interrupted"):
        return None
    return call.form.read(card.id, payload["text"])
