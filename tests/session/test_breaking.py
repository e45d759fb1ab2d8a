"""Models that fail again and again are left alone, and come back."""

from __future__ import annotations

import concurrent.futures
import contextlib
import threading

import pytest

from orch_nb import Session
from orch_nb.errors import AllFailed, KeyRefused, OrchError, ServerFailed
from session.conftest import Open
from session.test_asking import LUNA, OPUS
from stub.client import Stub

SOL = "openai:gpt-6.1-sol"


def ask(s: Session, *models: str, times: int = 1) -> list[str]:
    """The trails of some calls, each with a prompt of its own."""
    start = len(s.ledger)
    return [s.ask(f"prompt {start + i}", model=models).trail for i in range(times)]


def posts(stub: Stub, provider: str) -> int:
    return sum(entry.method == "POST" for entry in stub.log(provider))


def test_after_five_failures_the_sixth_goes_past_it(s: Session, stub: Stub) -> None:
    stub.rule("openai", "500")
    assert ask(s, LUNA, OPUS, times=6) == [f"{LUNA} (500) → {OPUS}"] * 5 + [
        f"{LUNA} (benched) → {OPUS}"
    ]
    assert posts(stub, "openai") == 5
    stats = s.ledger.by_model()[LUNA]
    assert stats.calls == 5


def test_it_returns_when_the_cool_down_is_over(open_session: Open, configured: Stub) -> None:
    s = open_session(breaker={"failures": 2, "cooldown": 0.2})
    configured.plan("openai", "500", "500")
    ask(s, LUNA, OPUS, times=2)
    assert ask(s, LUNA, OPUS) == [f"{LUNA} (benched) → {OPUS}"]
    threading.Event().wait(0.25)
    assert ask(s, LUNA, OPUS, times=3) == ["", "", ""]


def test_alone_it_is_asked_all_the_same_once_a_call(open_session: Open, configured: Stub) -> None:
    s = open_session(retries=2)
    configured.rule("openai", "500")
    for _ in range(4):
        with pytest.raises(ServerFailed):
            s.ask("x", model=LUNA)
    asked = posts(configured, "openai")
    assert 5 <= asked <= 8
    configured.rule("openai", "ok")
    assert s.ask("x", model=LUNA).trail == f"{LUNA} (benched) → {LUNA}"
    assert s.ask("y", model=LUNA).trail == ""


def test_a_refused_key_benches_the_provider_at_once(s: Session, stub: Stub) -> None:
    stub.rule("openai", "401")
    assert ask(s, LUNA, SOL, OPUS) == [f"{LUNA} (401) → {SOL} (benched) → {OPUS}"]
    assert posts(stub, "openai") == 1
    with pytest.raises(KeyRefused, match="OPENAI_API_KEY"):
        s.ask("x", model=LUNA)


def test_what_the_prompt_is_to_blame_for_does_not_count(s: Session, stub: Stub) -> None:
    stub.rule("openai", "context")
    ask(s, LUNA, OPUS, times=8)
    assert posts(stub, "openai") == 8


def test_selecting_shows_who_is_benched_and_for_how_long(s: Session, stub: Stub) -> None:
    stub.rule("openai", "500")
    ask(s, LUNA, OPUS, times=5)
    decision = s.select("x", model=[LUNA, OPUS])
    assert decision.best.model == OPUS
    (rejection,) = decision.rejected
    assert rejection.model == LUNA
    assert rejection.reason.startswith("benched for ")
    assert rejection.reason.endswith(" s after 5 failures (500)")
    assert s.select("x", strategy="cost").best.model != LUNA
    alone = s.select("x", model=LUNA)
    assert alone.best.model == LUNA
    assert "benched" in alone.notice


def test_an_answer_says_as_selecting_does_who_was_benched(s: Session, stub: Stub) -> None:
    stub.rule("openai", "500")
    ask(s, LUNA, OPUS, times=5)
    made = s.ask("x", model=[LUNA, OPUS])
    assert made.trail == f"{LUNA} (benched) → {OPUS}"
    assert [choice.model for choice in made.decision.ranking] == [OPUS]
    assert [out.model for out in made.decision.rejected] == [LUNA]
    assert made.decision.rejected[0].reason.startswith("benched for ")
    chosen, answered = s.select("y"), s.ask("y")
    assert answered.model == answered.decision.best.model == chosen.best.model


def test_who_was_benched_and_answers_after_all_is_in_the_ranking(s: Session, stub: Stub) -> None:
    stub.rule("openai", "500")
    ask(s, LUNA, OPUS, times=5)
    stub.rule("openai", "ok")
    stub.rule("anthropic", "500")
    made = s.ask("x", model=[LUNA, OPUS])
    assert made.model == made.decision.best.model == LUNA


@pytest.mark.parametrize("policy", ["best", "cheapest", "fail"])
def test_selecting_names_who_will_be_asked(s: Session, stub: Stub, policy: str) -> None:
    stub.models("openai", ["gpt-6-luna", "gpt-6.1-sol"])
    s.change(fallback=policy, strategy="performance")
    first = s.select("x").best.model
    stub.rule("*", "500", model=first.partition(":")[2])
    for number in range(5):
        with contextlib.suppress(OrchError):
            s.ask(f"{number}", cache="bypass")
    stub.rule("*", "ok")
    seen = s.select("y")
    answer = s.ask("y")
    assert answer.model == seen.best.model == answer.decision.best.model
    assert (answer.model == first) == (policy == "fail")
    assert ("is asked all the same" in answer.decision.notice) == (policy == "fail")
    assert answer.decision.notice == seen.notice


def test_a_pinned_model_that_is_benched_is_announced(s: Session, stub: Stub) -> None:
    s.experts.pin(sql=LUNA)
    stub.rule("openai", "500", model="gpt-6-luna")
    ask(s, LUNA, OPUS, times=5)
    answer = s.ask("x", tool="sql")
    assert answer.model != LUNA
    assert f"the expert of sql, {LUNA}, did not answer (benched)" in answer.decision.notice


@pytest.mark.parametrize(("header", "least", "most"), [("100", 90, 100), ("9000", 290, 300)])
def test_a_server_that_asks_for_more_time_has_it_and_others_answer(
    open_session: Open, configured: Stub, header: str, least: float, most: float
) -> None:
    s = open_session(breaker={"failures": 2, "cooldown": 30})
    configured.rule("openai", f"429?retry_after={header}")
    assert ask(s, LUNA, OPUS, times=3) == [f"{LUNA} (429) → {OPUS}"] * 2 + [
        f"{LUNA} (benched) → {OPUS}"
    ]
    (out,) = s.select("x", model=[LUNA, OPUS]).rejected
    assert least <= float(out.reason.split()[2]) <= most


def test_other_settings_change_nothing_and_reading_all_anew_does(s: Session, stub: Stub) -> None:
    stub.rule("openai", "500")
    ask(s, LUNA, OPUS, times=5)
    s.change(strategy="cost")
    s.change(limits={"idle": 10})
    assert ask(s, LUNA, OPUS) == [f"{LUNA} (benched) → {OPUS}"]
    s.reload()
    assert ask(s, LUNA, OPUS) == [f"{LUNA} (500) → {OPUS}"]


def test_switched_off_everything_is_asked(open_session: Open, configured: Stub) -> None:
    s = open_session(breaker="off")
    configured.rule("openai", "500")
    ask(s, LUNA, OPUS, times=8)
    assert posts(configured, "openai") == 8


@pytest.mark.parametrize("fault", ["500", "close"])
def test_sixty_four_callers_ask_a_dead_provider_no_more_than_five_times(
    s: Session, stub: Stub, fault: str
) -> None:
    stub.rule("openai", fault)
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        models = list(pool.map(lambda i: s.ask(f"{i}", model=[LUNA, OPUS]).model, range(128)))
    assert models == [OPUS] * 128
    assert posts(stub, "openai") == 5


def test_all_are_down_and_one_returns(s: Session, stub: Stub) -> None:
    stub.rule("*", "500")
    for i in range(6):
        with pytest.raises((AllFailed, OrchError)):
            s.ask(f"{i}", model=[LUNA, OPUS])
    stub.rule("*", "ok")
    assert s.ask("x", model=[LUNA, OPUS]).finish == "stop"
