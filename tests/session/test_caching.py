"""What was paid for once is not paid for again, and nothing else is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orch_nb import Session
from orch_nb.errors import ProviderError
from session.conftest import Open
from session.test_asking import LUNA, OPUS, SOL, asked
from stub.client import Stub


def test_the_second_time_nothing_is_asked(s: Session, stub: Stub) -> None:
    first = s.ask("x", model=LUNA)
    shown: list[str] = []
    second = s.ask("x", model=LUNA, on_text=shown.append)
    assert asked(stub) == [LUNA]
    assert second.cached
    assert "".join(shown) == second.text == first.text
    assert (second.cost, second.seconds, second.usage) == (first.cost, first.seconds, first.usage)
    assert second.billed == 0
    assert s.ledger.spent.known == first.cost


def test_another_session_finds_it(configured: Stub, open_session: Open) -> None:
    open_session().ask("x", model=LUNA)
    assert open_session().ask("x", model=LUNA).cached
    assert not open_session(cache="off").ask("x", model=LUNA).cached


@pytest.mark.parametrize(
    "other",
    [
        {"temperature": 0},
        {"temperature": 0.5},
        {"max_tokens": 9},
        {"system": ""},
        {"system": "Be brief."},
        {"model": SOL},
        {"model": OPUS},
        {"prompt": "x "},
    ],
)
def test_another_request_is_another_answer(s: Session, other: dict[str, Any]) -> None:
    options: dict[str, Any] = {"prompt": "x", "model": LUNA}
    s.ask(**options)
    assert not s.ask(**{**options, **other}).cached
    assert s.ask(**{**options, **other}).cached


def test_another_address_is_another_answer(
    configured: Stub, open_session: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_session().ask("x", model=LUNA)
    monkeypatch.setenv("OPENAI_BASE_URL", configured.url("elsewhere", "/v1"))
    assert not open_session().ask("x", model=LUNA).cached


def test_bypass_neither_looks_nor_keeps_and_refresh_replaces(s: Session, stub: Stub) -> None:
    assert not s.ask("x", model=LUNA, cache="bypass").cached
    stub.rule("openai", "ok?text=old")
    assert s.ask("x", model=LUNA).text == "old"
    stub.rule("openai", "ok?text=new")
    assert s.ask("x", model=LUNA, cache="bypass").text == "new"
    assert s.ask("x", model=LUNA).text == "old"
    assert s.ask("x", model=LUNA, cache="refresh").text == "new"
    again = s.ask("x", model=LUNA)
    assert (again.text, again.cached) == ("new", True)


@pytest.mark.parametrize("fault", ["500", "html", "close_mid", "no_done", "empty", "garbage_mid"])
def test_a_failure_is_never_kept(s: Session, stub: Stub, fault: str) -> None:
    stub.plan("openai", fault)
    with pytest.raises(ProviderError):
        s.ask("x", model=LUNA)
    answer = s.ask("x", model=LUNA)
    assert not answer.cached
    assert s.ask("x", model=LUNA).text == answer.text


def test_an_answer_cut_at_max_tokens_stays_marked(s: Session, stub: Stub) -> None:
    stub.rule("openai", "length")
    assert [s.ask("x", model=LUNA).finish for _ in range(2)] == ["length", "length"]


def test_no_secret_and_no_prompt_lies_on_disk(s: Session, tmp_path: Path) -> None:
    s.ask("a prompt of mine", model=LUNA)
    files = [path for path in (tmp_path / "home" / "orch-cache").rglob("*") if path.is_file()]
    assert files
    for path in files:
        content = path.read_bytes()
        assert b"sk-openai-test" not in content
        assert b"a prompt of mine" not in content
