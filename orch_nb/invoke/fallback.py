"""Retries of one model, then the next model, then a second lap: nothing lost, nothing hidden."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Generic, TypeVar

from orch_nb.errors import AllFailed, Benched, ProviderError
from orch_nb.invoke.attempt import Progress
from orch_nb.invoke.retry_budget import RetryBudget
from orch_nb.types import Attempt

T = TypeVar("T")
Ask = Callable[[], Awaitable[T]]

# Full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/): the
# pause is a random part of a ceiling, in seconds, that doubles with each retry.
_FIRST_PAUSE = 0.5
_DOUBLINGS = 6  # chosen: a ceiling of half a minute


@dataclass(slots=True)
class Trail:
    """What has been tried so far in one call, readable while it runs.

    ``patience`` is how long, in the loop's time, who is asked now may go without a sign of life.
    """

    attempts: list[Attempt] = field(default_factory=list)
    current: Progress | None = None
    patience: float = math.inf

    @property
    def shown(self) -> bool:
        """Whether somebody has seen a part of an answer: nothing may restart silently then."""
        return self.current is not None and self.current.shown

    def add(self, model: str, seconds: float, error: ProviderError | None = None) -> None:
        """Note an attempt that has ended, after so many seconds unless its answer says how many."""
        said, cause = (None, None) if error is None else (str(error), error.cause)
        one = self.current
        if one is None:
            made = Attempt(model, seconds, said, cause)
        else:
            took = seconds if one.took is None else one.took
            made = Attempt(model, took, said, cause, one.usage, one.cost, one.unpaid)
        self.attempts.append(made)


@dataclass(frozen=True, slots=True)
class Candidate(Generic[T]):
    """A model to try: how often again after a failure, and how to ask it.

    With 0 ``retries`` it is asked once, whatever happens. ``longest_pause`` caps what its server
    may ask us to wait between attempts, in seconds. ``probe`` asks it although it is benched; None
    where others are there to stand in. ``budget`` limits the retries of all calls together.
    """

    model: str
    retries: int
    longest_pause: float
    ask: Ask[T]
    probe: Ask[T] | None = None
    budget: RetryBudget | None = None


async def first_answer(
    candidates: Iterable[Candidate[T]], trail: Trail, *, deadline: float, random: Random
) -> T:
    """The answer of the first candidate that gives one; `deadline` is in the loop's time.

    Each is asked, and after what may pass asked again; who wants to be left alone for longer than
    we wait is not, and who is silent has half of the time left, as long as others follow. When none
    answered, the benched one that has the least to wait is probed. Of several that failed, each
    whose failure may pass is asked once more after a pause.

    Raises
    ------
    ProviderError
        The one candidate's error, or one that forbids trying others: a policy refusal, or a
        failure after text has been shown.
    AllFailed
        When several candidates failed, with every attempt.
    """
    search: _Search[T] = _Search(trail, deadline, random)
    found = await search.first_lap(candidates)
    found = found or await search.last_resort() or await search.second_lap()
    if found:
        return found[0]
    if search.error is None or len({attempt.model for attempt in trail.attempts}) > 1:
        raise AllFailed(trail.attempts)
    raise search.error


@dataclass(slots=True)
class _Failure(Generic[T]):
    """The last that was heard of a candidate, ``at`` a time of the loop."""

    candidate: Candidate[T]
    error: ProviderError
    at: float

    @property
    def wants(self) -> float:
        """Seconds that its server wants to be left alone."""
        return self.error.retry_after or 0.0

    @property
    def ready(self) -> float:
        """When it is asked again, at the earliest."""
        return self.at + min(self.candidate.longest_pause, self.wants)


@dataclass(slots=True)
class _Search(Generic[T]):
    """One search for an answer; each step gives it in a tuple of one, or None."""

    trail: Trail
    deadline: float
    random: Random
    error: ProviderError | None = None
    failures: list[_Failure[T]] = field(default_factory=list)

    async def first_lap(self, candidates: Iterable[Candidate[T]]) -> tuple[T] | None:
        queue = iter(candidates)
        following = next(queue, None)
        while (candidate := following) is not None:
            following = next(queue, None)
            if self.error is not None and _now() >= self.deadline:
                break
            if candidate.budget is not None:
                candidate.budget.deposit()
            until = self.deadline if following is None else self._halfway()
            for retry in range(candidate.retries + 1):
                if found := await self._ask(candidate, candidate.ask, until):
                    return found
                failure = self.failures.pop()
                pause = self._pause(failure, retry)
                too_late = following is not None and failure.wants > candidate.longest_pause
                last = retry == candidate.retries or too_late
                if last or not self._may_repeat(failure, pause, until):
                    break
                await asyncio.sleep(pause)
            self.failures.append(failure)
        return None

    async def last_resort(self) -> tuple[T] | None:
        """Never is everything benched: the least bad is asked after all."""
        skipped = [
            (failure.error.wait, place, failure.candidate.probe)
            for place, failure in enumerate(self.failures)
            if isinstance(failure.error, Benched) and failure.candidate.probe is not None
        ]
        if not skipped or _now() >= self.deadline:
            return None
        _, place, probe = min(skipped, key=lambda one: one[:2])
        found = await self._ask(self.failures[place].candidate, probe, self.deadline)
        if not found:
            self.failures[place] = self.failures.pop()
        return found

    async def second_lap(self) -> tuple[T] | None:
        again = [f for f in self.failures if f.error.retryable and f.candidate.retries]
        if not again or len(self.failures) < 2:  # one alone has had its retries
            return None
        first = again[0].candidate
        start = _now() + min(first.longest_pause, self._jitter(first.retries))
        # In their order, but nobody is waited for whose server asks for more time than others.
        for failure in sorted(again, key=lambda f: max(start, f.ready)):
            pause = max(0.0, max(start, failure.ready) - _now())
            if self._may_repeat(failure, pause, self.deadline):
                await asyncio.sleep(pause)
                candidate = failure.candidate
                if found := await self._ask(candidate, candidate.ask, self.deadline):
                    return found
        return None

    async def _ask(self, candidate: Candidate[T], ask: Ask[T], until: float) -> tuple[T] | None:
        """One attempt; what failed is the last of ``failures``. Raises what forbids others."""
        now = asyncio.get_running_loop().time
        started, self.trail.patience = now(), until
        try:
            result = await ask()
        except ProviderError as failure:
            self.error = failure.alone()
            self.trail.add(candidate.model, now() - started, failure)
        else:
            self.trail.add(candidate.model, now() - started)
            return (result,)
        if not self.error.falls_back or self.trail.shown:
            raise self.error
        self.trail.current = None  # what failed is no part of a later answer
        self.failures.append(_Failure(candidate, self.error, _now()))
        return None

    def _halfway(self) -> float:
        """Until when a silent model is waited for, where others follow. The half is chosen."""
        now = _now()
        return now + (self.deadline - now) / 2

    def _may_repeat(self, failure: _Failure[T], pause: float, until: float) -> bool:
        """Whether asking again after `pause` can help, and is not too much for the provider."""
        if not failure.error.retryable or _now() + pause > until:
            return False
        budget = failure.candidate.budget
        return budget is None or budget.withdraw()

    def _pause(self, failure: _Failure[T], retry: int) -> float:
        wanted = max(self._jitter(retry), failure.wants)
        return min(failure.candidate.longest_pause, wanted)

    def _jitter(self, retry: int) -> float:
        return self.random.uniform(0.0, _FIRST_PAUSE * 2 ** min(retry, _DOUBLINGS))


def _now() -> float:
    return asyncio.get_running_loop().time()
