"""Connections that are kept, and that a server ends."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path

import pytest

import orch_nb
from orch_nb.errors import ProviderError, Unreachable
from orch_nb.providers import Endpoint
from orch_nb.providers.compatible import Provider
from orch_nb.types import Message, Request

_CHOICE = {"index": 0, "finish_reason": "stop", "message": {"content": "yes"}}
_BODY = json.dumps({"choices": [_CHOICE]}).encode()
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_ANSWER = _HEAD + b"Content-Length: %d\r\n\r\n" % len(_BODY) + _BODY
ASK = Request((Message("user", "Is it?"),))


class Server:
    """Answers the first request of a connection, unless it `ends` new ones.

    How it ends a connection: "idle", right after an answer, without a word; "body", within the body
    of another request; all others when one was read: "close", "reset", "head" after a part of a
    head, "late" after a while.
    """

    def __init__(self, ends: str, *, new: bool = False) -> None:
        self._ends, self._new = ends, new
        #: Seconds between an answer and an idle end.
        self.pause = 0.01
        #: For each request that was read, the number of its connection.
        self.read: list[int] = []
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/v1"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        number = 0
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            number += 1
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with connection, connection.makefile("rb") as requests:
            answers = not self._new
            while length := _read_head(requests):
                if self._ends == "body" and not answers:
                    return  # with a reset, as there is more to read
                requests.read(length)
                self.read.append(number)
                if not answers:
                    self._end(connection)
                    return
                time.sleep(0.02)  # all that come together have connections of their own
                connection.sendall(_ANSWER)
                if self._ends == "idle":
                    time.sleep(self.pause)
                    return
                answers = False

    def _end(self, connection: socket.socket) -> None:
        if self._ends == "head":
            connection.sendall(_HEAD)
        if self._ends == "late":
            time.sleep(1.2)
        if self._ends == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _read_head(requests: object) -> int:
    """The length of the body, 0 where the client is gone."""
    length = 0
    while (line := requests.readline().strip().lower()) != b"":  # type: ignore[attr-defined]
        if line.startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return length


@contextmanager
def serving(ends: str, *, new: bool = False) -> Iterator[Server]:
    with closing(Server(ends, new=new)) as server:
        yield server


@asynccontextmanager
async def opened(server: Server) -> AsyncIterator[Provider]:
    provider = Provider(Endpoint("alpha", server.url, stream=False))
    try:
        yield provider
    finally:
        await provider.close()


async def ask(provider: Provider, request: Request = ASK) -> str:
    return "".join([delta.text async for delta in provider.stream(request, "m")])


def failure(server: Server, *, after: int) -> ProviderError:
    """Of a call that follows so many over the same connection."""

    async def fail() -> ProviderError:
        async with opened(server) as provider:
            for _ in range(after):
                await ask(provider)
            with pytest.raises(ProviderError) as caught:
                await ask(provider)
            return caught.value

    return asyncio.run(fail())


def test_a_server_that_closes_kept_connections_without_a_word_answers_all() -> None:
    async def forty() -> list[str]:
        async with opened(server) as provider:
            said = []
            for _ in range(40):
                said.append(await ask(provider))
                time.sleep(0.02)  # the loop does not hear of the end before it sends again
        return said

    with serving("idle") as server:
        assert asyncio.run(forty()) == ["yes"] * 40
        assert len(server.read) == 40


def test_a_connection_that_ends_while_a_request_is_on_its_way_loses_none() -> None:
    async def many(provider: Provider) -> None:
        for turn in range(100):
            # From the moment that the connection is taken to that of writing, and around it.
            server.pause = 0.001 + turn % 20 * 2e-5
            await ask(provider)
            await asyncio.sleep(0.001)

    async def eight() -> None:
        async with opened(server) as provider:
            await asyncio.gather(*(many(provider) for _ in range(8)))

    with serving("idle") as server:
        asyncio.run(eight())
        assert len(server.read) == 800


def test_a_long_request_of_which_a_part_was_read_is_sent_once_more() -> None:
    long = Request((Message("user", "Is it? " * 1_000_000),))

    async def twice() -> list[str]:
        async with opened(server) as provider:
            return [await ask(provider), await ask(provider, long)]

    with serving("body") as server:
        assert asyncio.run(twice()) == ["yes", "yes"]
    assert server.read == [1, 2]


@pytest.mark.parametrize("ends", ["close", "reset"])
def test_what_a_kept_connection_lost_is_sent_once_more_over_a_new_one(ends: str) -> None:
    async def many() -> list[str]:
        async with opened(server) as provider:
            said = await asyncio.gather(*(ask(provider) for _ in range(4)))
            return [*said, await ask(provider)]  # with four connections to choose from

    with serving(ends) as server:
        assert asyncio.run(many()) == ["yes"] * 5
    assert sorted(server.read[:4]) == [1, 2, 3, 4]
    lost, again = server.read[4:]
    assert lost < again == 5


def test_what_a_new_connection_lost_is_an_error() -> None:
    with serving("close", new=True) as server:
        error = failure(server, after=0)
        assert isinstance(error, Unreachable)
        assert error.asked
        assert server.read == [1]


@pytest.mark.parametrize("ends", ["head", "late"])
def test_what_may_have_been_answered_is_not_sent_again(ends: str) -> None:
    with serving(ends) as server:
        error = failure(server, after=1)
        assert isinstance(error, Unreachable)
        assert error.asked
        assert server.read == [1, 1]


def test_it_is_no_attempt_of_its_own(tmp_path: Path) -> None:
    with serving("close") as server:
        row = {"type": "compatible", "base_url": server.url, "max_retries": 0, "stream": False}
        config = {"providers": {"alpha": row}, "probe": False}
        with orch_nb.Session(config=config, directory=tmp_path) as session:
            answers = [session.ask(f"Is it {n}?", model="alpha:m") for n in range(6)]
    assert [answer.text for answer in answers] == ["yes"] * 6
    assert [len(answer.attempts) for answer in answers] == [1] * 6
    assert server.read == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6]
