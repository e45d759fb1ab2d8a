"""``%orch models``, ``providers``, ``doctor`` and ``keys`` in a shell, with a real server."""

from __future__ import annotations

import getpass
import re
from pathlib import Path

import pytest

import orch_nb
from orch_nb.errors import InputError, KeyRefused, UnknownNameError
from orch_nb.notebook.commands import COMMANDS
from shells.here import Shell
from shells.kernel import SECONDS, Kernel, Ran
from stub.client import Stub

KEY = "sk-team-0123456789abcdef3f2a"


def shown(shell: Shell, line: str) -> str:
    cell = shell.run(line)
    assert cell.error is None, cell.error
    (output,) = cell.outputs
    return str(output.data["text/plain"])


def failure(shell: Shell, line: str) -> BaseException:
    error = shell.run(line).error
    assert error is not None
    return error


def row(text: str, start: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if line.startswith(start)]
    return re.split(r" {2,}", line)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home" / "orch"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked for; every answer is KEY, as a kernel's own getpass gives it."""
    asked: list[str] = []
    monkeypatch.setattr(getpass, "getpass", lambda prompt: asked.append(prompt) or KEY)
    return asked


def test_models_in_a_table(shell: Shell, alpha: Stub) -> None:
    alpha.models("alpha", ["stub-large", "llama3.1:8b", "text-embedding-x"])
    text = shown(shell, "%orch models")
    assert row(text, "alpha:stub-large")[2:4] == ["$2.00", "$10.00"]
    assert row(text, "alpha:llama3.1:8b")[1:5] == ["131 072", "—", "—", "json, tools"]
    assert "not alpha:text-embedding-x: no chat model" in text
    assert alpha.bill() == {}


def test_one_model_with_the_source_of_each_fact(shell: Shell, alpha: Stub) -> None:
    alpha.models("alpha", ["llama3.1:8b"])
    text = shown(shell, "%orch models alpha:stub-large")
    assert row(text, "prices")[1:] == ["$2.00 in, $10.00 out per million tokens", "settings"]
    text = shown(shell, "%orch models llama3.1:8b")
    assert row(text, "context")[2].startswith("snapshot of ")
    assert row(text, "tier")[1:] == ["—", "unknown"]


def test_a_new_model_is_listed_after_a_refresh(shell: Shell, alpha: Stub) -> None:
    alpha.models("alpha", ["one"])
    assert "alpha:two" not in shown(shell, "%orch models")
    alpha.models("alpha", ["one", "two"])
    assert "alpha:two" not in shown(shell, "%orch models")
    assert "alpha:two" in shown(shell, "%orch models --refresh")


def test_hostile_names_are_shown_and_do_nothing(shell: Shell, alpha: Stub) -> None:
    alpha.models("alpha", ["<img src=x onerror=alert(1)>", "a\x1b[2Jb", "x" * 250])
    cell = shell.run("%orch models")
    (output,) = cell.outputs
    assert "<img" not in output.data["text/html"]
    assert "\x1b" not in output.data["text/html"] + output.data["text/plain"]
    assert r"a\x1b[2Jb" in output.data["text/plain"]


def test_providers_are_shown_as_they_were_when_last_asked(shell: Shell, alpha: Stub) -> None:
    assert row(shown(shell, "%orch providers"), "alpha")[3:5] == ["none needed", "not asked yet"]
    assert not alpha.log("alpha")
    shown(shell, "%orch models")
    name, kind, address, *_, reachable, count, priority = row(
        shown(shell, "%orch providers"), "alpha"
    )
    assert (name, kind, address) == ("alpha", "compatible", alpha.url("alpha", "/v1"))
    assert reachable.startswith("yes, ")
    assert (count, priority) == ("3", "100")


def test_the_doctor_says_what_to_do(shell: Shell, alpha: Stub) -> None:
    alpha.models("alpha", ["stub-large", "free-of-price"])
    text = shown(shell, "%orch doctor")
    assert row(text, "alpha ")[1:] == ["ok", "3 of 3 models may be picked"]
    assert row(text, "alpha: prices")[1] == "1 unknown"
    alpha.rule("alpha", "401", wire="models")
    assert row(shown(shell, "%orch doctor"), "alpha ")[1] == "no key"
    alpha.rule("alpha", "500", wire="models")
    assert row(shown(shell, "%orch doctor"), "alpha ")[1] == "down"
    assert alpha.bill() == {}


def test_a_key_is_asked_for_stored_sent_and_never_shown(
    shell: Shell, alpha: Stub, home: Path, typed: list[str]
) -> None:
    said = shown(shell, "%orch keys set alpha")
    assert (home / "keys.json").stat().st_mode & 0o777 == 0o600
    assert len(typed) == 1
    listed = shown(shell, "%orch keys")
    assert row(listed, "alpha")[1:] == ["sk-…3f2a", "keys.json"]
    tested = shown(shell, "%orch keys test alpha")
    assert "alpha answers and lists 3 models" in tested
    assert alpha.log("alpha")[-1].headers["authorization"] == f"Bearer {KEY}"
    providers = shown(shell, "%orch providers")
    assert row(providers, "alpha")[3] == "stored in keys.json"
    removed = shown(shell, "%orch keys remove alpha")
    shell.run("%orch -m alpha:stub-small hello")
    assert alpha.log("alpha")[-1].headers.get("authorization") != f"Bearer {KEY}"
    assert KEY not in said + listed + tested + providers + removed
    history = [line for *_, line in shell.ip.history_manager.get_range()]
    assert KEY not in "".join(history)


def test_a_refused_key_is_an_error_that_does_not_hold_it(
    shell: Shell, alpha: Stub, typed: list[str]
) -> None:
    shown(shell, "%orch keys set alpha")
    alpha.rule("alpha", "401", wire="models")
    error = failure(shell, "%orch keys test alpha")
    assert isinstance(error, KeyRefused)
    assert KEY not in str(error)


def test_a_notebook_asks_below_the_cell_without_showing_what_is_typed(kernel: Kernel) -> None:
    asked: list[str] = []

    def answer(ran: Ran) -> None:
        if asked:
            return
        question = kernel.client.get_stdin_msg(timeout=SECONDS)["content"]
        assert question["password"] is True
        asked.append(question["prompt"])
        kernel.client.input(KEY)

    ran = kernel.run("%orch keys set alpha", answer)
    assert ran.reply["status"] == "ok"
    assert "Key of alpha" in asked[0]
    assert "keys.json" in str(ran.saved)
    assert KEY not in str(ran.saved)
    assert kernel.run("%orch keys remove alpha").reply["status"] == "ok"


def test_where_nobody_can_be_asked_nothing_is_stored(kernel: Kernel) -> None:
    reply = kernel.client.execute(
        "%orch keys set alpha", reply=True, allow_stdin=False, timeout=SECONDS
    )["content"]
    assert reply["ename"] == "InputError"
    assert "set its variable instead" in reply["evalue"]
    kernel.run("")


@pytest.mark.parametrize(
    ("line", "kind", "words"),
    [
        ("keys set alpha sk-on-the-command-line", InputError, "asks for the key itself"),
        ("keys set", InputError, "NAME"),
        ("keys sett alpha", UnknownNameError, "did you mean set"),
        ("keys set alfa", UnknownNameError, "did you mean alpha"),
        ("keys remove alpha", InputError, "no key is stored"),
        ("keys test alfa", UnknownNameError, "did you mean alpha"),
        ("models stub-lrge", UnknownNameError, "did you mean"),
        ("models one two", InputError, "models [MODEL]"),
        ("models --fresh", InputError, "models [MODEL]"),
        ("models add", InputError, "FILE.gguf"),
        ("models add none.gguf", InputError, "none.gguf"),
        ("providers now", InputError, "use `%orch providers`"),
        ("doctor now", InputError, "use `%orch doctor`"),
        ("models 'a", InputError, "not closed"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    shell: Shell, typed: list[str], line: str, kind: type[Exception], words: str
) -> None:
    error = failure(shell, f"%orch {line}")
    assert isinstance(error, kind)
    assert words in str(error)
    assert "sk-on-the" not in str(error)
    assert typed == []


def test_a_prompt_may_begin_with_such_a_word_after_two_hyphens(shell: Shell, alpha: Stub) -> None:
    assert shell.run("%orch -m alpha:stub-small -- models of ships").error is None
    assert alpha.log("alpha")[-1].body["messages"][-1]["content"] == "models of ships"
    assert shell.run("%%orch -m alpha:stub-small\nmodels").error is None
    assert alpha.log("alpha")[-1].body["messages"][-1]["content"] == "models"


@pytest.mark.parametrize(
    ("word", "meant"), [("cost", "costs"), ("Models", "models"), ("histroy", "history")]
)
def test_a_mistyped_command_is_not_asked(shell: Shell, alpha: Stub, word: str, meant: str) -> None:
    error = failure(shell, f"%orch {word}")
    assert isinstance(error, UnknownNameError)
    assert f"unknown command '{word}'; did you mean {meant}" in str(error)
    assert alpha.log() == []
    for prompt in (f"-- {word}", f"{word} of a house", "why?", "help"):
        assert shell.run(f"%orch {prompt}").error is None


def test_the_usage_names_every_command(shell: Shell) -> None:
    printed = shell.run("%orch help").printed
    assert all(f"%orch {name}" in printed for name in ("models", "providers", "doctor", "keys"))


def test_the_same_from_python(shell: Shell, alpha: Stub) -> None:
    alpha.models("alpha", ["one"])
    session = orch_nb.session()
    assert "alpha:one" in [card.id for card in session.models()]
    alpha.models("alpha", ["one", "two"])
    session.refresh("alpha")
    assert "alpha:two" in [card.id for card in session.models()]
    card = session.select("hello", model="stub-large").best.card
    assert card.sources["prices"] == "settings"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_word_that_is_a_command_is_no_prompt(shell: Shell, alpha: Stub, name: str) -> None:
    shell.run(f"%orch {name} --nothing-that-it-takes")
    assert not [entry for entry in alpha.log() if entry.wire == "chat"]
