"""A server that answers with the very bytes that a test gives it, one answer after the other."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

#: The provider types, each with what its base URL adds, and the form of its stream.
WIRES = {
    "chat": ("compatible", "/v1", "text/event-stream"),
    "messages": ("anthropic", "", "text/event-stream"),
    "ollama": ("ollama", "", "application/x-ndjson"),
}


def reply(
    body: bytes | str, kind: str = "text/event-stream", *extra: str, status: int = 200
) -> bytes:
    """A response that ends where its length says."""
    data = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    head = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", f"Content-Length: {len(data)}", *extra]
    return "\r\n".join([*head, "", ""]).encode() + data


def sse(*events: object) -> str:
    """Server-sent events: text as it is, all else as JSON."""
    return "".join(f"data: {e if isinstance(e, str) else json.dumps(e)}\n\n" for e in events)


def lines(*events: object) -> str:
    """One JSON object a line."""
    return "".join(f"{e if isinstance(e, str) else json.dumps(e)}\n" for e in events)


class _Handler(socketserver.StreamRequestHandler):
    server: Scripted

    def handle(self) -> None:
        while line := self.rfile.readline():
            size = 0
            while header := self.rfile.readline().strip():
                name, _, value = header.partition(b":")
                if name.lower() == b"content-length":
                    size = int(value)
            body = self.rfile.read(size)
            _, path, _ = line.decode().split(" ")
            if path.endswith(("/api/show", "/api/ps", "/models", "/api/tags")):
                self.wfile.write(reply("{}", "application/json"))
                continue
            said = self.server.next(path, body)
            for part in said:
                if isinstance(part, bytes):
                    self.wfile.write(part)
                elif self.server.ended.wait(part):
                    return
            if said and said[-1] == b"":  # hang up
                return


class Scripted(socketserver.ThreadingTCPServer):
    """Answers what is posted below ``/NAME`` with what NAME has left of its script.

    An answer is bytes, and numbers for pauses in seconds; an empty last part hangs up. The last
    answer is given for ever.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)
        self.scripts: defaultdict[str, deque[Sequence[bytes | float]]] = defaultdict(deque)
        self.asked: list[tuple[str, Any]] = []
        self.ended = threading.Event()
        self._open: list[socket.socket] = []

    def url(self, name: str, path: str = "") -> str:
        host, port = self.server_address[:2]
        written = f"[{host!s}]" if ":" in str(host) else host
        return f"http://{written!s}:{port}/{name}{path}"

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._open.append(connection)
        return connection, address

    def hang_up(self) -> None:
        """End, with all connections, as a server does that is stopped."""
        self.ended.set()
        self.shutdown()
        self.server_close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def wait_idle(self) -> None:
        """Wait until every connection that it hangs up is closed; what comes later is lost."""
        while any(connection.fileno() >= 0 for connection in self._open):
            time.sleep(0.001)

    def script(self, name: str, *answers: bytes | Sequence[bytes | float]) -> None:
        self.scripts[name] = deque([a] if isinstance(a, bytes) else a for a in answers)

    def next(self, path: str, body: bytes) -> Sequence[bytes | float]:
        name = path.split("/")[1]
        self.asked.append((name, json.loads(body)))
        script = self.scripts[name]
        return script.popleft() if len(script) > 1 else script[0]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who hangs up on us is right."""


@contextmanager
def scripted(port: int = 0, made: Scripted | None = None) -> Iterator[Scripted]:
    """A server that runs as long as the block."""
    with made or Scripted(port=port) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.hang_up()
            thread.join()
