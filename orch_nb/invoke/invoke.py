"""From a decision to a response: cache, attempts, retries, the next model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from random import Random

from orch_nb.errors import AllFailed, OutOfTokens, RateLimited
from orch_nb.invoke.attempt import Answer, Progress, attempt
from orch_nb.invoke.bill import Bill, estimate
from orch_nb.invoke.breaker import Breakers, Permit
from orch_nb.invoke.call import Call
from orch_nb.invoke.fallback import Candidate, first_answer
from orch_nb.invoke.flight import Flight, Flights, judged
from orch_nb.invoke.order import fallback_order
from orch_nb.invoke.payload import payload_of, response, still_fits
from orch_nb.invoke.retry_budget import RetryBudget
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
    breakers
        Who is left alone for a while.
    clock
        Seconds that only grow.
    """

    def __init__(
        self,
        connections: Mapping[str, Connection],
        cache: ResponseCache | None,
        traffic: Traffic,
        random: Random,
        *,
        breakers: Breakers,
        clock: Callable[[], float],
    ) -> None:
        self._connections, self._cache = connections, cache
        self._traffic, self._random, self._breakers = traffic, random, breakers
        self._retries = {name: RetryBudget(clock) for name in connections}
        self._flights = Flights[Payload]()
        self._ready: set[str] = set()  # the providers that have imported what they need

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

        async def ask(stage: Call, cards: Iterable[ModelCard], needed: bool = True) -> Response:
            return await self._first(_Errand(stage, decision, bill, deadline, needed), cards)

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

        async def probe() -> _Result:
            return await self._ask(errand, card, connection, probe=True)

        return Candidate(
            card.id,
            connection.max_retries,
            connection.limits.retry_after,
            ask,
            probe if errand.needed else None,
            self._retries[card.provider],
        )

    async def _ask(
        self, errand: _Errand, card: ModelCard, connection: Connection, *, probe: bool = False
    ) -> _Result:
        """What is kept, or what an equal call under way gives, or what `card` answers."""
        call, policy = errand.call, errand.call.request.wants.cache
        key, alike = "", object()  # who asks for an own answer shares none
        if policy != "bypass":
            key = request_key(call.request, card.id, connection.base_url or "")
            if policy == "use" and (kept := self._kept(key, card, call)) is not None:
                return card, kept, True
        lane: Hashable = (key, policy, probe) if key else alike
        rider = call.trail.current = Progress(card.id, call.show)
        until, patience = errand.deadline, call.trail.patience
        if not key and patience >= until and card.provider in self._ready:
            # Others can neither join it nor be asked instead: it sees to its deadline by itself.
            flight: Flight[Payload] = Flight(rider, until)
            payload = await self._fly(errand, card, connection, flight, key, probe=probe)
            return _made(card, payload, rider)

        async def fly(flight: Flight[Payload]) -> Payload:
            return await self._fly(errand, card, connection, flight, key, probe=probe)

        payload, paid = await self._flights.ride(lane, rider, fly, until, patience)
        if not (paid or rider.shown or still_fits(payload, card, call)):
            rider.restart()
            payload, paid = await self._flights.ride(alike, rider, fly, until, patience)
        return _made(card, payload, rider) if paid else (card, payload, True)

    def _kept(self, key: str, card: ModelCard, call: Call) -> Payload | None:
        payload = None if self._cache is None else self._cache.recall(key)
        if payload is None or not still_fits(payload, card, call):
            return None
        call.trail.current = Progress(card.id, unpaid=True)
        if call.show is not None:
            call.show(str(payload["text"]))
        return payload

    async def _fly(
        self,
        errand: _Errand,
        card: ModelCard,
        connection: Connection,
        flight: Flight[Payload],
        key: str,
        *,
        probe: bool,
    ) -> Payload:
        """The payload of one attempt, which is kept under `key`."""

        async def compute() -> Payload:
            deadline = errand.deadline
            async with self._breakers.permit(card.id, deadline, probe=probe) as permit:
                flight.progress.began = permit.alive
                await connection.provider.prepare()
                self._ready.add(card.provider)
                await _wait_for_turn(connection, card.id, deadline)
                return await self._pay_and_ask(errand, card, connection, flight, permit)

        try:
            if self._cache is None or not key:
                return await compute()
            return (await self._cache.answer(key, compute, refresh=True))[0]
        except _CutByBudget as cut:
            return cut.payload

    async def _pay_and_ask(
        self,
        errand: _Errand,
        card: ModelCard,
        connection: Connection,
        flight: Flight[Payload],
        permit: Permit,
    ) -> Payload:
        """The payload of one attempt. Raises `_CutByBudget` if it is not the one to keep."""
        call, progress = errand.call, flight.progress
        async with errand.bill.charge(call.request, card, progress, errand.deadline) as charge:
            flight.asking = True
            stream = connection.provider.stream(charge.request, card.name)
            limits = connection.limits_of(charge.request)
            try:
                self._traffic.begin(card.id)  # tells listeners, which are others' code
                answer = await judged(
                    attempt(stream, progress, limits, flight.until), permit, flight
                )
            finally:
                self._traffic.end(card.id)
            charge.pay(answer.usage or estimate(answer.text, call.request))
        _check(call, card, answer)
        payload = payload_of(answer, call.request, card)
        if charge.bounded and answer.finish == "length":
            raise _CutByBudget(payload)
        return payload


Payload = dict[str, object]
_Result = tuple[ModelCard, Payload, bool]


@dataclass(frozen=True, slots=True)
class _Errand:
    """What all attempts of one call, or of one stage of it, have in common.

    ``needed`` says that a benched model is asked after all, if nobody else answered.
    """

    call: Call
    decision: Decision
    bill: Bill
    deadline: float
    needed: bool


class _CutByBudget(Exception):
    """An answer that the budget made shorter than anybody asked for: given, and not kept."""

    def __init__(self, payload: Payload) -> None:
        self.payload = payload


def _made(card: ModelCard, payload: Payload, rider: Progress) -> _Result:
    """The answer that this call made; `rider` is told how long that took."""
    if isinstance(took := payload["seconds"], float):
        rider.took = took
    return card, payload, False


def _partial(call: Call, decision: Decision) -> Response | None:
    """What has arrived before the call was stopped, noted with what it cost; None for no text."""
    progress = call.trail.current
    if progress is None or not (progress.size or progress.usage):
        return None
    stopped = Attempt(progress.model, progress.elapsed, "interrupted", "interrupted")
    paid = replace(stopped, usage=progress.usage, cost=progress.cost, shared=progress.unpaid)
    call.trail.attempts.append(paid)
    if not progress.size:
        return None
    card = next(c.card for c in decision.ranking if c.model == progress.model)
    answer = Answer(progress.text, None, "interrupted", progress.elapsed, progress.ttft, ())
    payload = payload_of(answer, call.request, card)
    return response(payload, card, call, decision, cached=progress.unpaid)


async def _wait_for_turn(connection: Connection, model: str, deadline: float) -> None:
    if connection.turns is None:
        return
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
        raise OutOfTokens(
            card.id, f"--max-tokens was reached before the {call.form.schema.name} ended; raise it"
        )
    call.form.read(card.id, answer.text)
