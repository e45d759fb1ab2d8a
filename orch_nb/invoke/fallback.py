"""Retries of one model, then the next model: nothing is lost and nothing is hidden."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Generic, TypeVar

from orch_nb.errors import AllFailed, ProviderError
from orch_nb.invoke.attempt import Progress
from orch_nb.types import Attempt

T = TypeVar("T")

# Full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/): the
# pause is a random part of a ceiling, in seconds, that doubles with each retry.
_FIRST_PAUSE = 0.5


@dataclass(slots=True)
class Trail:
    """What has been tried so far in one call, readable while it runs."""

    attempts: list[Attempt] = field(default_factory=list)
    current: Progress | None = None

    @property
    def shown(self) -> bool:
        """Whether somebody has seen a part of an answer: nothing may restart silently then."""
        return self.current is not None and self.current.shown

    def add(self, model: str, seconds: float, error: ProviderError | None = None) -> None:
        """Note an attempt that has ended."""
        said = (None, None) if error is None else (str(error), error.cause)
        self.attempts.append(Attempt(model, seconds, *said))


@dataclass(frozen=True, slots=True)
class Candidate(Generic[T]):
    """A model to try: how often again after a failure, and how to ask it.

    ``longest_pause`` caps what its server may ask us to wait between attempts, in seconds.
    """

    model: str
    retries: int
    longest_pause: float
    ask: Callable[[], Awaitable[T]]


async def first_answer(
    candidates: Iterable[Candidate[T]], trail: Trail, *, deadline: float, random: Random
) -> T:
    """The answer of the first candidate that gives one; `deadline` is in the loop's time.

    Raises
    ------
    ProviderError
        The one candidate's error, or one that forbids trying others: a policy refusal, or a
        failure after text has been shown.
    AllFailed
        When several candidates failed, with every attempt.
    """
    loop = asyncio.get_running_loop()
    error: ProviderError | None = None
    for candidate in candidates:
        if error is not None and loop.time() >= deadline:
            break
        for retry in range(candidate.retries + 1):
            started = loop.time()
            try:
                result = await candidate.ask()
            except ProviderError as failure:
                error = failure.alone()
                trail.add(candidate.model, loop.time() - started, failure)
            else:
                trail.add(candidate.model, loop.time() - started)
                return result
            if not error.falls_back or trail.shown:
                raise error
            trail.current = None  # what failed is no part of a later answer
            pause = _pause(error, retry, candidate.longest_pause, random)
            if not error.retryable or retry == candidate.retries or loop.time() + pause > deadline:
                break
            await asyncio.sleep(pause)
    if error is None or len({attempt.model for attempt in trail.attempts}) > 1:
        raise AllFailed(trail.attempts)
    raise error


def _pause(error: ProviderError, retry: int, longest: float, random: Random) -> float:
    jitter = random.uniform(0.0, _FIRST_PAUSE * 2**retry)
    return min(longest, max(jitter, error.retry_after or 0.0))
