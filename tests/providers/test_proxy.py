"""A proxy between, as the environment names one."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from orch_nb.errors import RequestRefused, Unreachable
from orch_nb.providers import Endpoint, anthropic, compatible, ollama
from orch_nb.providers._port import Port
from orch_nb.types import Message, Request

HOST = "http://models.invalid"
SAID = {"role": "assistant", "content": "yes"}
ANSWERS: dict[str, dict[str, object]] = {
    "/v1/chat/completions": {"choices": [{"message": SAID, "finish_reason": "stop"}]},
    "/v1/messages": {"content": [{"type": "text", "text": "yes"}], "stop_reason": "end_turn"},
    "/api/chat": {"message": SAID, "done": True},
    "/api/show": {"capabilities": ["completion"]},
    "/api/ps": {"models": []},
}
KINDS: dict[str, tuple[type, str]] = {
    "chat": (compatible.Provider, f"{HOST}/v1"),
    "messages": (anthropic.Provider, HOST),
    "ollama": (ollama.Provider, HOST),
}


class _Proxy(BaseHTTPRequestHandler):
    """Answers in the place of `HOST`."""

    protocol_version = "HTTP/1.1"
    asked: ClassVar[list[tuple[str, str]]] = []
    status: ClassVar[int] = 200

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.asked.append((self.path, self.headers.get("accept-encoding", "")))
        body = json.dumps(ANSWERS[self.path.removeprefix(HOST)]).encode()
        self.send_response(self.status)
        self.send_header("content-type", "application/json")
        self.send_header("location", f"{HOST}/elsewhere")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST  # noqa: N815 - as the base class calls it

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""


@contextmanager
def proxied(monkeypatch: pytest.MonkeyPatch, status: int = 200) -> Iterator[list[tuple[str, str]]]:
    """What the proxy is asked for, each with the encodings that are accepted."""
    asked: list[tuple[str, str]] = []
    handler = type("Handler", (_Proxy,), {"asked": asked, "status": status})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{server.server_port}")
        yield asked
        server.shutdown()


def ask(wire: str) -> str:
    kind, url = KINDS[wire]
    provider: Port = kind(Endpoint("a", url, key="sk-test", stream=False))
    request = Request((Message("user", "Is it?"),))

    async def once() -> str:
        try:
            return "".join([delta.text async for delta in provider.stream(request, "m")])
        finally:
            await provider.close()

    return asyncio.run(once())


@pytest.mark.parametrize("wire", KINDS)
def test_the_proxy_is_asked(monkeypatch: pytest.MonkeyPatch, wire: str) -> None:
    with proxied(monkeypatch) as asked:
        assert ask(wire) == "yes"
    assert all(path.startswith(HOST) for path, _ in asked)
    assert {encodings for _, encodings in asked} == {"identity"}


@pytest.mark.parametrize("wire", KINDS)
def test_it_redirects_nobody(monkeypatch: pytest.MonkeyPatch, wire: str) -> None:
    with proxied(monkeypatch, status=307) as asked, pytest.raises(RequestRefused, match="307"):
        ask(wire)
    assert not [path for path, _ in asked if "elsewhere" in path]


@pytest.mark.parametrize("wire", KINDS)
def test_a_proxy_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch, wire: str) -> None:
    with proxied(monkeypatch):
        pass
    with pytest.raises(Unreachable, match=f"cannot reach {HOST}") as caught:
        ask(wire)
    assert not caught.value.asked
