"""One attempt: a provider's stream, collected within its limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from decimal import Decimal

from orch_nb.errors import BrokenAnswer, OutOfTokens, ProviderError, TimedOut
from orch_nb.settings import Limits
from orch_nb.types import Delta, ToolCall, Usage

# How late a limit may strike, as a part of it, and never early: setting a timer anew costs as much
# as reading a token, and need not be done for each. Chosen.
_LATE = 0.05


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer of one attempt. ``usage`` is None when the provider gave no count.

    ``ttft`` is None where the text came at once, with the end mark.
    """

    text: str
    usage: Usage | None
    finish: str
    seconds: float
    ttft: float | None
    calls: tuple[ToolCall, ...]


@dataclass(slots=True)
class Progress:
    """What has arrived of the answer so far: what is left when the attempt is cut.

    ``began`` is called before the first text is shown. ``unpaid`` says that it is another call's to
    pay for. ``counted`` is what the provider counted, also of what turned out to be no answer.
    ``usage`` and ``cost`` are what it was settled as, as in `orch_nb.types.Attempt`; ``took`` are
    the seconds of an answer that this call made, without the wait for its turn.
    """

    model: str
    show: Callable[[str], None] | None = None
    began: Callable[[], None] | None = None
    parts: list[str] = field(default_factory=list)
    size: int = 0
    ttft: float | None = None
    elapsed: float = 0.0
    unpaid: bool = False
    counted: Usage | None = None
    usage: Usage | None = None
    cost: Decimal | None = None
    took: float | None = None

    def follow(self, other: Progress, parts: Iterable[str]) -> None:
        """Take over `parts`, the newest that `other` has got."""
        text = "".join(parts)
        self.parts.append(text)
        self.size, self.ttft, self.elapsed = other.size, other.ttft, other.elapsed
        if self.show is not None:
            self.show(text)

    def pay(self, other: Progress) -> None:
        """Take over what `other` was settled as."""
        self.usage, self.cost = other.usage, other.cost

    def restart(self) -> None:
        """Forget what has arrived, and who was to pay for it."""
        self.parts.clear()
        self.size, self.ttft, self.elapsed = 0, None, 0.0
        self.unpaid, self.counted, self.usage, self.cost = False, None, None, None

    @property
    def text(self) -> str:
        """The text so far, with surrogate pairs that a server split put together again."""
        text = "".join(self.parts)
        if text.isascii():
            return text
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    @property
    def shown(self) -> bool:
        """Whether somebody has already seen a part of it."""
        return self.show is not None and self.size > 0


async def attempt(
    stream: AsyncGenerator[Delta], progress: Progress, limits: Limits, deadline: float
) -> Answer:
    """Collect `stream` into an `Answer`; `deadline` is in the loop's time.

    Raises
    ------
    TimedOut
        No text for ``limits.first_token`` or, after the first, ``limits.idle`` seconds; or
        the deadline or ``limits.attempt`` was reached, however steadily it dripped.
    BrokenAnswer
        No end mark, no text, or more than ``limits.answer`` bytes.
    OutOfTokens
        No text before the limit of tokens.
    ProviderError
        Whatever the provider raised.
    """
    loop = asyncio.get_running_loop()
    started = loop.time()
    last = Delta()
    hard = min(started + limits.attempt, deadline)
    due = started + limits.first_token
    timer = asyncio.timeout_at(min(due, hard))
    try:
        async with timer, aclosing(stream):
            async for delta in stream:
                now = loop.time()
                progress.elapsed = now - started
                if delta.usage is not None:
                    progress.counted = delta.usage
                if delta.text:
                    _take(delta, progress, limits)
                patience = limits.idle if progress.size else limits.first_token
                if not 0.0 <= due - now - patience <= _LATE * patience:
                    due = now + patience * (1.0 + _LATE)
                    if min(due, hard) != timer.when():
                        timer.reschedule(min(due, hard))
                if delta.finish is not None:
                    last = delta
                    break
    except TimeoutError:
        if not timer.expired():
            raise
        raise _timed_out(progress, limits, loop.time() >= hard) from None
    seconds = loop.time() - started if last.seconds is None else last.seconds
    return _complete(progress, last, seconds)


def _complete(progress: Progress, last: Delta, seconds: float) -> Answer:
    text = progress.text
    if last.finish is None:
        raise BrokenAnswer(progress.model, "the answer was cut short (no end mark); run again")
    # Some servers end with "stop" although they ask for tools, or the other way round.
    finish = "tool" if last.calls else last.finish.replace("tool", "stop")
    if not (last.calls or any(map(_visible, text))):
        raise _empty(progress.model, finish)
    return Answer(text, last.usage, finish, seconds, progress.ttft, last.calls)


def _take(delta: Delta, progress: Progress, limits: Limits) -> None:
    if progress.ttft is None and delta.finish is None:
        progress.ttft = progress.elapsed
    progress.parts.append(delta.text)
    first = not progress.size
    progress.size += len(delta.text.encode("utf-8", "surrogatepass"))
    if progress.size > limits.answer:
        raise BrokenAnswer(
            progress.model,
            f"the answer passed limits.answer ({limits.answer} bytes) and was stopped",
        )
    if first and progress.began is not None:
        progress.began()
    if progress.show is not None:
        progress.show(delta.text)


def out_of_time(model: str) -> TimedOut:
    """The error for an answer that takes longer than the attempt, or the whole call, may."""
    return TimedOut(
        model, "did not finish in time; raise limits.attempt, limits.call or the deadline"
    )


def silent(model: str) -> TimedOut:
    """The error for a model that is given up, so that another one still has time."""
    return TimedOut(model, "gave no sign in half of the time that was left; raise the deadline")


def _timed_out(progress: Progress, limits: Limits, at_hard_limit: bool) -> TimedOut:
    if at_hard_limit:
        return out_of_time(progress.model)
    if progress.size:
        said = f"stopped sending for {limits.idle:g} s; raise limits.idle to wait longer"
    else:
        said = (
            f"sent no text within {limits.first_token:g} s; raise limits.first_token to wait longer"
        )
    return TimedOut(progress.model, said)


def _visible(character: str) -> bool:
    return character.isprintable() and not character.isspace()


def _empty(model: str, finish: str) -> ProviderError:
    if finish == "length":
        said = "the answer has no text before --max-tokens was reached; raise it"
        return OutOfTokens(model, said)
    return BrokenAnswer(model, "the answer is empty; run again")
