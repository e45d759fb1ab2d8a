"""The life of the child processes in which llama.cpp runs."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from orch_nb import Session
from orch_nb.errors import ProviderError, ServerFailed
from orch_nb.invoke.attempt import Answer
from orch_nb.providers import Endpoint, _llama
from orch_nb.providers._llama_pool import ChildWire
from orch_nb.providers.local import Provider
from providers.local_models import ask, children, opened, request

pytestmark = pytest.mark.usefixtures("no_orphans")


def test_a_child_starts_with_the_first_request_and_ends_with_the_session(shelf: Path) -> None:
    models = {"local:tiny": {"path": shelf / "tiny.gguf"}}
    with Session({"models": models, "cache": "off"}) as session:
        assert session.providers == ("local",)
        session.select("hello")
        assert children() == []
        response = session.ask("hello", max_tokens=4)
        (child,) = children()
        session.ask("hello", max_tokens=4)
        assert children() == [child]
        assert response.model == "local:tiny"
        assert response.cost == response.billed == 0
        assert child.uids().real == os.getuid()
        assert not [part for part in child.cmdline() if len(part) > 40 and "/" not in part]
    assert children() == []


def test_a_session_that_was_closed_loads_again(shelf: Path) -> None:
    session = Session({"models": {"local:tiny": {"path": shelf / "tiny.gguf"}}, "cache": "off"})
    for _ in range(2):
        assert session.ask("hello", max_tokens=4, temperature=0).finish == "length"
        session.close()
        assert children() == []


def test_nobody_else_can_use_the_port(shelf: Path) -> None:
    async def once() -> int:
        async with opened(shelf) as provider:
            await ask(provider)
            (child,) = children()
            listening = [c for c in child.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
            (port,) = {(c.laddr.ip, c.laddr.port) for c in listening}
            stranger = ChildWire(Endpoint("local", f"http://{port[0]}:{port[1]}/v1", "guessed"))
            with pytest.raises(ProviderError) as caught:
                await anext(stranger.stream(request(), "tiny"))
            await stranger.close()
            assert port[0] == "127.0.0.1"
            return caught.value.status or 0

    assert asyncio.run(once()) == 401


def test_a_crash_is_an_error_and_the_next_call_starts_again(shelf: Path) -> None:
    async def kill_while_answering(provider: Provider) -> None:
        killed = False
        async with aclosing(provider.stream(request(max_tokens=None), "long")) as stream:
            async for delta in stream:
                if delta.text and not killed:
                    children()[0].kill()
                    killed = True

    async def once() -> tuple[ProviderError, Answer]:
        async with opened(shelf) as provider:
            with pytest.raises(ProviderError) as caught:
                await kill_while_answering(provider)
            return caught.value, await ask(provider, "long")

    error, answer = asyncio.run(once())
    assert type(error) is ServerFailed
    assert "crashed (SIGKILL) while answering" in str(error)
    assert answer.text


def test_a_crash_between_calls_is_not_noticed(shelf: Path) -> None:
    async def once() -> None:
        async with opened(shelf) as provider:
            await ask(provider)
            (child,) = children()
            child.kill()
            child.wait(20)
            await ask(provider)
            assert children() != [child]

    asyncio.run(once())


def test_a_stop_frees_the_model_for_the_next_call(shelf: Path) -> None:
    async def once() -> None:
        async with opened(shelf) as provider:
            async with aclosing(provider.stream(request(max_tokens=None), "long")) as stream:
                async for delta in stream:
                    if delta.text:
                        break
            (child,) = children()
            started = time.monotonic()
            await ask(provider, "long")
            assert time.monotonic() - started < 8, "32 000 tokens would take ten seconds"
            assert children() == [child]

    asyncio.run(once())


def test_a_stop_while_loading_leaves_nothing(shelf: Path) -> None:
    async def once() -> None:
        async with opened(shelf) as provider:
            task = asyncio.ensure_future(ask(provider))
            while not children():
                await asyncio.sleep(0.005)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert children() == []
            await ask(provider)

    asyncio.run(once())


def test_two_models_stay_loaded_and_the_oldest_makes_room(shelf: Path) -> None:
    async def once() -> None:
        async with opened(shelf) as provider:
            await ask(provider, "tiny")
            (tiny,) = children()
            await ask(provider, "other")
            (other,) = [child for child in children() if child != tiny]
            await ask(provider, "tiny")
            await ask(provider, "third")
            assert len(children()) == 2
            assert tiny in children()
            assert other not in children()

    asyncio.run(once())


def test_a_model_in_use_does_not_make_room(shelf: Path) -> None:
    async def once() -> list[Answer]:
        async with opened(shelf) as provider:
            names = ("tiny", "other", "third", "long")
            return await asyncio.gather(*(ask(provider, name) for name in names))

    assert [answer.finish for answer in asyncio.run(once())] == ["length"] * 4


PARENT = """
import sys, time
from orch_nb import Session
session = Session({"models": {"local:tiny": {"path": sys.argv[1]}}, "cache": "off"})
session.ask("hello", max_tokens=4)
print("ready", flush=True)
if sys.argv[2] == "wait":
    time.sleep(60)
"""


@pytest.mark.parametrize("end", ["kill", "exit"])
def test_a_child_ends_with_its_parent(shelf: Path, end: str) -> None:
    command = [sys.executable, "-c", PARENT, str(shelf / "tiny.gguf"), "wait" * (end == "kill")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        if end == "kill":
            assert parent.stdout.readline() == b"ready\n"
            (child,) = children(parent.pid)
            parent.send_signal(signal.SIGKILL)
            child.wait(20)
        assert parent.wait(20) == (-signal.SIGKILL if end == "kill" else 0)


def test_a_child_that_loads_ends_with_its_parent(shelf: Path) -> None:
    # The pipe is closed before the child has begun: it must neither serve nor wait.
    child = subprocess.Popen([sys.executable, "-P", _llama.__file__], stdin=subprocess.PIPE)
    assert child.stdin is not None
    wanted = {"name": "n", "context": 512, "threads": 1, "key": "k"}
    path = str(shelf / "long.gguf")
    child.stdin.write(json.dumps({"path": path, **wanted}).encode() + b"\n")
    child.stdin.close()
    assert child.wait(20) in (0, -signal.SIGIO)
