"""``%orch tools``: what a tool needs, who is its expert, who could be."""

from __future__ import annotations

import orch_nb
from notebook.test_commands import failure, row, shown
from orch_nb.errors import InputError
from shells.here import Shell
from stub.client import Stub


def test_tools_with_needs_experts_and_models(shell: Shell, alpha: Stub) -> None:
    orch_nb.session().tool("look", needs=["vision"])
    shell.run("%orch_select --pin sql=alpha:stub-large")
    text = shown(shell, "%orch tools")
    assert row(text, "look")[1:] == ["vision", "none", "no model can do this now"]
    assert row(text, "sql")[1:3] == ["nothing", "alpha:stub-large"]
    assert row(text, "json")[1:3] == ["json", "none"]
    assert set(row(text, "json")[3].split(", ")) == {"alpha:stub-small", "alpha:stub-large"}
    assert alpha.bill() == {}


def test_it_takes_no_words(shell: Shell) -> None:
    assert isinstance(failure(shell, "%orch tools for gardening"), InputError)
