"""The bill of one call: each attempt is paid from what was reserved for it before it was sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, replace
from decimal import Decimal

from orch_nb.errors import AllFailed, BudgetExceeded, ProviderError, Refused
from orch_nb.figures import dollars
from orch_nb.invoke.attempt import Progress
from orch_nb.invoke.worst_case import affordable, is_free, output_bound, room, worst_case
from orch_nb.registry.tokens import count_tokens
from orch_nb.settings import BudgetSettings
from orch_nb.store.budget import Budget, Reservation
from orch_nb.store.holding import Later
from orch_nb.store.nano import to_dollars, whole_nano
from orch_nb.store.tally import State, Tally
from orch_nb.types import ModelCard, Request, Usage

# Output tokens that are asked for at most where the model's own limit is unknown or does not fit
# into the budget: what Claude models are asked for without a budget, too.
_ANSWER = 8192
# Output tokens below which an attempt is not worth its money: a model that thinks would have
# nothing left to answer with. Chosen.
_LEAST = 1024
# Output tokens below which no limit is advised. Chosen: OpenAI's Responses take none below 16.
_SHORTEST = 16
# Seconds that a call waits for the reservations of others to be settled for less, and between two
# looks. Most answers are complete by then; afterwards the next model is tried. Chosen.
_PATIENCE = 10.0
_PAUSE = 0.1


@dataclass(slots=True)
class Charge:
    """One attempt that is being paid for.

    ``request`` is what is to be sent: where ``bounded``, with a limit of tokens that nobody asked
    for but the budget, so that an answer that ends with "length" is not the one to keep.
    """

    request: Request
    card: ModelCard
    bounded: bool
    budget: Budget
    reservation: Reservation
    progress: Progress

    def pay(self, usage: Usage) -> None:
        """Settle the attempt by `usage`: known, or estimated. An explicit 0 is 0."""
        cost = price(self.card, usage)
        if usage.source == "known":
            self._settle("known", usage, cost)
        else:
            self._settle("estimated", usage, self._at_most(cost))

    def end(self, failure: ProviderError | None) -> None:
        """Settle what ended without an answer, unless it is settled, by the count or the text."""
        if self.reservation.state != "reserved":
            return
        if self.progress.counted is not None:
            self.pay(self.progress.counted)
        elif self.progress.size:
            self.pay(estimate(self.progress.text, self.request))
        elif _unbilled(self.progress, failure):
            self._settle("released", None, None)
        else:
            worst = self.reservation.amount
            most = None if worst is None else to_dollars(worst)
            self._settle("unknown", Usage(source="unknown"), most)

    def _at_most(self, estimated: Decimal | None) -> Decimal | None:
        """What an answer is estimated to cost, but no more than it can cost."""
        worst = self.reservation.amount
        if estimated is None or worst is None or output_bound(self.request, self.card) is None:
            return estimated
        return min(estimated, to_dollars(worst))

    def _settle(self, state: State, usage: Usage | None, cost: Decimal | None) -> None:
        self.budget.settle(self.reservation, cost, state, _later())
        self.progress.usage, self.progress.cost = usage, cost


class _Charging(AbstractAsyncContextManager[Charge]):
    """A charge for as long as its attempt lasts. A class: generators take three times as long."""

    def __init__(self, reserving: Coroutine[object, object, Charge]) -> None:
        self._reserving = reserving

    async def __aenter__(self) -> Charge:
        self._charge = await self._reserving
        return self._charge

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object, /) -> None:
        self._charge.end(error if isinstance(error, ProviderError) else None)


class Bill:
    """What all attempts of one call cost together.

    Parameters
    ----------
    budget
        What the session, and the hour, may cost.
    periods
        What else the call is a part of: the tally of a pipeline.
    others
        All models, for the error that names a cheaper one.
    expected
        Output tokens that an answer is likely to need: with fewer none is paid for.
    limits
        What holds for this call; None: what holds for the session, as it is by then.
    """

    def __init__(
        self,
        budget: Budget,
        periods: Sequence[Tally] = (),
        others: Callable[[], Iterable[ModelCard]] = tuple,
        *,
        expected: int = 0,
        limits: BudgetSettings | None = None,
    ) -> None:
        self._budget, self._others, self._limits = budget, others, limits
        self._least = max(expected, _LEAST)
        self._periods = (Tally("task"), *periods)
        #: The attempts that were not made because they did not fit.
        self.refused: list[BudgetExceeded] = []

    def charge(
        self, request: Request, card: ModelCard, progress: Progress, deadline: float
    ) -> AbstractAsyncContextManager[Charge]:
        """Reserve the worst case of one attempt; the body makes it and calls `Charge.pay`.

        An attempt that ends otherwise is settled by what has arrived in `progress`: estimated, if
        text has; released, if the provider refused it or was not reached; else unknown, at its
        worst case. `deadline` is in the loop's time.

        Raises
        ------
        BudgetExceeded
            It does not fit, after up to 10 seconds if others' reservations are in the way.
        """
        return _Charging(self._reserve(request, card, progress, deadline))

    def verdict(self, failed: AllFailed) -> AllFailed | BudgetExceeded:
        """The refusal of the model that was wanted most, where no model was asked for its cost."""
        if any(attempt.cause != BudgetExceeded.label for attempt in failed.attempts):
            return failed
        wanted = [refusal for refusal in self.refused if refusal.model == failed.attempts[0].model]
        return wanted[-1] if wanted else failed

    async def _reserve(
        self, request: Request, card: ModelCard, progress: Progress, deadline: float
    ) -> Charge:
        loop = asyncio.get_running_loop()
        until = min(deadline, loop.time() + _PATIENCE)
        while True:
            patient = loop.time() < until
            try:
                return self._try(request, card, progress, patient=patient)
            except BudgetExceeded as refusal:
                if not patient or not _may_pass(refusal):
                    self.refused.append(self._advised(refusal, request, card))
                    raise self.refused[-1] from None
            await asyncio.sleep(_PAUSE)

    def _try(
        self, request: Request, card: ModelCard, progress: Progress, *, patient: bool
    ) -> Charge:
        refused: list[BudgetExceeded] = []
        for size, bounded in self._sizes(request, card):
            try:
                reservation = self._set_aside(request, card, size)
            except BudgetExceeded as refusal:
                refused.append(refusal)
            else:
                sent = _limited(request, size) if bounded else request
                return Charge(sent, card, bounded, self._budget, reservation, progress)
            if bounded and patient and any(map(_may_pass, refused)):
                break  # a longer answer is worth waiting for
        raise next(filter(_may_pass, refused), refused[0])

    def _sizes(self, request: Request, card: ModelCard) -> Iterator[tuple[int, bool]]:
        """Output tokens to reserve for, in order, and whether the model must be told so.

        That is what it writes at most by itself, else what is usual, else what is left pays for,
        down to what is expected.
        """
        bound = output_bound(request, card)
        limited = request.parameters.max_tokens is None and self._budget.given(self._limits)
        open_ended = limited and card.prices is not None and not is_free(card.prices)
        if bound is not None or not open_ended:
            yield bound or _ANSWER, False
        if open_ended:
            usual = _usual(request, card)
            yield usual, True
            left = self._budget.left(self._periods, self._limits)
            pays = usual if left is None else min(usual, affordable(request, card, left))
            yield max(pays, min(self._least, usual)), True

    def _set_aside(self, request: Request, card: ModelCard, size: int) -> Reservation:
        worst = worst_case(request, card, size)
        return self._budget.reserve(
            worst, model=card.id, periods=self._periods, limits=self._limits, later=_later()
        )

    def _advised(
        self, refusal: BudgetExceeded, request: Request, card: ModelCard
    ) -> BudgetExceeded:
        """`refusal` with what would fit: fewer tokens, or the cheapest of the other models."""
        left = self._budget.left(self._periods, self._limits)
        if left is None:
            return refusal
        fits = []
        if (tokens := affordable(request, card, left)) >= _SHORTEST:
            fits.append(f"max_tokens={tokens}")
        needs = {"vision"} if any(message.images for message in request.messages) else set()
        costs = [
            (cost, other.id)
            for other in self._others()
            if not other.unranked and other.id != card.id and needs <= (other.capabilities or set())
            if (cost := worst_case(request, other, _usual(request, other))) is not None
        ]
        if costs and min(costs)[0] <= left:
            cost, model = min(costs)
            fits.append(f"{model} (up to {dollars(cost)})")
        return refusal.advised(f"{' or '.join(fits)} would fit") if fits else refusal


def _later() -> Later | None:
    """The running loop's; None in what is thrown away along with its loop."""
    with suppress(RuntimeError):
        return asyncio.get_running_loop().call_later
    return None


def price(card: ModelCard, usage: Usage) -> Decimal | None:
    """Dollars that `usage` costs, in whole nano-dollars as they are counted; None is unknown."""
    return None if card.prices is None else whole_nano(card.prices.charge(usage))


def estimate(text: str, request: Request) -> Usage:
    """The tokens of `request` and of the answer `text`, where no provider has counted."""
    given = sum(count_tokens(message.content) for message in request.messages)
    return Usage(given + count_tokens(request.system or ""), count_tokens(text), source="estimated")


def _usual(request: Request, card: ModelCard) -> int:
    """Output tokens that are asked for, where the budget has to ask."""
    limits = (_ANSWER, output_bound(request, card), room(request, card))
    return max(1, min(limit for limit in limits if limit is not None))


def _may_pass(refusal: BudgetExceeded) -> bool:
    """Whether the call would fit, once the calls under way have cost less than was reserved."""
    if refusal.limit is None or refusal.worst is None or not refusal.reserved:
        return False
    return refusal.spent + refusal.worst <= refusal.limit


def _limited(request: Request, tokens: int) -> Request:
    return replace(request, parameters=replace(request.parameters, max_tokens=tokens))


def _unbilled(progress: Progress, failure: ProviderError | None) -> bool:
    """Whether an attempt of which no text has arrived was provably not billed."""
    if failure is None or progress.elapsed > 0:
        return False  # events came, and with them the bill for the input
    if failure.asked is not None:
        return not failure.asked
    return failure.status is not None or isinstance(failure, Refused)
