"""Cheap models first, and a strong one when what they say does not hold."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Generic, Protocol, TypeVar

from orch_nb.errors import AllFailed, InputError, OrchError, ProviderError, SelectionError
from orch_nb.invoke.check import agreement
from orch_nb.invoke.fallback import Trail
from orch_nb.invoke.verdict import TextCheck, Verdict
from orch_nb.invoke.verifier import read_verdict, verifier_prompt
from orch_nb.sanitize import one_line
from orch_nb.types import Attempt, Cascade, Rejection, Usage, total_cost, total_usage


class Answered(Protocol):
    """What a cascade reads of an answer; `orch_nb.types.Response` has it."""

    @property
    def text(self) -> str:
        """What the model wrote."""

    @property
    def model(self) -> str:
        """``provider:model``."""

    @property
    def seconds(self) -> float:
        """How long it took."""

    @property
    def usage(self) -> Usage:
        """Its tokens."""

    @property
    def billed(self) -> Decimal | None:
        """Dollars that it added to the bill; None is unknown."""


T = TypeVar("T", bound=Answered)
T_co = TypeVar("T_co", bound=Answered, covariant=True)


class Ask(Protocol[T_co]):
    """Asks one model, and notes every attempt in a trail that is that model's alone.

    With a `prompt` the model is asked that, as plain text, and not what the call is about.
    """

    def __call__(self, model: str, trail: Trail, prompt: str | None = None) -> Awaitable[T_co]:
        """The model's answer; raises as `orch_nb.invoke.fallback.first_answer` does."""


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """The answer of a cascade, and all that was paid for it.

    ``attempts`` are in order, drafts before the strong one. ``notice`` is what the user must be
    told: that the answer is a draft that could not be confirmed, and why; else "".
    """

    answer: T
    attempts: tuple[Attempt, ...]
    notice: str = ""

    @property
    def usage(self) -> Usage:
        """Tokens of all attempts."""
        return total_usage(self.attempts)

    @property
    def billed(self) -> Decimal | None:
        """Dollars that all attempts added to the bill; None if one of them is unknown."""
        return total_cost(self.attempts)


def _freely() -> str:
    return ""


async def run_cascade(
    cascade: Cascade,
    ask: Ask[T],
    trail: Trail,
    *,
    deadline: float | None = None,
    check: TextCheck | None = None,
    question: str = "",
    may_escalate: Callable[[], str] = _freely,
    substitute: bool = True,
) -> Outcome[T]:
    """The answer of a draft that holds, else of the strong model.

    Parameters
    ----------
    trail
        Gets every attempt, in order, however the cascade ends.
    deadline
        In the loop's time: a check that has not ended by then has failed, and nobody more is asked.
    check
        Judges the one draft, or the first of two that agree; None takes what `ask` lets pass, as
        it does for an answer that fits its schema.
    question
        What a verifier is told that was asked.
    may_escalate
        Called before the strong model is asked: why it may not be, or "".
    substitute
        Whether a draft that could not be confirmed may stand in for a strong model that failed
        or may not be asked. It is announced.

    Raises
    ------
    ProviderError
        A policy refusal by any model; or the strong one's failure, where no draft may stand in
        or a part of its answer has been shown.
    AllFailed
        Every model failed.
    SelectionError
        The strong one may not be asked, and no draft may stand in.
    InputError
        The user's own check is broken.
    """
    run = _Run(cascade, ask, deadline, check, question, may_escalate, substitute)
    try:
        return await run.answer()
    finally:
        trail.attempts.extend(run.attempts)


@dataclass(slots=True)
class _Try(Generic[T]):
    """One model that is asked, and what came of it. ``cause`` is what the trail says of it."""

    model: str
    trail: Trail = field(default_factory=Trail)
    answer: T | None = None
    error: OrchError | None = None
    cause: str | None = None

    async def make(self, ask: Ask[T], prompt: str | None = None) -> T | None:
        """The answer; None with an ``error`` that others may make good."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            self.answer = await ask(self.model, self.trail, prompt)
        except OrchError as error:
            self.error = error
            if isinstance(error, ProviderError) and not self.trail.attempts:
                self.trail.add(self.model, loop.time() - started, error)
            if isinstance(error, InputError) or not getattr(error, "falls_back", True):
                raise
        return self.answer

    @property
    def attempts(self) -> list[Attempt]:
        made = list(self.trail.attempts)
        if self.answer is None:
            return made
        answered = made.pop() if made and made[-1].error is None else None
        last = answered or Attempt(self.answer.model, self.answer.seconds)
        if last.usage is None:
            cost = Decimal(0) if last.shared else self.answer.billed
            last = replace(last, usage=self.answer.usage, cost=cost)
        return [*made, replace(last, cause=self.cause)]


@dataclass(slots=True)
class _Run(Generic[T]):
    cascade: Cascade
    ask: Ask[T]
    deadline: float | None
    check: TextCheck | None
    question: str
    may_escalate: Callable[[], str]
    substitute: bool
    tries: list[_Try[T]] = field(default_factory=list)

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        return tuple(attempt for tried in self.tries for attempt in tried.attempts)

    async def answer(self) -> Outcome[T]:
        judge = {"agreement": self._agreed, "verifier": self._verified}
        draft, verdict = await judge.get(self.cascade.check, self._checked)()
        if draft is not None and verdict.passed:
            return Outcome(draft, self.attempts)
        return await self._escalate(draft, verdict.reason)

    async def _agreed(self) -> tuple[T | None, Verdict]:
        first, second = (self._begin(model) for model in self.cascade.drafts)
        await _both(first.make(self.ask), second.make(self.ask))
        if first.answer is None or second.answer is None:
            verdict = Verdict(False, "a draft failed")
        else:
            verdict = agreement(first.answer.text, second.answer.text)
        if verdict.passed and first.answer is not None and self.check is not None:
            verdict = await self.check(first.answer.text)
            verdict = verdict if not verdict.passed else replace(verdict, reason="agreed")
        first.cause = second.cause = verdict.reason
        return second.answer if first.answer is None else first.answer, verdict

    async def _checked(self) -> tuple[T | None, Verdict]:
        draft = self._begin(self.cascade.drafts[0])
        answer = await draft.make(self.ask)
        if answer is None:
            return None, Verdict(False, "the draft failed")
        if self.check is None:
            return answer, Verdict(True, "")
        draft.cause = "unchecked"  # if the check does not come to its end
        try:
            async with asyncio.timeout_at(self.deadline):
                verdict = await self.check(answer.text)
        except TimeoutError:
            verdict = Verdict(False, "no time was left for it")
        draft.cause = verdict.reason if verdict.passed else f"check failed: {verdict.reason}"
        return answer, replace(verdict, reason=draft.cause)

    async def _verified(self) -> tuple[T | None, Verdict]:
        draft = self._begin(self.cascade.drafts[0])
        answer = await draft.make(self.ask)
        if answer is None:
            return None, Verdict(False, "the draft failed")
        draft.cause = "unverified"
        verifier = self._begin(self.cascade.drafts[1])
        reply = await verifier.make(self.ask, verifier_prompt(self.question, answer.text))
        if reply is None:
            return answer, Verdict(False, "the verifier failed")
        verdict = read_verdict(reply.text)
        verifier.cause = verdict.reason
        draft.cause = "verified" if verdict.passed else "not verified"
        return answer, Verdict(verdict.passed, f"the verifier {verdict.reason}")

    async def _escalate(self, draft: T | None, why: str) -> Outcome[T]:
        strong = self.cascade.strong
        if reason := self._late() or self.may_escalate():
            if draft is None or not self.substitute:
                said = f"{why}, and the strong model may not be asked"
                raise SelectionError(said, [Rejection(strong, reason)])
            return self._unconfirmed(draft, f"{why}; {strong} was not asked: {reason}")
        tried = self._begin(strong)
        answer = await tried.make(self.ask)
        if answer is not None:
            return Outcome(answer, self.attempts)
        if draft is None or not self.substitute or tried.trail.shown:
            raise self._failure(tried)
        return self._unconfirmed(draft, f"{why}; {tried.error}")

    def _late(self) -> str:
        now = asyncio.get_running_loop().time()
        return "" if self.deadline is None or now < self.deadline else "no time is left"

    def _begin(self, model: str) -> _Try[T]:
        self.tries.append(_Try(model))
        return self.tries[-1]

    def _unconfirmed(self, draft: T, why: str) -> Outcome[T]:
        notice = f"the answer of {draft.model} could not be confirmed ({why})"
        return Outcome(draft, self.attempts, one_line(notice, 600))

    def _failure(self, strong: _Try[T]) -> OrchError:
        """What the strong model's failure is for the whole: all failed, if the drafts did too."""
        attempts = self.attempts
        several = len({attempt.model for attempt in attempts}) > 1
        if strong.error is None or (several and all(attempt.error for attempt in attempts)):
            return AllFailed(attempts)
        return strong.error


async def _both(*work: Awaitable[object]) -> None:
    """Do all of `work` at once. When one raises, or this is cancelled, the others are ended too."""
    tasks = [asyncio.ensure_future(part) for part in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
