"""What was listed is known to the next session, which does not wait to hear it again."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from orch_nb import Session
from stub.client import Stub

SCRIPT = """
import sys
from orch_nb import Session
with Session({"providers": {"alpha": {"type": "compatible", "base_url": sys.argv[1]}}}) as session:
    print(*session.catalog.ids())
"""


def rows(stub: Stub, *names: str) -> dict[str, Any]:
    return {
        "providers": {
            name: {"type": "compatible", "base_url": stub.url(name, "/v1"), "max_retries": 0}
            for name in names
        }
    }


def test_another_process_knows_without_asking(stub: Stub) -> None:
    stub.models("alpha", ["one", "two"])
    with Session(rows(stub, "alpha")) as session:
        session.models()
    asked = len(stub.log("alpha"))
    command = [sys.executable, "-c", SCRIPT, stub.url("alpha", "/v1")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["alpha:one", "alpha:two"]
    assert len(stub.log("alpha")) == asked


def test_the_first_prompt_of_the_next_session_does_not_wait(stub: Stub) -> None:
    with Session(rows(stub, "alpha", "beta")) as session:
        session.models()
    stub.rule("beta", "hang", wire="models")
    with Session(rows(stub, "alpha", "beta")) as session:
        assert session.ask("hello").text
        assert session.catalog.unreachable() == ()  # had it waited, it would know
        session.refresh()  # waits
        assert [row.model for row in session.catalog.unreachable()] == ["beta"]
        assert {choice.card.provider for choice in session.select("hello").ranking} == {"alpha"}


def test_a_new_model_is_chosen_from_later_on(stub: Stub) -> None:
    stub.models("alpha", ["old"])
    with Session(rows(stub, "alpha")) as session:
        session.models()
    stub.models("alpha", ["new", "old"])
    with Session(rows(stub, "alpha")) as session:
        assert [choice.model for choice in session.select("hello").ranking] == ["alpha:old"]
        deadline = time.monotonic() + 30
        while len(session.catalog.ids()) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        ranking = [choice.model for choice in session.select("hello").ranking]
        assert sorted(ranking) == ["alpha:new", "alpha:old"]


def test_a_session_that_is_closed_while_it_asks_leaves_nothing(stub: Stub) -> None:
    with Session(rows(stub, "alpha")) as session:
        session.models()
    stub.rule("alpha", "hang", wire="models")
    before = threading.active_count()
    with Session(rows(stub, "alpha")) as session:
        session.select("hello")
    assert threading.active_count() == before
    stub.wait_idle()


def test_a_key_that_is_refused_leaves_nothing_to_pick(stub: Stub) -> None:
    stub.rule("beta", "401", wire="models")
    with Session(rows(stub, "alpha", "beta")) as session:
        assert {choice.card.provider for choice in session.select("hello").ranking} == {"alpha"}
        assert [row.model for row in session.catalog.unreachable()] == ["beta"]


def test_what_does_not_suffice_is_asked_for(stub: Stub, tmp_path: Path) -> None:
    picture = tmp_path / "dot.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 20)
    with Session(rows(stub, "alpha")) as session:
        session.models()
    config = rows(stub, "alpha", "beta")
    stub.models("beta", ["gpt-6-luna"])  # reads images, as the snapshot knows
    with Session(config) as session:
        best = session.select("what is this?", images=[picture]).best
        assert best.model == "beta:gpt-6-luna"


def test_loading_asks_nobody(stub: Stub) -> None:
    with Session(rows(stub, "alpha")) as session:
        session.catalog.ids()
        assert session.providers == ("alpha",)
    assert stub.log("alpha") == []
