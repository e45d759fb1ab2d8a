"""Choices, models and experts of a recording, with nobody there to be asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orch_nb import Session
from orch_nb.errors import (
    RecordingError,
)
from orch_nb.notebook import cards, decisions
from orch_nb.store.recording import FOLDER
from session.conftest import Open, Replay
from session.test_asking import LUNA, OPUS, SOL
from session.test_replaying import files, shown
from stub.client import Stub


def test_a_choice_and_a_count_are_replayed(recorder: Session, replay: Replay, stub: Stub) -> None:
    made = recorder.select("Name three rivers.", strategy="performance")
    tokens = recorder.count_tokens("Name three rivers.")
    s = replay()
    again = s.select("Name three rivers.", strategy="performance")
    assert str(again) == str(made)
    assert decisions.decision(again) == decisions.decision(made)
    assert s.count_tokens("Name three rivers.") == tokens
    with pytest.raises(RecordingError, match="only the choice"):
        s.ask("Name three rivers.", strategy="performance")
    with pytest.raises(RecordingError, match="not counted"):
        s.count_tokens("Name three rivers.", strategy="performance")
    with pytest.raises(RecordingError, match="was not recorded"):
        s.select("Name three rivers.")
    assert stub.log() == []


def test_the_choice_of_an_answer_is_enough(recorder: Session, replay: Replay) -> None:
    first = recorder.ask("x", strategy="cost")
    assert replay().select("x", strategy="cost") == first.decision


def test_of_many_models_what_is_shown(configured: Stub, open_session: Open, replay: Replay) -> None:
    configured.models("alpha", [f"stub-{i}" for i in range(120)])
    row = {"type": "compatible", "base_url": configured.url("alpha", "/v1")}
    s = open_session(mode="record", providers={"alpha": row})
    first, made = s.ask("x", strategy="performance"), s.select("x", strategy="cost")
    assert len(made.ranking) == 50 < 50 + made.omitted
    assert all(path.stat().st_size < 50_000 for path in files())
    again = replay()
    assert shown(again.ask("x", strategy="performance")) == shown(first)
    assert str(again.select("x", strategy="cost")) == str(made)


def test_a_route_and_a_cascade(
    configured: Stub, open_session: Open, replay: Replay, stub: Stub
) -> None:
    s = open_session(mode="record")
    stub.plan("openai", "429", "ok")
    routed = s.ask("x", model=[LUNA, OPUS])
    assert routed.trail
    staged = s.ask("What is 2 + 3?", model=[LUNA, SOL, OPUS], strategy="cascade")
    assert len(staged.attempts) > 1
    again = replay()
    assert shown(again.ask("x", model=[LUNA, OPUS])) == shown(routed)
    options: dict[str, Any] = {"model": [LUNA, SOL, OPUS], "strategy": "cascade"}
    cascade = again.ask("What is 2 + 3?", **options)
    assert shown(cascade) == shown(staged)
    assert (cascade.attempts, cascade.billed) == (staged.attempts, 0)
    assert again.ledger.spent.total == 0


def test_a_pinned_expert(recorder: Session, replay: Replay) -> None:
    recorder.experts.pin(sql=OPUS)
    first = recorder.ask("x", tool="sql")
    s = replay()
    with pytest.raises(RecordingError, match="experts"):
        s.ask("x", tool="sql")
    s.experts.pin(sql=OPUS)
    assert shown(s.ask("x", tool="sql")) == shown(first)
    with pytest.raises(RecordingError, match="full id"):
        s.experts.pin(sql="claude-opus-5-5")


def test_the_models_and_what_a_bare_name_meant(
    configured: Stub, open_session: Open, replay: Replay
) -> None:
    s = open_session(mode="record")
    before = s.models()
    table = cards.show_models([], s), cards.show_models([SOL], s)
    s.experts.pin(sql="claude-opus-5-5")
    first = s.ask("x", tool="sql")
    again = replay()
    assert again.models() == before
    assert (cards.show_models([], again), cards.show_models([SOL], again)) == table
    assert cards.show_models(["--refresh"], again) == table[0]
    assert "gpt-6-luna" in again.catalog.names()
    again.experts.pin(sql="claude-opus-5-5")
    assert shown(again.ask("x", tool="sql")) == shown(first)
    again.experts.pin(sql="gpt-6-luna")  # of the models that were listed one has this name
    assert again.experts["sql"] == LUNA
    assert "sk-openai-test" not in Path(FOLDER, "models.json").read_text()


def test_what_a_check_said_of_a_draft(recorder: Session, replay: Replay) -> None:
    options: dict[str, Any] = {"model": [LUNA, OPUS], "strategy": "cascade"}
    staged = recorder.ask("x", **options, check=lambda text: False)
    assert "check failed: <lambda> says false" in staged.trail
    again = replay().ask("x", **options, check=lambda text: True)
    assert shown(again) == shown(staged)


def test_nothing_is_listed_or_looked_for(recorder: Session, replay: Replay, stub: Stub) -> None:
    recorder.ask("x")
    s = replay(probe=True)
    for ask in (s.models, s.refresh):
        with pytest.raises(RecordingError, match="mode replay"):
            ask()
    assert s.providers == ()
    assert stub.log() == []
