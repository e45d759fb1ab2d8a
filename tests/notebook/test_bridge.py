"""The link to JupyterLab, spoken by a client of a real kernel as the page speaks it."""

from __future__ import annotations

import json
import queue
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shells.kernel import SECONDS, Kernel
from stub.client import Stub
from stub.spec import write

FIXTURES = Path(__file__).parents[2] / "extension" / "fixtures"
MESSAGES = json.loads((FIXTURES / "messages.json").read_text())
COMMANDS = MESSAGES["commands"]
SMALL = "alpha:stub-small"


class Page:
    """What JupyterLab's side does: adopts the kernel's comm, and has one of its own."""

    def __init__(self, kernel: Kernel, state: str) -> None:
        self._client, self._state = kernel.client, state
        self._comm = uuid.uuid4().hex
        self.got: list[dict[str, Any]] = []

    def send(self, data: dict[str, Any], kind: str = "comm_msg") -> None:
        content = {"comm_id": self._comm, "data": data}
        if kind == "comm_open":
            content["target_name"] = "orch_nb.command"
        self._client.shell_channel.send(self._client.session.msg(kind, content))

    def wait(self, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first message that `fits`, from now on."""
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            try:
                message = self._client.get_iopub_msg(timeout=0.2)
            except queue.Empty:
                continue
            content = message["content"]
            if message["msg_type"] == "comm_msg" and content["comm_id"] == self._state:
                self.got.append(content["data"])
                if fits(content["data"]):
                    return dict(content["data"])
        raise AssertionError(f"not among {self.got}")

    def state(self, fits: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[str, Any]:
        found = self.wait(lambda d: d["type"] == "state" and fits(d["state"]))
        return dict(found["state"])


@pytest.fixture
def page(kernel: Kernel, stub: Stub) -> Page:
    """A page that has said hello to the extension, just loaded, and got its first state."""
    kernel.run("%unload_ext orch_nb")
    (opened,) = kernel.run("%load_ext orch_nb").of("comm_open")
    assert opened["target_name"] == "orch_nb.state"
    assert opened["data"] == MESSAGES["hello"]
    page = Page(kernel, opened["comm_id"])
    page.send(COMMANDS["hello"], "comm_open")
    page.state()
    return page


def shape(value: Any) -> Any:
    """The keys of `value` and of what is in it; of a list those of its first item."""
    if isinstance(value, dict):
        return {key: shape(part) for key, part in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else None


def test_the_state_has_the_keys_that_the_page_reads(kernel: Kernel, page: Page) -> None:
    kernel.run(f"%orch -m {SMALL} Name three rivers")  # which hears what was pushed meanwhile
    page.send(COMMANDS["hello"])
    found = page.state(lambda s: bool(s["calls"]))
    told = shape(MESSAGES["state"]["state"])
    assert found.keys() == told.keys()
    assert found["spend"].keys() == told["spend"].keys()
    for key in ("models", "calls", "tools"):
        assert found[key][0].keys() == told[key][0].keys()
    (call,) = found["calls"]
    assert (call["number"], call["model"], call["outcome"]) == (1, SMALL, "ok")
    assert call["prompt"] == "Name three rivers"
    assert found["spend"]["known"] == call["cost"] > 0
    (small,) = [row for row in found["models"] if row["id"] == SMALL]
    assert (small["calls"], small["spend"], small["on"]) == (1, call["cost"], True)
    assert sum(found["weights"].values()) == pytest.approx(1)


def test_commands_change_the_session_and_the_session_the_page(kernel: Kernel, page: Page) -> None:
    page.send(COMMANDS["strategy"])
    assert page.state(lambda s: s["strategy"] == "cost")
    page.send(COMMANDS["weights"])
    assert page.state(
        lambda s: s["weights"] == pytest.approx({"cost": 0.6, "quality": 0.3, "speed": 0.1})
    )
    page.send({**COMMANDS["pin"], "model": SMALL})
    assert page.state(lambda s: {"name": "sql", "model": SMALL} in s["tools"])
    page.send({**COMMANDS["switch"], "name": SMALL, "on": False})
    assert page.state(lambda s: any(m["id"] == SMALL and not m["on"] for m in s["models"]))
    page.send({**COMMANDS["switch"], "name": SMALL, "on": True})
    page.send(COMMANDS["unpin"])
    assert page.state(lambda s: all(row["model"] is None for row in s["tools"]))
    said = kernel.run("%orch_select").stdout
    assert "strategy cost" in said
    kernel.run("%orch_select --strategy balanced")
    page.send(COMMANDS["hello"])
    assert page.state(lambda s: s["strategy"] == "balanced")


def test_a_prompt_is_ranked_while_it_is_written_and_nobody_is_asked(
    kernel: Kernel, page: Page, stub: Stub
) -> None:
    page.send({**COMMANDS["rank"], "line": "%%orch --exclude alpha:stub-large"})
    found = page.wait(lambda d: d["type"] == "ranking")
    told = MESSAGES["ranking"]
    assert found.keys() == told.keys()
    assert found["rows"][0].keys() == told["rows"][0].keys()
    assert (found["request"], found["error"]) == (7, "")
    assert "alpha:stub-large" in [row["model"] for row in found["rejected"]]
    page.send({**COMMANDS["rank"], "line": "%%orch --exlude x", "request": 8})
    assert "did you mean --exclude" in page.wait(lambda d: d.get("request") == 8)["error"]
    assert not [entry for entry in stub.log() if entry.method == "POST"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"type": "set", "strategy": "cots"}, "did you mean cost"),
        ({"type": "pin", "tool": "sql", "model": "beta:x"}, "unknown model"),
        ({"type": "dance"}, "not known here"),
        ({"type": "set", "strategy": 3}, "not known here"),
        ({"type": "switch", "name": "x", "on": True, "more": 1}, "not known here"),
        ({}, "not known here"),
    ],
)
def test_what_is_wrong_is_answered_and_changes_nothing(
    page: Page, data: dict[str, Any], words: str
) -> None:
    page.send(data)
    found = page.wait(lambda d: d["type"] == "error")
    assert found.keys() == MESSAGES["error"].keys()
    assert words in found["message"]
    page.send(COMMANDS["hello"])
    assert page.state()["strategy"] == "balanced"


def test_while_a_cell_runs_a_subshell_hears_commands(
    kernel: Kernel, page: Page, stub: Stub
) -> None:
    stub.rule("alpha", write("ok", words=300, delay=0.05))
    client = kernel.client
    created = client.session.msg("create_subshell_request", {})
    client.control_channel.send(created)
    reply = client.get_control_msg(timeout=120)
    running = client.execute(f"%orch -m {SMALL} Name all rivers")
    page.state(lambda s: s["busy"] == [{"model": SMALL, "calls": 1}])
    stop = client.session.msg("comm_msg", {"comm_id": page._comm, "data": COMMANDS["stop"]})
    stop["header"]["subshell_id"] = reply["content"]["subshell_id"]
    client.shell_channel.send(stop)
    page.state(lambda s: s["busy"] == [] and bool(s["calls"]))
    ended = client.get_shell_msg(timeout=120)
    while ended["parent_header"]["msg_id"] != running:
        ended = client.get_shell_msg(timeout=120)
    assert ended["content"]["ename"] == "Interrupted"
    subshell = {"subshell_id": reply["content"]["subshell_id"]}
    client.control_channel.send(client.session.msg("delete_subshell_request", subshell))
    assert client.get_control_msg(timeout=120)["content"]["status"] == "ok"


def test_a_page_that_was_loaded_again_adopts_the_link(kernel: Kernel, page: Page) -> None:
    again = Page(kernel, page._state)
    again.send(COMMANDS["hello"], "comm_open")
    assert again.state()["strategy"] == "balanced"


def test_a_page_that_refused_leaves_a_link_for_the_next(kernel: Kernel, page: Page) -> None:
    client = kernel.client
    client.shell_channel.send(
        client.session.msg("comm_close", {"comm_id": page._state, "data": {}})
    )
    client.comm_info("orch_nb.state")
    reply = client.get_shell_msg(timeout=120)
    while reply["msg_type"] != "comm_info_reply":
        reply = client.get_shell_msg(timeout=120)
    (found,) = reply["content"]["comms"]
    assert found != page._state
    again = Page(kernel, found)
    again.send(COMMANDS["hello"], "comm_open")
    assert again.state()["strategy"] == "balanced"


def test_updates_come_at_most_four_times_a_second(kernel: Kernel, page: Page, stub: Stub) -> None:
    client = kernel.client
    started = time.monotonic()
    client.execute(f"for n in range(60):\n    %orch -m {SMALL} --quiet {{{{ n }}}}")
    page.state(lambda s: bool(s["calls"]) and s["calls"][0]["number"] == 60)
    took = time.monotonic() - started
    states = sum(data["type"] == "state" for data in page.got)
    assert states <= 4 * took + 3


def test_without_the_extension_it_goes(kernel: Kernel, page: Page) -> None:
    (closed,) = kernel.run("%unload_ext orch_nb").of("comm_close")
    assert closed["comm_id"] == page._state
