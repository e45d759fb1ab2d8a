"""LM Studio: OpenAI's wire, and a list of models of its own."""

from __future__ import annotations

import asyncio
import os

import pytest

from orch_nb.errors import KeyRefused
from orch_nb.providers import Endpoint
from orch_nb.providers._port import Port
from orch_nb.providers.lmstudio import Provider
from orch_nb.types import Delta, Message, ModelCard, Parameters, Request, Usage
from providers.asking import sent
from providers.test_chat import TestChat as ChatContract
from stub.client import Stub
from stub.wires.models import Row


class TestLMStudio(ChatContract):
    path = ""

    def make(self, endpoint: Endpoint) -> Port:
        return Provider(endpoint)

    @pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/"])
    def test_the_address_may_name_the_wire(self, stub: Stub, path: str) -> None:
        stub.models("alpha", [Row("one", loaded=4096)])

        async def once() -> list[ModelCard]:
            async with self.opened(stub.url("alpha", path)) as provider:
                await self.ask(provider)
                return await provider.list_models()

        assert [card.loaded for card in asyncio.run(once())] == [True]
        assert sent(stub)[0].path == "/alpha/v1/chat/completions"

    # -- facts

    def cards(self, stub: Stub) -> dict[str, ModelCard]:
        async def listed() -> list[ModelCard]:
            async with self.opened(self.url(stub)) as provider:
                return await provider.list_models()

        return {card.name: card for card in asyncio.run(listed())}

    def test_cards_hold_what_the_server_says(self, stub: Stub) -> None:
        rows = [
            Row("all", 8192, ("completion", "tools", "vision"), 5_000_000_000, loaded=4096),
            Row("plain", 8192, ("completion",)),
            Row("nomic", capabilities=("embedding",)),
        ]
        stub.models("alpha", rows)
        cards = self.cards(stub)
        every = cards["all"]
        assert (every.context, every.size, every.loaded) == (4096, 5_000_000_000, True)
        assert every.capabilities == {"tools", "vision", "json"}
        assert (every.variant, every.local) == ("8B Q4_K_M", True)
        assert every.prices is not None
        assert every.prices.charge(Usage(1000, 1000)) == 0
        assert (cards["plain"].context, cards["plain"].loaded) == (8192, False)
        assert cards["plain"].capabilities == {"json"}
        assert cards["nomic"].unranked == "no chat model"

    @pytest.mark.parametrize("fault", ["404", "404?body=html", "error200"])
    def test_an_older_server_lists_names(self, stub: Stub, fault: str) -> None:
        stub.models("alpha", ["one"])
        stub.rule("alpha", fault, wire="native")
        card = self.cards(stub)["one"]
        assert (card.size, card.capabilities, card.local) == (None, None, True)
        assert card.prices is not None

    def test_a_refused_key_is_said_and_not_tried_twice(self, stub: Stub) -> None:
        stub.rule("alpha", "401", wire="native")
        with pytest.raises(KeyRefused):
            self.cards(stub)
        assert len(stub.log()) == 1


def test_without_an_address_it_is_this_machine() -> None:
    assert Provider(Endpoint("lmstudio")).endpoint.base_url == "http://127.0.0.1:1234/v1"


REAL = os.environ.get("ORCH_TEST_LMSTUDIO")


@pytest.mark.skipif(not REAL, reason="ORCH_TEST_LMSTUDIO names no model of a running LM Studio")
def test_a_real_lmstudio_answers() -> None:
    """``ORCH_TEST_LMSTUDIO`` is a model of the server at its usual port, or ``URL MODEL``."""
    address, _, model = (REAL or "").rpartition(" ")

    async def ask() -> tuple[list[ModelCard], list[Delta]]:
        provider = Provider(Endpoint("lmstudio", address or None))
        try:
            cards = await provider.list_models()
            request = Request((Message("user", "Say yes."),), parameters=Parameters(max_tokens=64))
            return cards, [delta async for delta in provider.stream(request, model)]
        finally:
            await provider.close()

    cards, deltas = asyncio.run(ask())
    assert model in [card.name for card in cards]
    assert deltas[-1].usage is not None
