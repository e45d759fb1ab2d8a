"""Models that fail again and again are left alone, and come back."""

from __future__ import annotations

import concurrent.futures
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
