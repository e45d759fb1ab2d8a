"""Who subscribes to a session is told of what changes; a preview changes nothing."""

from __future__ import annotations

import threading

import pytest

from orch_nb import OrchError, Session
from orch_nb.errors import InputError, Interrupted, SelectionError, SettingsError
from orch_nb.types import CachePolicy, Decision, Observation
from session.conftest import Open
from session.test_asking import LUNA
from stub.client import Stub
from stub.spec import write


def test_each_change_is_told_once(s: Session) -> None:
    told = list[str]()
    leave = s.subscribe(told.append)
    s.refresh()
    assert told == ["models"]
    s.ask("x", model=LUNA)
    s.change(strategy="cost")
    s.experts.pin(sql=LUNA)
    s.remember(Observation(0.0, LUNA, "code", "rating", quality=1.0))
    assert s.clear_cache() == 1
    asked = ["busy", "busy", "calls"]
    assert told == ["models", *asked, "settings", "settings", "experience", "cache"]
    leave()
    s.change(strategy="balanced")
    assert len(told) == 8


def test_what_is_refused_changes_nothing_and_is_not_told(s: Session) -> None:
    told = list[str]()
    s.subscribe(told.append)
    with pytest.raises(SettingsError):
        s.change(weights={"cost": -1})
    with pytest.raises(InputError):
        s.experts.pin(sql=3)  # type: ignore[arg-type]
    assert told == []


@pytest.mark.parametrize("cache", ["use", "bypass"])
def test_a_listener_that_would_end_the_program_ends_its_call_alone(
    s: Session, cache: CachePolicy
) -> None:
    def leave(change: str) -> None:
        if change == "busy":
            raise SystemExit(3)

    unsubscribe = s.subscribe(leave)
    for _ in range(2):
        with pytest.raises(SystemExit):
            s.ask("x", model=LUNA, cache=cache)
    unsubscribe()
    assert not s.busy
    assert s.budget.spent()["session"].reserved == 0
    assert s.ask("x", model=LUNA, cache=cache).text


def test_what_is_learnt_of_models_is_told_by_sessions_that_were_changed(s: Session) -> None:
    told = list[str]()
    s.subscribe(told.append)
    s.change(limits={"connect": 4})  # makes the connections anew
    s.refresh()
    assert told == ["settings", "models"]


def test_a_preview_ranks_anew_and_changes_nothing(s: Session, configured: Stub) -> None:
    s.ask("Translate this")
    (record,) = s.ledger
    asked = len(configured.log())
    before, told = s.settings, list[str]()
    s.subscribe(told.append)
    (cheap,) = s.preview([record.request], strategy="cost")
    (best,) = s.preview([record.request], strategy="performance")
    assert isinstance(cheap, Decision)
    assert isinstance(best, Decision)
    assert (cheap.strategy, best.strategy) == ("cost", "performance")
    orders = [[choice.model for choice in decision.ranking] for decision in (cheap, best)]
    assert orders[0] != orders[1]
    assert s.settings is before
    assert told == []
    assert len(configured.log()) == asked


def test_a_preview_says_where_nothing_can_be_chosen(s: Session, open_session: Open) -> None:
    s.ask("x", model=LUNA)
    with pytest.raises(SelectionError):
        s.ask("y", max_cost=0.0)
    decided, refused = s.preview([record.request for record in s.ledger])
    assert isinstance(decided, Decision)
    assert isinstance(refused, OrchError)
    with pytest.raises(SettingsError):
        s.preview([], strategie="cost")


def test_whoever_stops_the_session_stops_its_calls(s: Session, configured: Stub) -> None:
    configured.rule("openai", write("ok", words=200, delay=0.05))
    s.subscribe(lambda change: seen.append(dict(s.busy)) if change == "busy" else None)
    seen = list[dict[str, int]]()
    pieces = list[str]()

    def stop_after_some(text: str) -> None:
        pieces.append(text)
        if len(pieces) == 3:
            threading.Thread(target=s.stop).start()

    with pytest.raises(Interrupted) as stopped:
        s.ask("x", model=LUNA, on_text=stop_after_some)
    assert stopped.value.response is not None
    assert stopped.value.response.text
    assert seen == [{LUNA: 1}, {}]
    configured.wait_idle()
    configured.rule("openai", "ok")
    assert s.ask("y", model=LUNA).text
