"""``%orch history``: calls by the numbers that ``why`` and ``rerun`` take, and their ends."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import orch_nb
from notebook.test_commands import failure, row, shown
from orch_nb.errors import InputError
from shells.here import Shell
from stub.client import Stub
from stub.spec import write


@pytest.fixture
def asked(shell: Shell, alpha: Stub) -> Shell:
    """Four calls: answered, from the cache, by another model, and one that fails."""
    alpha.plan("alpha", write("ok"), write("ok"), write("quota"))
    shell.run("%orch Name three rivers.")
    shell.run("%orch Name three rivers.")
    shell.run("%orch -m alpha:stub-large Name\u202e 'a' $lake$")
    shell.run("%orch --no-cache this fails")
    return shell


def test_every_call_has_its_number_and_outcome(asked: Shell) -> None:
    text = shown(asked, "%orch history")
    head = re.split(r" {2,}", text.splitlines()[0])
    assert head == ["call", "asked at", "prompt", "model", "billed", "took", "outcome"]
    spent = orch_nb.session().ledger.spent.known
    first, third = row(text, "1 "), row(text, "3 ")
    assert first[2:4] == ["Name three rivers.", "alpha:stub-small"]
    assert re.fullmatch(r"\d\d:\d\d:\d\d", first[1])
    assert first[-1] == "answered"
    assert (row(text, "2 ")[4], row(text, "2 ")[-1]) == ("$0", "cached")
    assert third[2:4] == ["Name\\u202e 'a' $lake$", "alpha:stub-large"]
    assert row(text, "4  ")[-1].startswith("QuotaSpent: alpha:stub-small: the account")
    assert sum(float(row(text, f"{n} ")[4].lstrip("~$")) for n in (1, 3)) == pytest.approx(
        float(spent), rel=0.05
    )
    assert text.splitlines()[-1].startswith("4 of 4 calls; ")


@pytest.mark.parametrize(
    ("line", "numbers"),
    [
        ("2", ["3", "4"]),
        ("--search RIVERS", ["1", "2"]),
        ("1 --search rivers", ["2"]),
        ("--search rivers 1", ["2"]),
        ("--search stub-large", ["3"]),
        ("--search quotaspent", ["4"]),
        ("--search nothing", []),
    ],
)
def test_which_calls(line: str, numbers: list[str], asked: Shell) -> None:
    lines = shown(asked, f"%orch history {line}").splitlines()[1:-1]
    assert [line.split()[0] for line in lines] == numbers


def test_the_numbers_are_those_of_why(asked: Shell) -> None:
    assert "call 3 of 4: Name\\u202e" in shown(asked, "%orch why 3")


def test_all_sessions_without_their_texts(asked: Shell) -> None:
    with orch_nb.Session() as other:
        other.ask("What did Napoleon eat?")
    text = shown(asked, "%orch history --all")
    assert "Napoleon" not in text
    assert "rivers" not in text
    assert [line.split()[0] for line in text.splitlines()[1:-1]] == ["1", "2", "3", "4", "—"]


def test_before_any_call(shell: Shell) -> None:
    assert shown(shell, "%orch history").splitlines()[-1].startswith("0 of 0 calls; ")


@pytest.mark.parametrize("line", ["0", "x", "1 2", "--search", "--last 3"])
def test_what_it_does_not_take(line: str, shell: Shell, alpha: Stub) -> None:
    assert isinstance(failure(shell, f"%orch history {line}"), InputError)
    assert alpha.bill() == {}


def test_a_replay_shows_no_time(shell: Shell, tmp_path: Path) -> None:
    shell.run("%config OrchMagics.mode = 'record'")
    shell.run("%orch hi")
    assert "asked at" not in shown(shell, "%orch history")
