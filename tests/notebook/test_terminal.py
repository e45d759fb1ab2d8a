"""IPython in a terminal: answers are printed while they arrive, and nothing there is HTML."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from shells.settings import write_settings
from stub.client import Stub
from stub.spec import write

COMMAND = (
    "-m",
    "IPython",
    "--no-banner",
    "--simple-prompt",
    "--colors=NoColor",
    "--no-confirm-exit",
)
TAG = re.compile("</?[a-z]")  # and no "<0.1 s"
HOSTILE = (
    "red \x1b[31m, title \x1b]0;owned\x07, back \x9b2J, <b>bold</b> \u202egnp.exe\r\nnext\rline"
)


class Terminal:
    """A terminal with an IPython in it."""

    def __init__(self, folder: Path) -> None:
        home = {name: str(folder) for name in ("HOME", "IPYTHONDIR", "ORCH_HOME", "ORCH_CACHE_DIR")}
        self._child = pexpect.spawn(
            sys.executable,
            list(COMMAND),
            cwd=str(folder),
            env={"PATH": os.environ["PATH"], "TERM": "xterm", "PYTHONUTF8": "1", **home},
            encoding="utf-8",
            dimensions=(50, 200),
            timeout=120,
            echo=False,
        )
        self._prompt()

    def run(self, line: str) -> str:
        """What one line prints, up to the next prompt."""
        self._child.sendline(line)
        return self._prompt()

    def stop_when(self, line: str, words: str) -> str:
        """Run a line and press Ctrl-C when it has printed `words`."""
        self._child.sendline(line)
        self._child.expect_exact(words)
        self._child.sendintr()
        return words + self._prompt()

    def close(self) -> None:
        self._child.close(force=True)

    def _prompt(self) -> str:
        self._child.expect(r"In \[\d+\]: ")
        return str(self._child.before).replace("\r\n", "\n")


@pytest.fixture(scope="module")
def terminal(stub_process: Stub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    folder = tmp_path_factory.mktemp("terminal")
    write_settings(folder, stub_process)
    terminal = Terminal(folder)
    loaded = terminal.run("%load_ext orch_nb")
    assert "providers: alpha" in loaded
    yield terminal
    terminal.close()


def test_an_answer_is_printed_once(terminal: Terminal, stub: Stub) -> None:
    stub.rule("alpha", write("ok", text="Three rivers: **Rhine**, Elbe, Oder."))
    printed = terminal.run("%orch hello")
    answer, _, below = printed.partition("Out[")
    assert answer == "Three rivers: **Rhine**, Elbe, Oder.\n"
    assert below.count("alpha:stub-small · $") == 1
    assert "Rhine" not in below
    assert not TAG.search(printed)


def test_no_stream_prints_the_same_words(terminal: Terminal, stub: Stub) -> None:
    stub.rule("alpha", write("ok", text="Three rivers."))
    printed = terminal.run("%orch --no-cache --no-stream hello")
    assert printed.count("Three rivers.") == printed.count("alpha:stub-small · $") == 1


def test_decisions_are_aligned(terminal: Terminal, stub: Stub) -> None:
    lines = terminal.run("%orch_select hello").splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("model "))
    column = lines[head].index("score")
    assert [line[column - 2 : column] for line in lines[head : head + 3]] == ["  "] * 3
    assert all(line[column] in "s01" for line in lines[head : head + 3])


def test_control_c_stops(terminal: Terminal, stub: Stub) -> None:
    stub.rule("alpha", write("ok", words=400, delay=0.02))
    printed = terminal.stop_when("%orch --no-cache hello", "echo ")
    assert "interrupted" in printed
    assert printed.rstrip().endswith("Interrupted: stopped; the connection is closed")
    assert "Traceback" not in printed
    stub.wait_idle()
    (entry,) = [entry for entry in stub.log() if entry.wire == "chat"]
    assert entry.hung_up is not None
    assert terminal.run("1 + 1").endswith("2\n\n")


def test_nothing_hostile_reaches_the_terminal(terminal: Terminal, stub: Stub) -> None:
    stub.rule("alpha", write("ok", text=HOSTILE))
    shown = [
        terminal.run("%orch --no-cache hi"),
        terminal.run("%orch --no-cache --no-stream -o kept hi"),
        terminal.run("kept"),
        terminal.run("print(kept)"),
    ]
    for printed in shown:
        assert not set("\x1b\x07\x9b\r\u202e") & set(printed)
        assert "red \\x1b[31m" in printed
        assert "<b>bold</b> \\u202egnp.exe\nnext\\rline" in printed


def test_errors_are_one_line(terminal: Terminal, stub: Stub) -> None:
    printed = terminal.run("%orch -s cosst hello").strip()
    assert printed.startswith("UnknownNameError: unknown strategy 'cosst'")
    assert "\n" not in printed


def test_joined_emoji_arrive_whole(terminal: Terminal, stub: Stub) -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    stub.rule("alpha", write("ok", text=f"a {family} b"))
    assert f"a {family} b" in terminal.run("%orch --no-cache hello")


def test_a_comparison_is_printed_one_after_another(terminal: Terminal, stub: Stub) -> None:
    stub.rule("alpha", write("ok", text="The **Elbe**."), model="stub-small")
    stub.rule("alpha", write("ok", text=HOSTILE), model="stub-large")
    both = "alpha:stub-small,alpha:stub-large"
    printed = terminal.run(f"%orch --no-cache --compare {both} hi")
    answers, _, below = printed.partition("Out[")
    assert answers.count("── alpha:stub-small ──\nThe **Elbe**.\n$0.00") == 1
    assert answers.count("── alpha:stub-large ──") == 1
    assert "Elbe" not in below
    assert "billed $" in below
    blind = terminal.run(f"%orch --no-cache --blind --compare {both} hi")
    assert "stub-" not in blind
    voted = terminal.run("%orch compare vote A")
    assert "your vote" in voted
    for shown in (printed, blind, voted):
        assert "\x1b" not in shown
        assert "<div" not in shown


def test_charts_are_tables(terminal: Terminal) -> None:
    assert "stub-small" in terminal.run("%orch -m alpha:stub-small hi")
    costs = terminal.run("%orch costs")
    for title in ("Cost per model", "Seconds per answer", "Spent so far"):
        assert title in costs
    assert "total" in costs.splitlines()[-3]
    assert not TAG.search(costs)
    assert "Who answers what" in terminal.run("%orch report")
