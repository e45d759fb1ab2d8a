"""A local server that nobody configured answers as soon as it is there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orch_nb import Session
from orch_nb.errors import Unreachable
from orch_nb.providers._memory import memory_for_models
from orch_nb.settings import SERVERS
from stub.client import Stub
from stub.wires.models import Row


@pytest.fixture
def usual(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> Stub:
    """The usual places of both servers are ports of this test."""
    ports = {"ollama": stub.port, "lmstudio": stub.dead_port()}
    for name, port in ports.items():
        monkeypatch.setitem(SERVERS, name, replace(SERVERS[name], port=port))
    return stub


def test_it_answers_for_nothing_and_sim_no_longer_does(usual: Stub) -> None:
    usual.models("", [Row("qwen3:4b"), Row("nomic", capabilities=("embedding",))])
    with Session({"probe": True}) as session:
        assert session.providers == ()
        assert usual.log() == []
        response = session.ask("Hello?")
        assert (response.model, response.cost) == ("ollama:qwen3:4b", 0)
        assert session.providers == ("ollama",)
        reasons = {row.model: row.reason for row in response.decision.rejected}
        assert reasons["ollama:nomic"] == "no chat model"
        assert "simulated" in reasons["sim:small"]
        assert "lmstudio" not in reasons


def test_a_model_larger_than_memory_is_refused_with_the_reason(usual: Stub) -> None:
    if memory_for_models() is None:
        pytest.skip("a graphics card has memory of its own here")
    usual.models("", [Row("small"), Row("huge", size=10**16)])
    with Session({"probe": True}) as session:
        decision = session.select("Hello?")
    assert decision.best.model == "ollama:small"
    reasons = {row.model: row.reason for row in decision.rejected}
    assert reasons["ollama:huge"].startswith("needs 10000000.0 GB of memory, ")


def test_without_it_sim_answers(usual: Stub) -> None:
    usual.rule("", "close", wire="models")
    with Session({"probe": True}) as session:
        assert session.ask("Hello?").simulated
        assert session.providers == ()


def test_one_that_is_named_is_tried(usual: Stub) -> None:
    with Session({"probe": True}) as session:
        assert session.ask("Hello?", model="ollama:any").model == "ollama:any"
        with pytest.raises(Unreachable, match="lmstudio:any: cannot reach"):
            session.ask("Hello?", model="lmstudio:any")


def test_when_it_goes_nobody_stands_in_for_it(usual: Stub) -> None:
    usual.models("", ["qwen3:4b"])
    with Session({"probe": True}) as session:
        session.ask("Hello?")
        usual.rule("", "close")
        with pytest.raises(Unreachable):
            session.ask("And now?")


def test_another_port_is_reached_for_the_list_and_the_answer(
    stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{stub.port}/box")
    stub.models("box", ["qwen3:4b"])
    with Session() as session:
        assert session.ask("Hello?").model == "ollama:qwen3:4b"
    assert {entry.wire for entry in stub.log("box")} == {"models", "show", "ps", "ollama"}
