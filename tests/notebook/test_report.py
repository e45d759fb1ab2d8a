"""``%orch report`` in a shell: numbers of the ledger, and suggestions beyond their thresholds."""

from __future__ import annotations

import re

import orch_nb
from notebook.test_commands import failure, row, shown
from orch_nb.figures import dollars
from shells.here import Shell
from stub.client import Stub


def test_numbers_equal_the_ledgers(shell: Shell) -> None:
    for prompt in ("one", "two", "one"):
        shell.run(f"%orch -m alpha:stub-small {prompt}")
    text = shown(shell, "%orch report")
    (stats,) = orch_nb.session().ledger.by_model().values()
    model, calls, success, *_, cost, each, cached, hits = row(text, "alpha:stub-small")
    assert (model, calls, success, cached, hits) == ("alpha:stub-small", "2", "100 %", "1", "33 %")
    assert (cost, each) == (dollars(stats.cost), dollars(stats.cost_per_call))
    assert "- no suggestions" in text


def test_a_slow_model_yields_a_suggestion(shell: Shell, alpha: Stub) -> None:
    alpha.rule("alpha", "slow?s=5.2", model="stub-large")
    shell.run(
        "from concurrent.futures import ThreadPoolExecutor\n"
        "import orch_nb\n"
        "def ask(n): return orch_nb.session().ask(f'prompt {n}', model='alpha:stub-large')\n"
        "with ThreadPoolExecutor(3) as pool: answers = list(pool.map(ask, range(3)))"
    )
    text = shown(shell, "%orch report")
    assert re.search(r"alpha:stub-large took \d\.\d s on average", text)
    assert "more than 5.0 s" in text


def test_an_empty_session_and_a_wrong_word(shell: Shell) -> None:
    assert row(shown(shell, "%orch report"), "total")[1] == "0"
    assert "use `%orch report`" in str(failure(shell, "%orch report now"))
