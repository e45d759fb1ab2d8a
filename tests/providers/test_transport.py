"""Heads, names, certificates and connections that are not what they should be."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orch_nb.errors import ProviderError, TimedOut, Unreachable
from orch_nb.providers import Endpoint, compatible, ollama
from orch_nb.providers._transport import Transport
from orch_nb.types import Message, Request

Provider = compatible.Provider | ollama.Provider
ASK = Request((Message("user", "Is it?"),))
_SAID = {"content": "yes"}
_BODY = json.dumps(  # of each wire, and of what Ollama is asked before
    {
        "choices": [{"finish_reason": "stop", "message": _SAID}],
        "message": _SAID,
        "done": True,
        "capabilities": ["completion"],
        "models": [],
    }
).encode()
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" % len(_BODY)
OK = _HEAD + b"\r\n" + _BODY
#: Where an answer goes on in a packet of its own.
PAUSE = b"\0"
KINDS: list[type[Provider]] = [compatible.Provider, ollama.Provider]


class Server:
    """Gives each request `answer`, and none without one; over TLS with the certificate in `tls`.

    After an answer that comes `once` it closes the connection.
    """

    def __init__(self, answer: bytes | None, tls: Path | None, *, once: bool) -> None:
        self.answer, self._context, self._once = answer, None, once
        self.connections = 0
        #: Set when a request was read that is not answered.
        self.silent = threading.Event()
        if tls is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(tls)
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.place = f"localhost:{self.listening.getsockname()[1]}"

    def accept(self) -> None:
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
            with connection, connection.makefile("rb") as requests:
                while self._read(requests):
                    if self.answer is None:
                        self.silent.set()
                        continue
                    for packet in self.answer.split(PAUSE):
                        connection.sendall(packet)
                        time.sleep(0.05)
                    if self._once:
                        return
        except OSError:
            """The client has gone."""

    def _read(self, requests: object) -> bool:
        length, line = 0, b""
        while line != b"\r\n":
            if not (line := requests.readline()):  # type: ignore[attr-defined]
                return False
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        requests.read(length)  # type: ignore[attr-defined]
        return True


@contextmanager
def serving(
    answer: bytes | None, tls: Path | None = None, *, once: bool = False
) -> Iterator[Server]:
    server = Server(answer, tls, once=once)
    thread = threading.Thread(target=server.accept)
    thread.start()
    yield server
    server.listening.shutdown(socket.SHUT_RDWR)
    server.listening.close()
    thread.join()


def at(server: Server, scheme: str = "http") -> Endpoint:
    return Endpoint("alpha", f"{scheme}://{server.place}", stream=False)


async def ask(provider: Provider) -> str:
    return "".join([delta.text async for delta in provider.stream(ASK, "m")])


def answer(kind: type[Provider], endpoint: Endpoint) -> str:
    async def once() -> str:
        provider = kind(endpoint)
        try:
            return await ask(provider)
        finally:
            await provider.close()

    return asyncio.run(once())


@pytest.mark.parametrize("kind", KINDS)
def test_a_header_may_be_large(kind: type[Provider]) -> None:
    with serving(_HEAD + b"X-Policy: " + 40_000 * b"a" + b"\r\n\r\n" + _BODY) as server:
        assert answer(kind, at(server)) == "yes"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("chunk", [b"ZZ\r\nno", b"-5\r\nno", b"5\r\n{}" + 4 * b" " + b"5\r\n"])
def test_a_chunk_that_is_none_ends_the_answer(kind: type[Provider], chunk: bytes) -> None:
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    with serving(head + PAUSE + chunk) as server, pytest.raises(Unreachable, match="broke while"):
        answer(kind, at(server))


def test_a_large_answer_that_is_read_slowly_is_not_cut() -> None:
    text = 3_000_000 * "a"

    async def read_slowly() -> int:
        transport = Transport(ssl.create_default_context(), limit=1, connect=1.0)
        reply = await transport.send(f"http://{server.place}", {}, b"{}")
        size = 0
        async for piece in reply.aiter_raw():
            size += len(piece)
            await asyncio.sleep(0.01)  # the connection ends, and what is left waits to be read
        await reply.aclose()
        await transport.close()
        return size

    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
    with serving(head + text.encode(), once=True) as server:
        assert asyncio.run(read_slowly()) == len(text)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_http_is_said_to_be_none(kind: type[Provider]) -> None:
    with serving(b"SSH-2.0-OpenSSH\r\n") as server:
        with pytest.raises(Unreachable, match=f"what http://{server.place} answered") as caught:
            answer(kind, at(server))
        assert caught.value.asked
        assert server.connections == 1


def test_the_name_is_looked_up_within_the_time_to_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    found = threading.Event()

    def look_up(*args: object, **named: object) -> list[object]:
        found.wait(30.0)
        return []

    async def fail() -> ProviderError:
        provider = compatible.Provider(Endpoint("alpha", "http://models.invalid", connect=0.1))
        with pytest.raises(TimedOut, match="no connection to http://models") as caught:
            await ask(provider)
        found.set()
        await provider.close()
        return caught.value

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert not asyncio.run(fail()).asked


def test_what_is_under_way_when_it_is_closed_is_an_error() -> None:
    async def close() -> ProviderError:
        provider = compatible.Provider(at(server))
        await ask(provider)
        server.answer = None
        call = asyncio.create_task(ask(provider))
        await asyncio.to_thread(server.silent.wait)
        await provider.close()  # it is not sent again, although the connection was a kept one
        with pytest.raises(Unreachable) as caught:
            await call
        return caught.value

    with serving(OK) as server:
        assert asyncio.run(close()).asked


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the server's threads are not forked
@pytest.mark.parametrize("kind", KINDS)
def test_a_forked_process_leaves_connections_to_its_parent(kind: type[Provider]) -> None:
    with serving(OK) as server, asyncio.Runner() as runner:
        provider = kind(at(server))
        runner.run(ask(provider))
        if (child := os.fork()) == 0:
            said = ""
            try:
                said = asyncio.run(ask(provider))
            finally:
                os._exit(said != "yes")  # whatever happened, pytest must not go on here
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        runner.run(ask(provider))
        runner.run(provider.close())
        assert server.connections == 2


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With its key, for localhost; nobody has signed it."""
    if shutil.which("openssl") is None:
        pytest.skip("makes the certificate")
    place = tmp_path_factory.mktemp("tls") / "certificate.pem"
    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(place)]
    of = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "1"]
    made = subprocess.run([*new, *of], check=True, capture_output=True)
    with place.open("ab") as file:
        file.write(made.stdout)
    return place


@pytest.mark.parametrize("kind", KINDS)
def test_a_certificate_that_nobody_vouches_for(kind: type[Provider], certificate: Path) -> None:
    with serving(OK, certificate) as server:
        with pytest.raises(Unreachable, match=r"refused \(self-signed certificate\)") as caught:
            answer(kind, at(server, "https"))
        assert "SSL_CERT_FILE" in str(caught.value)
        assert not caught.value.asked
        assert not caught.value.retryable
        assert server.connections == 1


@pytest.mark.parametrize("kind", KINDS)
def test_one_that_the_environment_names(
    kind: type[Provider], certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(OK, certificate) as server:
        assert answer(kind, at(server, "https")) == "yes"
        other = Endpoint("alpha", f"https://{server.place.replace('localhost', '127.0.0.1')}")
        with pytest.raises(Unreachable, match="mismatch"):
            answer(kind, other)
