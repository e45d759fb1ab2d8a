"""The third origin, where tests say what they want and read what was seen."""

from __future__ import annotations

import json
import socket
from dataclasses import asdict
from typing import Any

from stub.connection import Connection, Request
from stub.server import Server
from stub.spec import parse
from stub.state import LOOKUPS, Rule
from stub.wires import WIRES
from stub.wires.models import Row


class Control:
    """One method for each operation; its arguments are the fields of the JSON that was posted."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._held: list[socket.socket] = []

    async def answer(self, connection: Connection, request: Request) -> None:
        operation = getattr(self, f"do_{request.target.removeprefix('/')}")
        try:
            result, status = await operation(**json.loads(request.body)), 200
        except (ValueError, TimeoutError) as error:
            result, status = str(error), 408 if isinstance(error, TimeoutError) else 400
        await connection.respond(json.dumps(result).encode(), status)

    async def do_plan(self, provider: str, specs: list[str]) -> None:
        for spec in specs:
            parse(spec)
        self._server.state.plans[provider].extend(specs)

    async def do_rule(self, **rule: str) -> None:
        parse(rule["spec"])
        if rule["wire"] not in (known := ("*", *sorted(LOOKUPS), *WIRES)):
            raise ValueError(f"wire is {', '.join(known)}; not {rule['wire']!r}")
        self._server.state.rules.append(Rule(**rule))

    async def do_models(self, provider: str, rows: list[dict[str, Any]]) -> None:
        self._server.state.models[provider] = [Row(**row) for row in rows]

    async def do_log(self, provider: str | None) -> list[dict[str, Any]]:
        return [asdict(entry) for entry in self._server.state.entries(provider)]

    async def do_sink(self) -> list[dict[str, Any]]:
        return self._server.state.sink

    async def do_bill(self) -> dict[str, Any]:
        return dict(self._server.state.bill())

    async def do_stats(self, provider: str | None) -> dict[str, int]:
        return asdict(self._server.state.stats(provider, len(self._server.live)))

    async def do_idle(self, seconds: float) -> None:
        await self._server.state.idle(seconds)

    async def do_reset(self) -> None:
        self._server.reset()

    async def do_dead_port(self) -> int:
        """Bound and never listening: connections are refused."""
        return self._hold(socket.socket())

    async def do_blackhole_port(self) -> int:
        """Listening with a full queue: connections are neither made nor refused (on Linux)."""
        listening = socket.socket()
        port = self._hold(listening)
        listening.listen(0)
        for _ in range(4):
            waiting = socket.socket()
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
            self._held.append(waiting)
        return port

    def _hold(self, held: socket.socket) -> int:
        """Bind to a free port, for as long as the server lives."""
        held.bind(("127.0.0.1", 0))
        self._held.append(held)
        return int(held.getsockname()[1])
