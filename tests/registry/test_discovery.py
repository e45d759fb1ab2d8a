"""Every provider is asked what it has, at the same time; one that fails harms nobody."""

from __future__ import annotations

import asyncio

from orch_nb.errors import ProviderError, TimedOut
from orch_nb.providers import Endpoint
from orch_nb.providers.compatible import Provider
from orch_nb.registry.discovery import LIMIT, discover
from orch_nb.types import ModelCard
from stub.client import Stub


def listed(found: list[ModelCard] | ProviderError) -> list[str]:
    assert isinstance(found, list)
    return [card.id for card in found]


def test_the_hanging_the_down_and_the_broken_harm_nobody(stub: Stub) -> None:
    stub.models("good", ["one", "two"])
    for name in ("hung", "stuck"):
        stub.rule(name, "hang", wire="models")
    stub.rule("broken", "html", wire="models")
    addresses = {name: stub.url(name, "/v1") for name in ("good", "hung", "stuck", "broken")}
    addresses["down"] = f"http://127.0.0.1:{stub.dead_port()}/v1"

    async def ask() -> tuple[dict[str, list[ModelCard] | ProviderError], float]:
        providers = {name: Provider(Endpoint(name, url)) for name, url in addresses.items()}
        loop = asyncio.get_running_loop()
        began = loop.time()
        found = await discover({name: p.list_models for name, p in providers.items()})
        seconds = loop.time() - began
        await asyncio.gather(*(provider.close() for provider in providers.values()))
        return found, seconds

    found, seconds = asyncio.run(ask())
    assert seconds < 2 * LIMIT  # which two would take one after the other
    assert list(found) == list(addresses)
    assert listed(found["good"]) == ["good:one", "good:two"]
    assert isinstance(found["hung"], TimedOut)
    assert isinstance(found["stuck"], TimedOut)
    assert "hung: listed no models within 5 s" in str(found["hung"])
    assert "cannot reach" in str(found["down"])
    assert "expected format" in str(found["broken"])
    stub.wait_idle()
    assert stub.log("hung")[0].hung_up is not None
    assert stub.bill() == {}
