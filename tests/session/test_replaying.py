"""What was recorded is given again, byte for byte, with nobody there to be asked."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from orch_nb import Response, Session
from orch_nb.errors import (
    Interrupted,
    OrchError,
    ProviderError,
    RecordingError,
    SelectionError,
    SettingsError,
)
from orch_nb.figures import dollars
from orch_nb.notebook import cards, decisions, display
from orch_nb.notebook.budget import show_budget
from orch_nb.store.account import Spend
from orch_nb.store.recording import FOLDER, RecordingWarning
from orch_nb.types import Tool
from session.conftest import Open
from session.test_asking import LUNA, OPUS, SOL, asked
from session.test_ending import SLOW
from stub.client import Stub

Replay = Callable[..., Session]


@pytest.fixture
def recorder(configured: Stub, open_session: Open) -> Session:
    """A session that records, with both providers."""
    return open_session(mode="record")


@pytest.fixture
def replay(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> Replay:
    """Open a session that replays, where there are no keys, addresses, home or cache."""

    def open_replay(**config: Any) -> Session:
        for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("ORCH_HOME", str(Path("nowhere").absolute()))
        monkeypatch.delenv("ORCH_CACHE_DIR", raising=False)
        monkeypatch.setenv("ORCH_MODE", "replay")
        stub.reset()
        return Session(config)

    return open_replay


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


def test_nothing_is_listed_or_looked_for(recorder: Session, replay: Replay, stub: Stub) -> None:
    recorder.ask("x")
    s = replay(probe=True)
    for ask in (s.models, s.refresh):
        with pytest.raises(RecordingError, match="mode replay"):
            ask()
    assert s.providers == ()
    assert stub.log() == []


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


def test_no_secret_path_or_time_is_written(
    configured: Stub, open_session: Open, replay: Replay, tmp_path: Path
) -> None:
    rows = {"openai": {"headers": {"X-Api-Token": "token-of-mine", "X-Team": "rivers"}}}
    s = open_session(mode="record", providers=rows)
    configured.rule("openai", "ok?text=all about rivers")
    s.ask("the prompt of bearer abcdefgh1234", model=LUNA)
    (path,) = files()
    content = path.read_text(encoding="utf-8")
    for hidden in ("sk-openai-test", "token-of-mine", "abcdefgh", str(tmp_path), "127.0.0.1"):
        assert hidden not in content
    assert replay().ask("the prompt of bearer abcdefgh1234", model=LUNA).replayed
    with pytest.raises(RecordingError):
        replay().ask("the prompt of bearer another12345", model=LUNA)


@pytest.mark.parametrize("secret", ["sk-openai-test", "token-of-mine"])
def test_an_answer_that_holds_a_key_is_not_recorded(
    configured: Stub, open_session: Open, secret: str
) -> None:
    rows = {"openai": {"headers": {"X-Api-Token": "token-of-mine"}}}
    s = open_session(mode="record", providers=rows)
    configured.rule("openai", f"ok?text=it is {secret}!")
    with pytest.warns(RecordingWarning, match="holds a key"):
        assert s.ask("x", model=LUNA).text.endswith(f"{secret}!")
    assert not Path(FOLDER).exists()


def test_git_sees_the_recording_and_not_the_cache(
    configured: Stub, open_session: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ORCH_CACHE_DIR")
    open_session().ask("x", model=LUNA)  # makes the cache's own .gitignore
    open_session(mode="record").ask("y", model=LUNA)
    env = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(Path.cwd())}
    for words in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *words], check=True, env=env, capture_output=True)
    run = subprocess.run(["git", "ls-files"], check=True, env=env, capture_output=True, text=True)
    assert run.stdout.split() == [path.as_posix() for path in files()]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
@pytest.mark.parametrize("link", [".orch", FOLDER])
def test_a_planted_link_leads_nowhere(recorder: Session, tmp_path: Path, link: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    Path(link).parent.mkdir(exist_ok=True)
    Path(link).symlink_to(outside)
    with pytest.warns(RecordingWarning, match="is a link"):
        assert recorder.ask("x", model=LUNA).text
    assert list(outside.iterdir()) == []


def test_a_read_only_folder_costs_one_warning(recorder: Session) -> None:
    Path(".orch").write_text("a file stands where the folder should be")
    with pytest.warns(RecordingWarning, match="cannot be written"):
        recorder.ask("x", model=LUNA)
    assert recorder.ask("y", model=LUNA).text  # a second warning would be an error


def test_a_damaged_file_is_named(recorder: Session, replay: Replay) -> None:
    recorder.ask("x", model=LUNA)
    (path,) = files()
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(RecordingError) as failed:
        replay().ask("x", model=LUNA)
    assert f"{FOLDER}/{path.name} is damaged" in str(failed.value)
    assert "\n" not in str(failed.value)


def test_a_file_of_another_request_is_not_given(recorder: Session, replay: Replay) -> None:
    recorder.ask("x", model=LUNA)
    (path,) = files()
    recorder.ask("y", model=LUNA)
    (other,) = set(files()) - {path}
    path.write_bytes(other.read_bytes())
    with pytest.raises(RecordingError, match="another request"):
        replay().ask("x", model=LUNA)


def test_an_answer_that_no_longer_fits(recorder: Session, replay: Replay, stub: Stub) -> None:
    stub.rule("openai", 'ok?text={"name": "Nile", "km": 6650}')
    recorder.ask("The longest river?", model=LUNA, schema=River)
    (path,) = files()
    path.write_text(path.read_text(encoding="utf-8").replace("6650", "long"), encoding="utf-8")
    with pytest.raises(RecordingError, match="no longer fits"):
        replay().ask("The longest river?", model=LUNA, schema=River)


def test_all_of_it_is_one_of_our_errors(replay: Replay) -> None:
    with pytest.raises(OrchError):
        replay().ask("x")
