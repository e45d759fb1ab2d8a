"""``%orch config``: every setting, and who set it; no secret among them."""

from __future__ import annotations

from pathlib import Path

import pytest

import orch_nb
from notebook.test_commands import failure, row, shown
from orch_nb.errors import InputError
from shells.here import Shell
from stub.client import Stub


def test_every_setting_says_where_it_comes_from(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCH_STREAM", "0")
    shell.run("%config OrchMagics.strategy = 'cost'")
    shell.run("%orch budget session=1.50")
    text = shown(shell, "%orch config")
    assert row(text, "strategy") == ["strategy", "cost", "traitlets"]
    assert row(text, "stream") == ["stream", "off", "ORCH_STREAM"]
    assert row(text, "fallback") == ["fallback", "fail", "orch.yaml, line 6"]
    assert row(text, "budget.session") == ["budget.session", "1.50", "run-time change"]
    assert row(text, "limits.call") == ["limits.call", "300", "built in"]
    price = row(text, "models.alpha:stub-large.price.output")
    assert price[1:] == ["10", "orch.yaml, line 4"]


def test_the_strongest_source_counts(shell: Shell) -> None:
    orch_nb.session().change(strategy="performance")
    shell.run("%config OrchMagics.strategy = 'cost'")
    assert row(shown(shell, "%orch config"), "strategy")[1:] == ["performance", "run-time change"]


def test_no_secret_is_shown(bare: Shell, alpha: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path("orch.yaml")
    path.write_text(
        path.read_text().replace("max_retries: 0", "headers: {X-Proxy: hunter2hunter2}")
    )
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789abcdef")
    bare.run("%load_ext orch_nb")
    text = shown(bare, "%orch config")
    assert row(text, "providers.alpha.headers")[1:] == ["X-Proxy", "orch.yaml, line 2"]
    assert "hunter2" not in text
    assert "0123456789" not in text


def test_what_it_does_not_take(shell: Shell) -> None:
    assert isinstance(failure(shell, "%orch config strategy=cost"), InputError)


@pytest.mark.parametrize("wrong", ["preset=3", "stream='yes'", "strategy=['cost']"])
def test_a_value_of_the_wrong_type_is_one_line_and_keeps_nobody_from_loading(
    wrong: str, shell: Shell
) -> None:
    name = wrong.partition("=")[0]
    said = shell.run(f"%config OrchMagics.{wrong}").printed
    assert len(said.strip().splitlines()) <= 1
    loaded = shell.run("%reload_ext orch_nb")
    assert loaded.error is None
    (line,) = loaded.printed.splitlines()
    assert line.startswith("orch_nb ")
    assert f"is loaded, but {name}" in line or f"loaded, but traitlets: {name}" in line, line
    assert name in str(failure(shell, "%orch hi"))
    shell.run(f"%config OrchMagics.{name} = None")
    assert shell.run("%orch hi").error is None
