"""``%orch budget`` in a shell: limits, what was spent, what is left, and how to change them."""

from __future__ import annotations

import pytest

import orch_nb
from notebook.test_commands import failure, row, shown
from orch_nb.errors import InputError, SettingsError, UnknownNameError
from shells.here import Shell
from stub.client import Stub

HEAD = ["period", "limit", "known", "estimated", "up to unknown", "reserved", "left"]


def test_without_limits_it_shows_what_was_spent(shell: Shell) -> None:
    shell.run("%orch -m alpha:stub-large hello")
    cost = orch_nb.session().ledger.spent.known
    assert cost
    text = shown(shell, "%orch budget")
    assert row(text, "period") == HEAD
    for period in ("session", "hour"):
        name, limit, known, estimated, *_, left = row(text, period)
        assert (name, limit, estimated, left) == (period, "no limit", "$0", "—")
        assert known.startswith("$0.0000")
    assert row(text, "per task")[1] == row(text, "per pipeline")[1] == "no limit"


def test_limits_are_set_and_taken_away_one_by_one(shell: Shell) -> None:
    assert row(shown(shell, "%orch budget session=1 task=$0.05"), "session")[1] == "$1.00"
    text = shown(shell, "%orch budget hour=0")
    assert [row(text, name)[1] for name in ("session", "hour")] == ["$1.00", "$0"]
    assert row(text, "per task")[1] == "$0.050"
    assert row(text, "hour")[-1] == "$0"
    assert "models without a known price are not asked" in text
    text = shown(shell, "%orch budget hour=none unpriced=allow")
    assert row(text, "hour")[1] == "no limit"
    assert "may be asked, and are not counted" in text
    assert orch_nb.session().settings.budget.unpriced == "allow"


def test_what_is_left_shrinks(shell: Shell, alpha: Stub) -> None:
    shown(shell, "%orch budget session=0.001")
    alpha.rule("alpha", "ok?words=40")
    shell.run("%orch -m alpha:stub-large --max-tokens 60 hello")
    spent = orch_nb.session().budget.spent()["session"]
    assert spent.known
    left = float(row(shown(shell, "%orch budget"), "session")[-1].removeprefix("$"))
    assert left == pytest.approx(0.001 - float(spent.known), rel=0.1)
    assert "BudgetExceeded" in repr(failure(shell, "%orch -m alpha:stub-large --max-tokens 90 hi"))


@pytest.mark.parametrize(
    ("line", "kind", "message"),
    [
        ("budget 5", InputError, "use `%orch budget"),
        ("budget session=much", InputError, "session=much is no number of dollars"),
        ("budget sesion=1", UnknownNameError, "did you mean session?"),
        ("budget session=-1", SettingsError, "must be greater than or equal to 0"),
        ("budget session=nan", SettingsError, "budget.session must be finite"),
        ("budget unpriced=maybe", SettingsError, "must be 'refuse' or 'allow'"),
    ],
)
def test_a_wrong_word_changes_nothing(
    shell: Shell, line: str, kind: type[Exception], message: str
) -> None:
    shown(shell, "%orch budget session=1")
    error = failure(shell, f"%orch {line}")
    assert type(error) is kind
    assert message in str(error)
    assert row(shown(shell, "%orch budget"), "session")[1] == "$1.00"
