"""``%orch cache``: what is kept, what it saved, and an end to it."""

from __future__ import annotations

import pytest

import orch_nb
from notebook.test_commands import failure, row, shown
from orch_nb.errors import InputError
from orch_nb.figures import dollars
from shells.here import Shell
from stub.client import Stub


def fill(shell: Shell) -> None:
    for prompt in ("one", "two", "one"):
        shell.run(f"%orch -m alpha:stub-small {prompt}")


def test_numbers_are_the_caches_and_the_ledgers(shell: Shell) -> None:
    fill(shell)
    text = shown(shell, "%orch cache")
    (cached,) = [r.response for r in orch_nb.session().ledger if r.response and r.response.cached]
    assert row(text, "entries") == ["entries", "2"]
    assert row(text, "hits")[1].startswith("1 of ")
    assert row(text, "saved") == ["saved in this session", dollars(cached.cost)]
    assert shown(shell, "%orch cache stats") == text


def test_clear_says_what_was_removed(shell: Shell, alpha: Stub) -> None:
    fill(shell)
    before = alpha.stats("alpha").requests
    text = shown(shell, "%orch cache clear")
    assert text.startswith("removed 2 answers, ")
    assert row(text, "entries") == ["entries", "0"]
    shell.run("%orch -m alpha:stub-small one")
    assert alpha.stats("alpha").requests == before + 1


def test_off_and_on(shell: Shell, alpha: Stub) -> None:
    fill(shell)
    assert "the cache is off from now on" in shown(shell, "%orch cache off")
    assert "the cache is off from now on" not in shown(shell, "%orch cache off")
    assert shown(shell, "%orch cache clear").startswith("nothing was removed")
    before = alpha.bill()["alpha:stub-small"]["calls"]
    shell.run("%orch -m alpha:stub-small one")
    assert alpha.bill()["alpha:stub-small"]["calls"] == before + 1
    assert "the cache is on from now on" in shown(shell, "%orch cache on")
    assert row(shown(shell, "%orch cache"), "entries") == ["entries", "2"]


@pytest.mark.parametrize("line", ["empty", "clear all", "on off"])
def test_what_it_does_not_take(line: str, shell: Shell) -> None:
    assert isinstance(failure(shell, f"%orch cache {line}"), InputError)
