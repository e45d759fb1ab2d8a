"""Who is asked in a cascade, what holds, and what is paid."""

from __future__ import annotations

import asyncio

import pytest

from invoke.cascades import CENT, Models, Reply, down, run, summary
from orch_nb.errors import AllFailed, BrokenAnswer, InputError, KeyRefused, OrchError, Rejected
from orch_nb.invoke.cascade import run_cascade
from orch_nb.invoke.fallback import Trail
from orch_nb.invoke.verdict import Verdict
from orch_nb.types import Cascade, Check, Usage


def causes(trail: Trail) -> list[tuple[str, str | None]]:
    return [(attempt.model, attempt.cause) for attempt in trail.attempts]


async def good(_: str) -> Verdict:
    return Verdict(True, "fine")


async def bad(_: str) -> Verdict:
    return Verdict(False, "f(2) is wrong")


# -- two drafts


def test_drafts_that_agree_are_the_answer() -> None:
    models = Models(a="42", b="42", c="never")
    outcome = run(models)
    assert (outcome.answer.model, outcome.answer.text, outcome.notice) == ("a", "42", "")
    assert models.names == ["a", "b"]
    assert summary(outcome) == [("a", "agreed"), ("b", "agreed")]


def test_drafts_that_disagree_ask_the_strong_one_and_all_is_billed() -> None:
    trail, models = Trail(), Models(a="42", b="41", c="40")
    outcome = run(models, trail=trail)
    assert (outcome.answer.text, outcome.notice) == ("40", "")
    assert summary(outcome) == [("a", "drafts disagree"), ("b", "drafts disagree"), ("c", None)]
    assert outcome.usage == Usage(30, 6)
    assert outcome.billed == 3 * CENT
    assert tuple(trail.attempts) == outcome.attempts
    paid = [(attempt.usage, attempt.cost, attempt.seconds) for attempt in outcome.attempts]
    assert paid == [(Usage(10, 2), CENT, 1.5)] * 3


def test_an_unknown_cost_is_no_sum() -> None:
    outcome = run(Models(a="42", b=Reply("b", "42", billed=None)))
    assert outcome.billed is None
    assert outcome.usage == Usage(20, 4)


def test_both_drafts_are_asked_at_once() -> None:
    waiting = 0

    async def ask(model: str, trail: Trail, prompt: str | None = None) -> Reply:
        nonlocal waiting
        waiting += 1
        async with asyncio.timeout(60):
            while waiting < 2:  # neither answers before the other has been asked
                await asyncio.sleep(0)
        return Reply(model, "42")

    assert run(ask).answer.model == "a"


@pytest.mark.parametrize("error", [down("a"), down("a", KeyRefused), AllFailed([])])
def test_a_draft_that_fails_is_not_the_end(error: OrchError) -> None:
    outcome = run(Models(a=error, b="42", c="40"))
    assert outcome.answer.text == "40"
    expected = [] if isinstance(error, AllFailed) else [("a", getattr(error, "cause", None))]
    assert summary(outcome) == [*expected, ("b", "a draft failed"), ("c", None)]
    failed = [attempt for attempt in outcome.attempts if attempt.error]
    assert [attempt.usage for attempt in failed] == [None] * len(failed)
    assert outcome.billed == 2 * CENT


def test_when_both_drafts_fail_the_strong_one_answers() -> None:
    outcome = run(Models(a=down("a"), b=down("b"), c="40"))
    assert outcome.answer.text == "40"
    assert summary(outcome) == [("a", "server error"), ("b", "server error"), ("c", None)]


def test_a_policy_refusal_stops_and_ends_the_other_draft() -> None:
    ended, trail = list[str](), Trail()

    async def ask(model: str, own: Trail, prompt: str | None = None) -> Reply:
        if model == "a":
            await asyncio.sleep(0)
            raise Rejected("a", "no")
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0)  # closing takes a moment
            ended.append(model)
        return Reply(model, "never")

    with pytest.raises(Rejected):
        run(ask, trail=trail)
    assert ended == ["b"]
    assert causes(trail) == [("a", "refused by policy")]


def test_a_stop_ends_both_drafts_and_keeps_what_was_tried() -> None:
    ended, trail = list[str](), Trail()

    async def ask(model: str, own: Trail, prompt: str | None = None) -> Reply:
        own.add(model, 0.1, down(model))
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0)
            ended.append(model)
        return Reply(model, "never")

    async def stop() -> None:
        cascade = Cascade(("a", "b"), "c", "agreement")
        work = asyncio.create_task(run_cascade(cascade, ask, trail))
        while len(asyncio.all_tasks()) < 4:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(stop())
    assert sorted(ended) == ["a", "b"]
    assert causes(trail) == [("a", "server error"), ("b", "server error")]


# -- one draft and a check


@pytest.mark.parametrize("check", ["function", "assertions", "arithmetic"])
def test_a_draft_that_passes_its_check_is_the_answer(check: Check) -> None:
    models = Models(a="42", c="never")
    outcome = run(models, check, judged=good)
    assert (outcome.answer.text, outcome.notice, models.names) == ("42", "", ["a"])
    assert summary(outcome) == [("a", "fine")]


def test_a_draft_that_fails_its_check_is_asked_of_the_strong_one() -> None:
    outcome = run(Models(a="41", c="42"), "function", judged=bad)
    assert outcome.answer.text == "42"
    assert summary(outcome) == [("a", "check failed: f(2) is wrong"), ("c", None)]
    assert outcome.billed == 2 * CENT


def test_a_draft_that_does_not_fit_its_schema_has_failed() -> None:
    outcome = run(Models(a=down("a", BrokenAnswer), c="{}"), "schema")
    assert summary(outcome) == [("a", "broken answer"), ("c", None)]
    assert summary(run(Models(a="{}"), "schema")) == [("a", None)]


def test_a_broken_check_ends_the_call_and_the_draft_is_on_record() -> None:
    async def broken(_: str) -> Verdict:
        raise InputError("the check f raised ValueError; correct it")

    trail, models = Trail(), Models(a="42", c="never")
    with pytest.raises(InputError, match="correct it"):
        run(models, "function", judged=broken, trail=trail)
    assert models.names == ["a"]
    assert causes(trail) == [("a", "unchecked")]
    assert trail.attempts[0].cost == CENT


def test_a_check_that_takes_all_the_time_leaves_the_draft() -> None:
    async def endless(_: str) -> Verdict:
        await asyncio.sleep(3600)
        return Verdict(True, "never")

    models = Models(a="42", c="never")
    outcome = run(models, "function", judged=endless, within=0.05)
    assert (outcome.answer.text, models.names) == ("42", ["a"])
    assert summary(outcome) == [("a", "check failed: no time was left for it")]
    assert outcome.notice.endswith("left for it; c was not asked: no time is left)")


# -- a verifier


def test_a_verifier_is_asked_about_the_draft() -> None:
    models = Models(a="42", b="Yes.", c="never")
    outcome = run(models, "verifier")
    assert (outcome.answer.text, models.names) == ("42", ["a", "b"])
    assert summary(outcome) == [("a", "verified"), ("b", "said yes")]
    prompt = models.asked[1][1]
    assert prompt is not None
    assert "\nwhat?\n" in prompt
    assert "\n42\n" in prompt


def test_a_draft_that_is_not_verified_goes_on() -> None:
    outcome = run(Models(a="42", b="no", c="40"), "verifier")
    assert outcome.answer.text == "40"
    assert summary(outcome) == [("a", "not verified"), ("b", "said no"), ("c", None)]


def test_a_verifier_that_fails_confirms_nothing() -> None:
    outcome = run(Models(a="42", b=down("b"), c="40"), "verifier")
    assert summary(outcome) == [("a", "unverified"), ("b", "server error"), ("c", None)]


def test_what_a_verifier_says_is_never_the_answer() -> None:
    models = Models(a=down("a"), b="yes", c=down("c"))
    with pytest.raises(AllFailed):
        run(models, "verifier")
    assert models.names == ["a", "c"]
