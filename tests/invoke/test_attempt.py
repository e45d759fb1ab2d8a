"""One attempt: the text as it was sent, within its limits, and the stream always closed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from invoke.streams import END, USAGE, Closed, stream
from orch_nb.errors import BrokenAnswer, OutOfTokens, ProviderError, ServerFailed, TimedOut
from orch_nb.invoke.attempt import Answer, Progress, attempt
from orch_nb.settings import Limits
from orch_nb.settings.validation import validate
from orch_nb.types import Delta, ToolCall

Parts = Sequence[str | float | Delta | Exception]


def collect(
    parts: Parts, progress: Progress | None = None, within: float = 60.0, **limits: float
) -> Answer:
    async def once() -> Answer:
        deadline = asyncio.get_running_loop().time() + within
        made = validate(Limits, limits)
        return await attempt(stream(parts, closed), progress or Progress("p:m"), made, deadline)

    closed = Closed()
    try:
        return asyncio.run(once())
    finally:
        assert closed.count == 1


def failure(parts: Parts, within: float = 60.0, **limits: float) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        collect(parts, None, within, **limits)
    assert str(caught.value).startswith("p:m: ")
    return caught.value


def test_text_usage_and_end() -> None:
    answer = collect(["Hello", Delta(), ", world", END])
    assert (answer.text, answer.usage, answer.finish) == ("Hello, world", USAGE, "stop")
    assert answer.ttft is not None
    assert 0 <= answer.ttft <= answer.seconds


def test_text_beside_the_end_mark_counts() -> None:
    assert collect(["a", Delta("b", finish="length")]).text == "ab"


def test_the_providers_own_duration_outweighs_ours() -> None:
    assert collect(["a", Delta(finish="stop", seconds=12.5)]).seconds == 12.5


def test_nothing_after_the_end_mark_is_read() -> None:
    assert collect(["a", END, "b", 30.0]).text == "a"


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (["\ud83d", "\ude00!"], "\U0001f600!"),
        (["\ud83d", "x"], "\ufffdx"),
        (["\udc00"], "\ufffd"),
        (["plain", "\u2028"], "plain\u2028"),
    ],
)
def test_halves_of_a_character_meet_or_are_replaced(parts: list[str], text: str) -> None:
    assert collect([*parts, END]).text == text


@pytest.mark.parametrize("parts", [[], ["a"], ["a", Delta(usage=USAGE)]])
def test_without_an_end_mark_it_is_no_answer(parts: Parts) -> None:
    error = failure(parts)
    assert type(error) is BrokenAnswer
    assert "no end mark" in str(error)


@pytest.mark.parametrize("parts", [[END], ["", END], [" \n", END]])
def test_without_text_it_is_no_answer(parts: Parts) -> None:
    assert "empty" in str(failure(parts))


def test_no_text_before_max_tokens_says_what_to_do() -> None:
    error = failure([Delta(finish="length")])
    assert type(error) is OutOfTokens
    assert "raise it" in str(error)


@pytest.mark.parametrize("finish", ["tool", "stop", "length"])
def test_a_tool_call_needs_no_text_and_is_the_end_whatever_the_mark(finish: str) -> None:
    call = ToolCall("look_up", {})
    answer = collect([Delta(finish=finish, calls=(call,))])
    assert (answer.finish, answer.calls) == ("tool", (call,))


def test_the_mark_of_a_tool_call_alone_is_none() -> None:
    assert collect(["a", Delta(finish="tool")]).finish == "stop"
    assert "empty" in str(failure([Delta(finish="tool")]))


def test_a_providers_error_passes_as_it_is() -> None:
    error = ServerFailed("p:m", "down", status=500)
    assert failure(["a", error]) is error


@pytest.mark.parametrize(
    ("parts", "limits", "named"),
    [
        ([5.0, "a", END], {"first_token": 0.1}, "limits.first_token"),
        ([Delta(), Delta(), 5.0, END], {"first_token": 0.1}, "limits.first_token"),
        (["a", 5.0, END], {"idle": 0.1}, "limits.idle"),
        (["a", 0.04] * 50, {"attempt": 0.2}, "limits.attempt"),
        ([Delta(), 0.04] * 50, {"attempt": 0.2}, "limits.attempt"),
    ],
)
def test_each_limit_ends_the_attempt_and_is_named(
    parts: Parts, limits: dict[str, float], named: str
) -> None:
    error = failure(parts, **limits)
    assert type(error) is TimedOut
    assert named in str(error)


def test_the_deadline_of_the_call_ends_it_as_well() -> None:
    assert "deadline" in str(failure(["a", 0.04] * 50, within=0.2))
    assert "deadline" in str(failure([5.0], within=0.1))


def test_reasoning_keeps_a_slow_start_alive() -> None:
    assert collect([*[Delta(), 0.3] * 4, "a", END], first_token=1.0).text == "a"


def test_an_answer_may_be_as_large_as_the_limit_and_no_larger() -> None:
    assert collect(["a" * 10, END], answer=10).text == "a" * 10
    assert "limits.answer" in str(failure(["a" * 10, "b", END], answer=10))


def test_what_has_arrived_is_there_when_the_attempt_is_cancelled() -> None:
    shown: list[str] = []
    progress, closed = Progress("p:m", shown.append), Closed()

    async def cancelled() -> None:
        parts: Parts = ["one ", "two", 30.0]
        ask = attempt(stream(parts, closed), progress, Limits(), float("inf"))
        task = asyncio.create_task(ask)
        while len(shown) < 2:
            await asyncio.sleep(0.01)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())
    assert (progress.text, shown, closed.count) == ("one two", ["one ", "two"], 1)
    assert progress.shown
    assert not Progress("p:m").shown


def test_a_timeout_of_the_streams_own_is_not_taken_for_ours() -> None:
    with pytest.raises(TimeoutError, match="its own"):
        collect(["a", TimeoutError("its own")])
