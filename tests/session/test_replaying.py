"""What was recorded is given again, byte for byte, with nobody there to be asked."""

from __future__ import annotations

import asyncio
import json
import stat
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from orch_nb import Response, Session
from orch_nb.charts.report import report_charts
from orch_nb.errors import (
    Interrupted,
    RecordingError,
    SettingsError,
)
from orch_nb.figures import dollars
from orch_nb.notebook import decisions, display
from orch_nb.notebook.budget import show_budget
from orch_nb.store.account import Spend
from orch_nb.store.recording import FOLDER
from orch_nb.types import Tool
from session.conftest import Open, Replay
from session.test_asking import LUNA, OPUS, asked
from session.test_ending import SLOW
from stub.client import Stub


def files() -> list[Path]:
    return sorted(Path(FOLDER).iterdir())


def entry() -> dict[str, Any]:
    """What the one file holds."""
    (path,) = files()
    return json.loads(path.read_bytes())  # type: ignore[no-any-return]


def shown(response: Response) -> tuple[object, ...]:
    """All that a notebook keeps of an answer and of its decision."""
    return display.answer(response), decisions.decision(response.decision), str(response.decision)


def test_the_same_answer_without_a_key(recorder: Session, replay: Replay, stub: Stub) -> None:
    options: dict[str, Any] = {"strategy": "cost", "system": "Be brief.", "temperature": 0}
    first = recorder.ask("Name three rivers.", **options)
    s, pieces = replay(), list[str]()
    again = s.ask("Name three rivers.", **options, on_text=pieces.append)
    assert shown(again) == shown(first)
    assert replace(again, replayed=False) == first
    assert "".join(pieces) == first.text
    assert (again.billed, again.paid, first.billed) == (0, first.cost, first.cost)
    assert first.cost
    assert s.ledger.spent.total == 0
    assert [record.response for record in s.ledger] == [again]
    assert stub.log() == []
    assert not s.experience.tracks()


def test_what_a_replay_would_have_cost_is_shown_and_not_billed(
    recorder: Session, replay: Replay
) -> None:
    cost = sum(recorder.ask(f"{number}", model=LUNA).cost or 0 for number in range(3))
    again = replay()
    for number in range(3):
        again.ask(f"{number}", model=LUNA)
    report = again.report()
    assert (report.replayed, report.spent) == (cost, Spend())
    assert f"replayed, not billed: {dollars(report.replayed)}" in report.notes[0]
    assert [row["cost"] for row in again.ledger.to_records()] == [
        row["cost"] for row in recorder.ledger.to_records()
    ]
    shown_ = show_budget([], again)["text/plain"]
    assert "replayed, not billed" in shown_
    assert recorder.report().replayed == 0


def test_costs_and_report_of_a_replay_are_those_that_were_recorded(
    recorder: Session, replay: Replay
) -> None:
    seen = []
    for s in (recorder, replay(), replay()):
        for prompt in ("x", "y", "x"):
            s.ask(prompt, model=LUNA)
        report = s.report()
        charts = [f"{chart['text/plain']}{chart['text/html']}" for chart in report_charts(report)]
        seen.append(([*report.rows()], report.cells(), report.overview.cells(), charts))
    recorded, once, again = seen
    assert once == again  # to the last byte
    assert once[:3] == recorded[:3]  # the time that had passed is not replayed
    assert "seconds since" in "".join(recorded[3])
    assert "seconds since" not in "".join(once[3])


def test_async_code_is_answered_too(recorder: Session, replay: Replay) -> None:
    first = recorder.ask("x", model=LUNA)
    assert asyncio.run(replay().aask("x", model=LUNA)).text == first.text


@pytest.mark.parametrize(
    "other",
    [
        {"temperature": 0.5},
        {"max_tokens": 9},
        {"system": "Be brief."},
        {"model": OPUS},
        {"prompt": "x "},
        {"strategy": "cost"},
        {"max_cost": 1},
        {"tools": [Tool("look", "", {})]},
    ],
)
def test_another_request_is_a_miss(
    recorder: Session, replay: Replay, stub: Stub, other: dict[str, Any]
) -> None:
    options: dict[str, Any] = {"prompt": "x", "model": LUNA}
    recorder.ask(**options)
    s = replay()
    with pytest.raises(RecordingError, match="ORCH_MODE=record") as missed:
        s.ask(**{**options, **other})
    (named,) = other
    word = {"prompt": "'x'", "model": "models"}.get(named, named)
    assert word in str(missed.value)
    assert stub.log() == []
    assert [record.error for record in s.ledger] == [str(missed.value)]


@pytest.mark.parametrize(
    "settings", [{"strategy": "cost"}, {"weights": {"cost": 5}}, {"fallback": "fail"}]
)
def test_what_the_session_wants_counts(
    recorder: Session, replay: Replay, settings: dict[str, Any]
) -> None:
    recorder.ask("x")
    with pytest.raises(RecordingError, match=next(iter(settings))):
        replay(**settings).ask("x")
    assert replay().ask("x").text


def test_cache_options_find_the_same(recorder: Session, replay: Replay) -> None:
    recorder.ask("x", model=LUNA, cache="refresh")
    assert replay().ask("x", model=LUNA, cache="bypass").replayed


def test_the_same_again_gives_the_next_and_then_the_last(
    recorder: Session, replay: Replay, stub: Stub
) -> None:
    for word in ("one", "two"):
        stub.rule("openai", f"ok?text={word}")
        recorder.ask("x", model=LUNA, cache="bypass")
    assert recorder.ask("x", model=LUNA).text == "two"  # kept by nobody: asked
    assert recorder.ask("x", model=LUNA).cached
    s = replay()
    answers = [s.ask("x", model=LUNA) for _ in range(6)]
    assert [answer.text for answer in answers] == ["one", *["two"] * 5]
    assert [answer.cached for answer in answers] == [False, False, False, True, True, True]
    assert replay().ask("x", model=LUNA).text == "one"
    assert len(entry()["answers"]) == 4


def test_new_connections_are_the_same_session(
    recorder: Session, replay: Replay, stub: Stub
) -> None:
    def ask_in_turn(s: Session) -> list[str]:
        first = s.ask("x", model=LUNA, cache="bypass").text
        s.change(limits={"call": 200})
        s.reload()
        return [first, s.ask("x", model=LUNA, cache="bypass").text]

    stub.plan("openai", "ok?text=one", "ok?text=two")
    said = ask_in_turn(recorder)
    assert said == ask_in_turn(replay()) == ["one", "two"]


def test_a_new_session_replaces_what_it_asks_and_leaves_the_rest(
    recorder: Session, configured: Stub, open_session: Open, replay: Replay
) -> None:
    recorder.ask("x", model=LUNA)
    recorder.select("x", model=LUNA)
    recorder.ask("y", model=LUNA)
    configured.rule("openai", "ok?text=new")
    open_session(mode="record").ask("x", model=LUNA, cache="refresh")
    s = replay()
    assert [s.ask("x", model=LUNA).text for _ in range(2)] == ["new", "new"]
    assert s.ask("y", model=LUNA).text.startswith("echo")
    assert s.select("x", model=LUNA).best.model == LUNA


def test_a_file_is_for_everybody(recorder: Session) -> None:
    recorder.ask("x", model=LUNA)
    (path,) = files()
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


def test_a_picture_is_known_by_its_bytes(recorder: Session, replay: Replay) -> None:
    recorder.ask("What is it?", model=LUNA, images=[PNG])
    assert str(entry()["request"]["messages"]).count("sha256") == 1
    s = replay()
    assert s.ask("What is it?", model=LUNA, images=[PNG]).replayed
    with pytest.raises(RecordingError, match="not in"):
        s.ask("What is it?", model=LUNA, images=[PNG + b"\0"])


@dataclass
class River:
    name: str
    km: int


def test_a_schema_is_parsed_again(recorder: Session, replay: Replay, stub: Stub) -> None:
    stub.rule("openai", 'ok?text={"name": "Nile", "km": 6650}')
    first = recorder.ask("The longest river?", model=LUNA, schema=River)
    again = replay().ask("The longest river?", model=LUNA, schema=River)
    assert again.parsed == first.parsed == River("Nile", 6650)


def test_tools_are_asked_for_again(recorder: Session, replay: Replay, stub: Stub) -> None:
    stub.rule("openai", "tool")
    tools = [Tool("look", "Look it up.", {"type": "object", "properties": {}})]
    first = recorder.ask("x", model=LUNA, tools=tools)
    again = replay().ask("x", model=LUNA, tools=tools)
    assert first.calls
    assert (again.calls, again.finish, again.text) == (first.calls, "tool", first.text)


def test_a_stopped_answer_is_not_recorded(recorder: Session, stub: Stub) -> None:
    stub.rule("openai", SLOW)

    def stop(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        recorder.ask("x", model=LUNA, on_text=stop)
    assert not Path(FOLDER).exists()


def test_a_file_that_came_along_needs_no_trust_until_somebody_is_asked(
    configured: Stub, open_session: Open, replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_session(mode="record").ask("x", model=LUNA)
    monkeypatch.setenv("TEAM_KEY", "key-of-mine")
    url = "https://team.example.com/v1"
    row = f"{{type: compatible, base_url: '{url}', api_key_env: TEAM_KEY}}"
    Path("orch.yaml").write_text(f"providers: {{team: {row}}}")
    s = replay()
    assert s.ask("x", model=LUNA).replayed
    assert s.connections == {}
    for change in ({"mode": "live"}, {"mode": "record"}):
        with pytest.raises(SettingsError, match="would send its key"):
            s.change(**change)
    assert s.settings.mode == "replay"


def test_the_mode_changes_while_it_runs(configured: Stub, open_session: Open, stub: Stub) -> None:
    s = open_session()
    s.change(mode="record")
    first = s.ask("x", model=LUNA)
    with s.using(mode="replay"):
        assert s.ask("x", model=LUNA).text == first.text
        with pytest.raises(RecordingError):
            s.ask("y", model=LUNA)
    s.change(mode="live")
    assert not s.ask("y", model=LUNA).replayed
    assert asked(stub) == [LUNA, LUNA]
    assert len(files()) == 1
    with pytest.raises(SettingsError, match=r"mode must be 'live', 'record' or 'replay'"):
        s.change(mode="play")


def test_a_wrong_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCH_MODE", "play")
    with pytest.raises(SettingsError, match="ORCH_MODE: must be live, record or replay"):
        Session()
