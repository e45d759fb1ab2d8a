"""What a cascade gives when its strong model fails, may not be asked or is asked again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random

import pytest

from invoke.cascades import CENT, Models, Reply, down, run, summary
from orch_nb.errors import AllFailed, Rejected, SelectionError, ServerFailed
from orch_nb.invoke.attempt import Progress
from orch_nb.invoke.fallback import Candidate, Trail, first_answer

# -- when the strong one is not there


def test_a_draft_stands_in_for_a_strong_one_that_fails_and_it_is_said() -> None:
    outcome = run(Models(a="42", b="41", c=down("c")))
    assert outcome.answer.text == "42"
    assert outcome.notice == ("the answer of a could not be confirmed (drafts disagree; c: down)")
    assert summary(outcome)[-1] == ("c", "server error")


def test_the_one_draft_that_answered_stands_in() -> None:
    outcome = run(Models(a=down("a"), b="41", c=down("c")))
    assert outcome.answer.text == "41"
    assert outcome.notice.startswith("the answer of b could not be confirmed (a draft failed; c: ")


def test_nothing_stands_in_where_that_is_not_wanted() -> None:
    trail = Trail()
    with pytest.raises(ServerFailed, match="c: down"):
        run(Models(a="42", b="41", c=down("c")), substitute=False, trail=trail)
    assert [attempt.model for attempt in trail.attempts] == ["a", "b", "c"]


def test_when_all_fail_all_are_named() -> None:
    with pytest.raises(AllFailed) as failed:
        run(Models(a=down("a"), b=down("b"), c=down("c")))
    assert [attempt.model for attempt in failed.value.attempts] == ["a", "b", "c"]


def test_a_strong_one_that_refuses_by_policy_stops() -> None:
    with pytest.raises(Rejected):
        run(Models(a="42", b="41", c=Rejected("c", "no")))


def test_no_draft_follows_what_the_strong_one_has_shown() -> None:
    async def ask(model: str, trail: Trail, prompt: str | None = None) -> Reply:
        if model == "c":
            trail.current = Progress("c", show=print, size=1)
            raise down("c")
        return Reply(model, model)

    with pytest.raises(ServerFailed):
        run(ask)


def test_a_draft_is_given_where_the_strong_one_may_not_be_asked() -> None:
    models = Models(a="42", b="41", c="never")
    outcome = run(models, may_escalate=lambda: "--max-cost leaves $0.0003")
    assert models.names == ["a", "b"]
    assert outcome.answer.text == "42"
    assert outcome.notice == (
        "the answer of a could not be confirmed "
        "(drafts disagree; c was not asked: --max-cost leaves $0.0003)"
    )
    assert outcome.billed == 2 * CENT


@pytest.mark.parametrize(
    ("models", "substitute"),
    [(Models(a="42", b="41"), False), (Models(a=down("a"), b=down("b")), True)],
)
def test_nobody_is_left_to_answer(models: Models, substitute: bool) -> None:
    with pytest.raises(
        SelectionError, match=r"strong model may not be asked \(c: too dear"
    ) as said:
        run(models, may_escalate=lambda: "too dear", substitute=substitute)
    assert [rejection.model for rejection in said.value.rejected] == ["c"]


def test_who_holds_is_never_asked_whether_it_may_escalate() -> None:
    def never() -> str:
        raise AssertionError("asked")

    assert run(Models(a="42", b="42"), may_escalate=never).notice == ""


# -- with retries and stand-ins, as calls have them


def test_retries_of_each_model_are_on_the_trail_with_what_was_paid() -> None:
    tried: dict[str, int] = {}

    async def ask(model: str, trail: Trail, prompt: str | None = None) -> Reply:
        async def once() -> Reply:
            tried[model] = tried.get(model, 0) + 1
            if tried[model] == 1:
                raise down(model)
            return Reply(model, model)

        deadline = asyncio.get_running_loop().time() + 60
        candidates: Sequence[Candidate[Reply]] = [Candidate(model, 1, 0.01, once)]
        return await first_answer(candidates, trail, deadline=deadline, random=Random(0))

    outcome = run(ask)
    disagree = "drafts disagree"
    assert summary(outcome) == [
        ("a", "server error"),
        ("a", disagree),
        ("b", "server error"),
        ("b", disagree),
        ("c", "server error"),
        ("c", None),
    ]
    assert [attempt.usage is None for attempt in outcome.attempts] == [True, False] * 3
    assert outcome.billed == 3 * CENT
