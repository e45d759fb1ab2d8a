"""Models and providers are switched on and off: in the file, in Python, and what follows."""

from __future__ import annotations

from pathlib import Path

import pytest

from orch_nb import Session
from orch_nb.errors import SelectionError, SettingsError
from session.conftest import Open
from session.test_asking import LUNA, OPUS, SOL, SONNET, asked
from stub.client import Stub


def rejected(session: Session) -> dict[str, str]:
    return {out.model: out.reason for out in session.select("Name a river").rejected}


def test_what_is_off_is_never_chosen_until_it_is_on_again(s: Session) -> None:
    first = s.select("Name a river").best.model
    s.switch(first, on=False)
    assert rejected(s)[first] == "switched off"
    assert s.ask("Name a river").model != first
    s.switch(first, on=True)
    assert first not in rejected(s)
    assert s.settings.models == {}


def test_it_is_not_asked_by_name_nor_fallen_back_to(s: Session, stub: Stub) -> None:
    s.switch(LUNA, on=False)
    with pytest.raises(SelectionError) as caught:
        s.ask("x", model=LUNA)
    assert [out.reason for out in caught.value.rejected] == ["switched off"]
    with pytest.raises(SelectionError, match=f"the verifier {LUNA} is switched off"):
        s.ask("x", verifier=LUNA, strategy="cascade")
    assert s.ask("x", model=[LUNA, OPUS]).model == OPUS
    assert asked(stub) == [OPUS]


def test_a_pin_to_what_is_off_is_replaced_and_announced(s: Session) -> None:
    s.experts.pin(sql=SONNET)
    s.switch(SONNET, on=False)
    response = s.ask("x", tool="sql")
    assert response.model != SONNET
    assert f"{SONNET}, cannot answer (switched off)" in response.decision.notice


def test_connections_stay_and_no_fact_is_stated(s: Session) -> None:
    s.ask("x", model=LUNA)
    catalog, cards = s.catalog, s.models()
    s.switch(LUNA, on=False)
    assert s.catalog is catalog
    assert s.models() == cards
    s.change(models={LUNA: {"context": 1000, "enabled": False}})
    assert s.catalog is not catalog
    assert s.catalog.resolve(LUNA).context == 1000
    s.switch(LUNA, on=True)
    assert s.settings.models[LUNA].context == 1000


def test_the_file_may_say_so_and_be_outweighed(configured: Stub, open_session: Open) -> None:
    Path("orch.yaml").write_text(f'models: {{"{SOL}": {{enabled: false}}}}\n')
    s = open_session()
    assert rejected(s)[SOL] == "switched off"
    s.switch(SOL, on=True)
    assert s.settings.off == frozenset()
    assert SOL not in rejected(s)
    Path("orch.yaml").write_text(f'models: {{"{SOL}": {{enabled: 3}}}}\n')
    with pytest.raises(SettingsError, match=f"models.{SOL}.enabled"):
        open_session()


def test_a_provider_is_switched_as_a_whole(s: Session) -> None:
    s.switch("anthropic", on=False)
    assert s.providers == ("openai",)
    assert all(card.provider != "anthropic" for card in s.models() if not card.simulated)
    s.switch("anthropic", on=True)
    assert s.providers == ("anthropic", "openai")
    assert "enabled" not in s._stack.changes["providers"].get("anthropic", {})
    with pytest.raises(SettingsError, match="antropic"):
        s.switch("antropic", on=False)
    assert s.providers == ("anthropic", "openai")


def test_what_was_only_found_is_found_again(open_session: Open, configured: Stub) -> None:
    s = open_session(probe=True)
    s.switch("ollama", on=False)
    assert "ollama" not in s.connections
    s.switch("ollama", on=True)
    assert s.connections["ollama"].probed
