"""The tests' side of the server."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from stub.state import Entry, Stats
from stub.wires.models import Row

_TESTS = Path(__file__).parents[1]


class Stub:
    """A running server. A wrong spec raises ValueError here, not in the request that meets it."""

    def __init__(self, port: int, sink: int, control: int) -> None:
        self.port = port
        self.sink_url = f"http://127.0.0.1:{sink}"
        self._control = control

    def url(self, provider: str, path: str = "") -> str:
        """Where `provider` is, as ``url("alpha", "/v1")``."""
        return f"http://127.0.0.1:{self.port}/{provider}{path}"

    def plan(self, provider: str, *specs: str) -> None:
        """Answer the next requests with `specs`, one each; listing models takes none of them."""
        self._ask("plan", provider=provider, specs=specs)

    def rule(self, provider: str, spec: str, *, model: str = "*", wire: str = "*") -> None:
        """Answer all matching requests with `spec`; the latest rule counts.

        `provider` and `model` are globs. `wire` is chat, responses, messages, ollama, or one of
        `stub.state.LOOKUPS`; "*" is all but those.
        """
        self._ask("rule", provider=provider, spec=spec, model=model, wire=wire)

    def models(self, provider: str, rows: Sequence[str | Row]) -> None:
        """What `provider` lists: names, or rows with what a local server says of each."""
        full = [Row(row) if isinstance(row, str) else row for row in rows]
        self._ask("models", provider=provider, rows=[asdict(row) for row in full])

    def log(self, provider: str | None = None) -> list[Entry]:
        """Every request since the reset, in the order of arrival."""
        return [Entry(**entry) for entry in self._ask("log", provider=provider)]

    def sink_log(self) -> list[dict[str, Any]]:
        """Method, path, headers and body of every request to the second origin."""
        return list(self._ask("sink"))

    def bill(self) -> dict[str, dict[str, int]]:
        """``{"provider:model": {"calls": .., "input": .., "output": ..}}``, in tokens."""
        return dict(self._ask("bill"))

    def stats(self, provider: str | None = None) -> Stats:
        return Stats(**self._ask("stats", provider=provider))

    def wait_idle(self, seconds: float = 5.0) -> None:
        """Wait until no request is being answered. Raises TimeoutError."""
        self._ask("idle", seconds=seconds)

    def reset(self) -> None:
        """Forget plans, rules, models and logs, and cut open connections."""
        self._ask("reset")

    def dead_port(self) -> int:
        """A port that refuses connections."""
        return int(self._ask("dead_port"))

    def blackhole_port(self) -> int:
        """A port where connecting never ends (on Linux)."""
        return int(self._ask("blackhole_port"))

    def _ask(self, operation: str, **arguments: object) -> Any:
        with closing(http.client.HTTPConnection("127.0.0.1", self._control, timeout=30)) as http_:
            http_.request("POST", f"/{operation}", json.dumps(arguments))
            response = http_.getresponse()
            result = json.loads(response.read())
        if response.status == 400:
            raise ValueError(result)
        if response.status == 408:
            raise TimeoutError("requests are still being answered")
        return result


@contextmanager
def running() -> Iterator[Stub]:
    """Start a server in its own process; it ends with the block."""
    command = [sys.executable, "-m", "stub"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=_TESTS, stdin=pipe, stdout=pipe) as child:
        if child.stdout is None:  # never so with a pipe; typing cannot know
            raise RuntimeError("the stub has no standard output")
        yield Stub(**json.loads(child.stdout.readline()))
