"""What a server would like to be told again."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from orch_nb.providers import Endpoint
from orch_nb.providers.compatible import Provider
from orch_nb.types import Message, Request

_CHOICE = {"index": 0, "finish_reason": "stop", "message": {"content": "yes"}}
_BODY = json.dumps({"choices": [_CHOICE]}).encode()
ASK = Request((Message("user", "Is it?"),))


class Tracker(BaseHTTPRequestHandler):
    """Sets a cookie with each answer, and keeps the cookies that come."""

    protocol_version = "HTTP/1.1"
    cookies: list[str | None]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.cookies.append(self.headers["cookie"])
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(_BODY)))
        self.send_header("set-cookie", "caller=1; Path=/")
        self.end_headers()
        self.wfile.write(_BODY)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: pytest shows what a test says."""


@pytest.fixture
def tracker() -> Iterator[ThreadingHTTPServer]:
    Tracker.cookies = []
    with ThreadingHTTPServer(("localhost", 0), Tracker) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_no_cookie_of_one_answer_goes_with_the_next_request(tracker: ThreadingHTTPServer) -> None:
    # By name: no client keeps the cookies of an address that is a number.
    provider = Provider(
        Endpoint("alpha", f"http://localhost:{tracker.server_port}/v1", stream=False)
    )

    async def ask_twice() -> None:
        for _ in range(2):
            assert "".join([d.text async for d in provider.stream(ASK, "m")]) == "yes"
        await provider.close()

    asyncio.run(ask_twice())
    assert Tracker.cookies == [None, None]
