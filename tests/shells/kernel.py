"""A real kernel in its own process, and the messages that a front end would get."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

#: How long a kernel may be silent. It never is for so long; a busy machine is slow.
SECONDS = 90.0
#: How long the reply to a cell that has ended may take, if there is one.
REPLY = 10.0
Content = dict[str, Any]


@dataclass
class Ran:
    """One executed cell: its reply, its messages in order, and how long it took."""

    reply: Content = field(default_factory=dict)
    messages: list[tuple[str, Content]] = field(default_factory=list)
    seconds: float = 0.0

    def of(self, kind: str) -> list[Content]:
        """The contents of the messages of one type."""
        return [content for type_, content in self.messages if type_ == kind]

    @property
    def stdout(self) -> str:
        return "".join(stream["text"] for stream in self.of("stream") if stream["name"] == "stdout")

    @property
    def result(self) -> Content:
        """The one execute_result."""
        (result,) = self.of("execute_result")
        return result

    @property
    def saved(self) -> list[Content]:
        """What a notebook file keeps of the displays: the last look of each."""
        looks: dict[str, Content] = {}
        for kind, content in self.messages:
            if kind in ("display_data", "update_display_data"):
                looks[content["transient"].get("display_id", str(len(looks)))] = content["data"]
        return list(looks.values())


class Kernel:
    """A started kernel and a client of it."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager, self.client = manager, client

    def run(
        self, code: str, during: Callable[[Ran], None] | None = None, *, stopped: bool = False
    ) -> Ran:
        """Execute a cell to its end. `during` is called with each new message.

        One that is `stopped` may end without a reply: where the interrupt strikes between the
        cell's end and its reply, ipykernel catches it, and sends none.
        """
        ran, started = Ran(), time.monotonic()
        sent = self.client.execute(code, store_history=True)
        while True:
            message = self.client.get_iopub_msg(timeout=SECONDS)
            if message["parent_header"].get("msg_id") != sent:
                continue
            kind, content = message["msg_type"], message["content"]
            ran.messages.append((kind, content))
            if kind == "status" and content["execution_state"] == "idle":
                break
            if during is not None:
                during(ran)
        ran.seconds = time.monotonic() - started
        with suppress(Empty) if stopped else nullcontext():
            ran.reply = self._reply(sent, REPLY if stopped else SECONDS)
        return ran

    def _reply(self, sent: str, seconds: float = SECONDS) -> Content:
        while True:
            message = self.client.get_shell_msg(timeout=seconds)
            if message["parent_header"].get("msg_id") == sent:
                return dict(message["content"])

    def complete(self, code: str, cursor: int | None = None) -> Content:
        """The content of a complete_reply."""
        return self._reply(self.client.complete(code, len(code) if cursor is None else cursor))


@contextmanager
def running(folder: Path, environment: Mapping[str, str]) -> Iterator[Kernel]:
    """A kernel in `folder` with nothing but `environment` and what a program needs to start."""
    home = folder / ".home"
    home.mkdir(parents=True, exist_ok=True)
    base = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    places = {name: str(home) for name in ("HOME", "IPYTHONDIR", "JUPYTER_RUNTIME_DIR")}
    places |= {"ORCH_HOME": str(home / "orch"), "ORCH_CACHE_DIR": str(home / "cache")}
    manager = KernelManager()
    manager.start_kernel(cwd=str(folder), env=base | places | environment)
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=SECONDS)
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()
