"""Servers that nobody configured are looked for, and not waited for."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from orch_nb.errors import ProviderError, Unreachable
from orch_nb.providers import Endpoint
from orch_nb.providers._connect import connect
from orch_nb.providers._probe import Probe
from orch_nb.settings import SERVERS, Settings
from orch_nb.settings.validation import validate
from orch_nb.types import Message, Request
from stub.client import Stub


@asynccontextmanager
async def probe(base_url: str) -> AsyncIterator[Probe]:
    endpoint = Endpoint("ollama", base_url)
    made = Probe("ollama", endpoint)
    try:
        yield made
    finally:
        await made.close()


async def look(base_url: str) -> list[str]:
    async with probe(base_url) as looked:
        return [card.name for card in await looked.list_models()]


def test_where_a_server_listens_it_is_the_provider(stub: Stub) -> None:
    async def ask() -> str:
        async with probe(stub.url("alpha")) as looked:
            stream = looked.stream(Request((Message("user", "Hello?"),)), "m")
            return "".join([delta.text async for delta in stream])

    stub.models("alpha", ["one"])
    assert asyncio.run(look(stub.url("alpha"))) == ["one"]
    assert asyncio.run(ask()).startswith("echo ")


def test_where_nothing_answers_it_is_not_waited_for(stub: Stub) -> None:
    for port in (stub.dead_port(), stub.blackhole_port()):
        started = time.monotonic()
        with pytest.raises(Unreachable, match=f"nothing listens at 127.0.0.1:{port}"):
            asyncio.run(look(f"http://127.0.0.1:{port}"))
        assert time.monotonic() - started < 20  # the system would try for two minutes


def test_looking_imports_no_sdk(stub: Stub) -> None:
    code = f"""
import asyncio, sys
from orch_nb.errors import Unreachable
from orch_nb.providers import Endpoint
from orch_nb.providers._probe import Probe

for kind in ("ollama", "lmstudio"):
    endpoint = Endpoint("x", "http://127.0.0.1:{stub.dead_port()}")
    try:
        asyncio.run(Probe(kind, endpoint).list_models())
    except Unreachable:
        print({{"openai", "httpx", "orch_nb.providers.ollama"}} & sys.modules.keys())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\nset()\n"


def test_another_kind_of_server_is_no_provider(stub: Stub) -> None:
    stub.rule("alpha", "html", wire="models")
    with pytest.raises(ProviderError):
        asyncio.run(look(stub.url("alpha")))


@pytest.mark.parametrize(
    ("settings", "probed"),
    [
        ({}, {*SERVERS, "local"}),
        ({"probe": False}, set()),
        ({"preset": "local-only"}, {*SERVERS, "local"}),
        ({"preset": "cloud-only"}, set()),
        ({"providers": {"ollama": {"type": "ollama"}}}, {"lmstudio", "local"}),
        ({"providers": {"box": {"type": "ollama"}}}, {"lmstudio", "local"}),
        ({"providers": {"lmstudio": {"type": "lmstudio", "enabled": False}}}, {"ollama", "local"}),
        ({"providers": {"shelf": {"type": "local"}}}, set(SERVERS)),
        ({"models": {"local:mine": {"path": "mine.gguf"}}}, set(SERVERS)),
    ],
)
def test_only_what_no_row_speaks_of_is_looked_for(
    settings: dict[str, object], probed: set[str]
) -> None:
    made = connect(validate(Settings, settings), {})
    assert {name for name, connection in made.items() if connection.probed} == probed
