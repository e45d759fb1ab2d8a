"""Every setting of a provider acts, seen from the server."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from orch_nb import Session
from orch_nb.errors import OrchError, RateLimited, ServerFailed, TimedOut, UnknownNameError
from session.conftest import Open
from stub.client import Stub

MODEL = "team:m"


@pytest.fixture
def team(stub: Stub, open_session: Open) -> Any:
    def open_team(**row: Any) -> Session:
        url = stub.url("team", "/v1")
        full = {"type": "compatible", "base_url": url, "max_retries": 0, **row}
        return open_session(providers={"team": full})

    return open_team


def test_rate_limit(team: Any, stub: Stub) -> None:
    session = team(rate_limit_per_minute=2)
    for number in range(2):
        session.ask(f"call {number}", model=MODEL)
    with pytest.raises(RateLimited, match="rate_limit_per_minute"):
        session.ask("the third must wait for half a minute", model=MODEL, deadline=1)
    assert len(stub.log("team")) == 2


@pytest.mark.parametrize("most", [1, 3])
def test_max_connections(team: Any, stub: Stub, most: int) -> None:
    session = team(max_connections=most)
    stub.rule("team", "ok?delay=0.06&words=5")
    prompts = [f"prompt {number}" for number in range(6)]
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda prompt: session.ask(prompt, model=MODEL), prompts))
    assert len({answer.text for answer in answers}) == 6
    assert stub.stats("team").max_inflight == most


def test_timeout(team: Any, stub: Stub) -> None:
    stub.rule("team", "hang")
    with pytest.raises(TimedOut, match=r"limits\.attempt"):
        team(timeout=0.2).ask("hello", model=MODEL)


@pytest.mark.parametrize("retries", [0, 2])
def test_max_retries(team: Any, stub: Stub, retries: int) -> None:
    stub.rule("team", "500")
    with pytest.raises(ServerFailed):
        team(max_retries=retries).ask("hello", model=MODEL)
    assert len(stub.log("team")) == retries + 1


def test_headers_key_and_organization(
    team: Any, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEAM_KEY", "sk-team-secret")
    session = team(api_key_env="TEAM_KEY", headers={"X-Team": "blue"}, organization="org-1")
    session.ask("hello", model=MODEL)
    sent = stub.log("team")[-1].headers
    assert sent["authorization"] == "Bearer sk-team-secret"
    assert (sent["x-team"], sent["openai-organization"]) == ("blue", "org-1")


def test_key_from_python(team: Any, stub: Stub) -> None:
    team(api_key="sk-from-python").ask("hello", model=MODEL)
    assert stub.log("team")[-1].headers["authorization"] == "Bearer sk-from-python"


def test_switched_off(team: Any, stub: Stub) -> None:
    with pytest.raises(UnknownNameError, match="providers here"):
        team(enabled=False).ask("hello", model=MODEL)
    assert not stub.log("team")


def test_priority_breaks_ties(stub: Stub, open_session: Open) -> None:
    rows = {
        name: {"type": "compatible", "base_url": stub.url(name, "/v1"), "priority": priority}
        for name, priority in (("first", 90), ("second", 10))
    }
    for name in rows:
        stub.models(name, ["same"])
    assert open_session(providers=rows).select("hello").best.model == "second:same"


def test_type_is_checked(open_session: Open) -> None:
    with pytest.raises(OrchError, match="compatible"):
        open_session(providers={"team": {"type": "compatibel"}})
