"""Requests without an SDK, for tests that look at bytes or hang up."""

from __future__ import annotations

import http.client
import json
import socket
from contextlib import closing
from typing import Any

from stub.client import Stub

PROMPT = "How deep is the Öresund at its deepest?"
PATHS = {
    "chat": "/v1/chat/completions",
    "responses": "/v1/responses",
    "messages": "/v1/messages",
    "ollama": "/api/chat",
}
WIRES = tuple(PATHS)


def request(wire: str, *, stream: bool, model: str = "m") -> dict[str, Any]:
    turns = [{"role": "user", "content": PROMPT}]
    body = {"model": model, "stream": stream, "max_tokens": 99}
    if wire == "chat":
        body["stream_options"] = {"include_usage": True}
    return {**body, ("input" if wire == "responses" else "messages"): turns}


def post(
    stub: Stub, wire: str, *, stream: bool, model: str = "m", provider: str = "alpha"
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body, without a client that could forgive anything."""
    with closing(http.client.HTTPConnection("127.0.0.1", stub.port, timeout=10)) as connection:
        body = json.dumps(request(wire, stream=stream, model=model))
        headers = {"Authorization": "Bearer sk-stub"}
        connection.request("POST", f"/{provider}{PATHS[wire]}", body, headers)
        response = connection.getresponse()
        return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()


def events(body: bytes) -> list[Any]:
    starts = (b"data:", b"{")
    lines = [line.removeprefix(b"data: ") for line in body.split(b"\n") if line.startswith(starts)]
    return [json.loads(line) for line in lines if line != b"[DONE]"]


def open_socket(stub: Stub, wire: str, *, stream: bool = True) -> socket.socket:
    """A connection that has just asked, for tests that hang up or read byte by byte."""
    body = json.dumps(request(wire, stream=stream)).encode()
    start = f"POST /alpha{PATHS[wire]} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    sock = socket.create_connection(("127.0.0.1", stub.port), timeout=10)
    sock.sendall(start.encode() + body)
    return sock
