"""What failed while it was recorded fails again, in the same line."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest

from orch_nb import Session
from orch_nb.errors import (
    OrchError,
    ProviderError,
    SelectionError,
)
from orch_nb.store.account import Spend
from session.conftest import Open, Replay
from session.test_asking import LUNA, OPUS, SOL
from session.test_replaying import River
from stub.client import Stub


def failed(s: Session, **options: Any) -> OrchError:
    with pytest.raises(OrchError) as caught:
        s.ask(**{"prompt": "x", **options})
    return caught.value


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("500", {"model": LUNA}),
        ("401", {"model": [LUNA, OPUS]}),
        ("429?retry_after=7", {"model": LUNA}),
        ("refuse?by=filter", {"model": LUNA}),
        ("no_done", {"model": [LUNA, OPUS]}),
        ("ok", {"model": "nobody"}),
        ("ok", {"min_quality": 1.0}),
        ("ok", {"model": SOL, "max_tokens": 90_000}),
        ("ok?text=no", {"model": LUNA, "schema": River}),
    ],
)
def test_a_failure_is_the_same_line(
    configured: Stub, open_session: Open, replay: Replay, fault: str, options: dict[str, Any]
) -> None:
    configured.rule("*", fault)
    s = open_session(mode="record", budget={"task": 0.5})
    error = failed(s, **options)
    again = replay(budget={"task": 0.5})
    other = failed(again, **options)
    assert (type(other), str(other)) == (type(error), str(error))
    assert getattr(other, "status", None) == getattr(error, "status", None)
    assert getattr(other, "attempts", ()) == getattr(error, "attempts", ())
    row, now = s.ledger.to_records()[-1], again.ledger.to_records()[-1]
    for name in ("error", "error_type", "trail", "model", "kind", "strategy"):
        assert now[name] == row[name]
    assert again.ledger.spent == Spend()
    assert not again._memories.experience.tracks()
    assert configured.log() == []


def test_failures_and_answers_come_in_their_order(
    recorder: Session, replay: Replay, stub: Stub
) -> None:
    def said(s: Session) -> list[str]:
        told: list[str] = []
        for _ in range(5):
            try:
                told.append(s.ask("x", model=LUNA, cache="bypass").text)
            except ProviderError as error:
                told.append(error.cause)
        return told

    stub.plan("openai", "500", "ok?text=one", "429", "402", "ok?text=two")
    first = said(recorder)
    assert first == ["500", "one", "429", "402", "two"]
    assert said(replay()) == first


def test_a_failure_after_text_shows_the_text_again(
    recorder: Session, replay: Replay, stub: Stub
) -> None:
    stub.rule("openai", "close_mid?after=4")

    def shown_of(s: Session) -> str:
        pieces: list[str] = []
        error = failed(s, model=[LUNA, OPUS], on_text=pieces.append)
        return f"{''.join(pieces)}: {error}"

    first = shown_of(recorder)
    assert first.startswith("echo ")
    assert shown_of(replay()) == first


def test_a_choice_that_failed(recorder: Session, replay: Replay) -> None:
    def said(s: Session) -> str:
        with pytest.raises(SelectionError) as caught:
            s.select("x", min_quality=1.0)
        return str(caught.value)

    assert said(recorder) == said(replay())


def test_an_error_that_holds_a_key_is_not_recorded(configured: Stub, open_session: Open) -> None:
    rows = {"openai": {"headers": {"X-Api-Token": "token-of-mine"}}}
    s = open_session(mode="record", providers=rows)
    configured.rule("openai", "400?msg=token-of-mine is wrong")
    with contextlib.suppress(OrchError):
        s.ask("x", model=LUNA)
    assert all(b"token-of-mine" not in path.read_bytes() for path in Path(".orch").rglob("*.json"))
