"""Ollama's own wire, and what its server says of its models."""

from __future__ import annotations

import asyncio
import os
from typing import Any, ClassVar

import pytest
from ollama._types import ChatRequest

from orch_nb.errors import (
    ContextTooLong,
    ModelNotFound,
    ProviderError,
    RequestRefused,
    ServerFailed,
    Unreachable,
)
from orch_nb.providers import Endpoint
from orch_nb.providers._ollama_models import full_name
from orch_nb.providers._port import Port
from orch_nb.providers.ollama import Provider
from orch_nb.types import (
    Delta,
    Image,
    Message,
    ModelCard,
    Parameters,
    Request,
    Schema,
    Tool,
    Usage,
)
from providers.asking import PROMPT, sent
from providers.contract import Contract
from providers.faults import FAILURES
from stub.answer import count
from stub.client import Stub
from stub.spec import write
from stub.wires.models import Row
from stub.wires.ollama import TOOK

ASK = Request((Message("user", PROMPT),))


class TestOllama(Contract):
    wire = "ollama"
    path = ""
    params = ChatRequest
    extra = frozenset({"model", "stream", "options", "truncate", "shift"})
    sent_again = frozenset({"close", "reset"})
    full_body: ClassVar = {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "One?"},
            {"role": "assistant", "content": "1"},
            {"role": "user", "content": PROMPT},
        ],
        "stream": True,
        "truncate": False,
        "shift": False,
        "options": {"num_ctx": 4096, "temperature": 0.0, "num_predict": 7},
    }

    def make(self, endpoint: Endpoint) -> Port:
        return Provider(endpoint)

    @pytest.mark.parametrize(
        ("fault", "kind", "status"), [row for row in FAILURES if not row[0].startswith("refuse")]
    )
    def test_a_failure_has_its_name_and_harms_nothing(
        self, stub: Stub, fault: str, kind: type[ProviderError], status: int | None
    ) -> None:
        """Ollama's models refuse in words only."""
        super().test_a_failure_has_its_name_and_harms_nothing(stub, fault, kind, status)

    def test_what_the_cache_of_the_provider_held_is_part_of_the_input(self, stub: Stub) -> None:
        """Ollama counts the whole prompt, and does not say what of it was cached."""
        stub.rule("alpha", "ok?cached=3")
        usage = self.answer(stub).usage
        assert usage is not None
        assert (usage.input_tokens, usage.cached_tokens) == (count(PROMPT), 0)

    def test_the_duration_is_the_servers_own(self, stub: Stub) -> None:
        assert self.answer(stub).seconds == TOOK / 1e9

    def test_without_a_key_none_is_sent(self, stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OLLAMA_API_KEY", "of-another-host")
        self.answer(stub, key=None)
        assert not [entry for entry in stub.log() if "authorization" in entry.headers]

    def test_a_stated_header_takes_the_place_of_the_key(self, stub: Stub) -> None:
        self.answer(stub, headers={"AUTHORIZATION": "Token t"})
        assert {entry.headers["authorization"] for entry in stub.log()} == {"Token t"}

    def test_the_path_of_the_other_wire_does_no_harm(self, stub: Stub) -> None:
        async def once() -> None:
            async with self.opened(stub.url("alpha", "/v1/")) as provider:
                await self.ask(provider)

        asyncio.run(once())
        assert sent(stub)[0].path == "/alpha/api/chat"

    # -- the window

    def window(self, stub: Stub, request: Request, row: Row) -> int:
        """The ``num_ctx`` that `request` is sent with."""
        stub.models("alpha", [row])
        self.answer(stub, request)
        return int(sent(stub)[-1].body["options"]["num_ctx"])

    @pytest.mark.parametrize(
        ("words", "max_tokens", "row", "expected"),
        [
            (1, 10, Row("m"), 4096),
            (1, None, Row("m"), 8192),
            (2000, None, Row("m"), 8192),
            (5000, None, Row("m"), 16384),
            (5000, None, Row("m", context=9000), 9000),
            (1, 10, Row("m:latest", loaded=32768), 32768),
            (5000, None, Row("m:latest", loaded=4096), 16384),
            (5000, None, Row("m:latest", loaded=14500), 14500),
            (1, 10, Row("m", context=2048), 2048),
        ],
    )
    def test_the_window_holds_prompt_and_answer(
        self, stub: Stub, words: int, max_tokens: int | None, row: Row, expected: int
    ) -> None:
        request = Request(
            (Message("user", "word " * words),), parameters=Parameters(max_tokens=max_tokens)
        )
        assert self.window(stub, request, row) == expected

    def test_a_prompt_that_cannot_fit_is_never_sent(self, stub: Stub) -> None:
        stub.rule("alpha", "ok")
        stub.models("alpha", [Row("m", context=4096)])

        async def once() -> None:
            async with self.opened(self.url(stub)) as provider:
                await provider.list_models()
                await self.ask(provider, Request((Message("user", "word " * 4000),)))

        with pytest.raises(ContextTooLong, match="about 4476 tokens, the model's context 4096"):
            asyncio.run(once())
        assert sent(stub) == []

    def test_what_is_loaded_is_looked_up_once_in_a_while(self, stub: Stub) -> None:
        long = Request((Message("user", "word " * 5000),))

        async def ask() -> list[int]:
            loop = asyncio.get_running_loop()
            async with self.opened(self.url(stub)) as provider:
                for request in (long, ASK):
                    await self.ask(provider, request)
                stub.models("alpha", [Row("m:latest", loaded=32768)])
                await self.ask(provider)
                clock = loop.time
                loop.time = lambda: clock() + 6.0  # type: ignore[method-assign]
                await self.ask(provider)
            return [entry.body["options"]["num_ctx"] for entry in sent(stub)]

        # It stays what the first call had loaded, until the server is asked again.
        assert asyncio.run(ask()) == [16384, 16384, 16384, 32768]
        assert [entry.wire for entry in stub.log()].count("ps") == 2

    # -- parameters

    def body(self, stub: Stub, request: Request, row: Row) -> dict[str, Any]:
        stub.models("alpha", [row])
        self.answer(stub, request)
        return dict(sent(stub)[-1].body)

    @pytest.mark.parametrize(
        ("effort", "family", "expected"),
        [
            ("low", "qwen3", False),
            ("medium", "qwen3", True),
            ("high", "qwen3", True),
            ("low", "gptoss", "low"),
            ("high", "gptoss", "high"),
            (None, "qwen3", None),
        ],
    )
    def test_effort_is_how_it_thinks(
        self, stub: Stub, effort: Any, family: str, expected: object
    ) -> None:
        request = Request(ASK.messages, parameters=Parameters(effort=effort))
        row = Row("m", capabilities=("completion", "thinking"), family=family)
        assert self.body(stub, request, row).get("think") == expected

    def test_a_model_that_does_not_think_is_not_told_to(self, stub: Stub) -> None:
        request = Request(ASK.messages, parameters=Parameters(effort="high"))
        assert "think" not in self.body(stub, request, Row("m"))

    def test_schema_tools_images_and_seed_are_sent_whole(self, stub: Stub) -> None:
        nested = {"type": "object", "properties": {"a": {"type": "object", "properties": {}}}}
        request = Request(
            (Message("user", PROMPT, (Image("image/png", "aW1n"),)),),
            parameters=Parameters(seed=0),
            schema=Schema("answer", nested),
            tools=(Tool("look_up", "Looks it up.", nested),),
        )
        body = self.body(stub, request, Row("m"))
        assert body["format"] == nested
        assert body["messages"][0]["images"] == ["aW1n"]
        assert body["options"]["seed"] == 0
        function = {"name": "look_up", "description": "Looks it up.", "parameters": nested}
        assert body["tools"] == [{"type": "function", "function": function}]

    # -- what to do about a failure

    @pytest.mark.parametrize(
        ("fault", "wire", "kind", "said"),
        [
            ("404", "*", ModelNotFound, "run `ollama pull m`"),
            (
                write("500", msg="model requires more system memory (9 GiB) than is available"),
                "*",
                RequestRefused,
                "take a smaller model",
            ),
            ("close", "show", Unreachable, "is `ollama serve` running there?"),
            ("err_mid?msg=llama+runner+terminated", "*", ServerFailed, "llama runner terminated"),
        ],
    )
    def test_a_failure_says_what_to_do(
        self, stub: Stub, fault: str, wire: str, kind: type[ProviderError], said: str
    ) -> None:
        stub.rule("alpha", fault, wire=wire)
        error = self.failure(self.url(stub))
        assert type(error) is kind
        assert said in str(error)

    @pytest.mark.parametrize(
        "fault", ["404", "500", "html", "deep", "notjson", "wrong_wire", "hang"]
    )
    @pytest.mark.parametrize("wire", ["show", "ps"])
    def test_a_server_that_does_not_say_what_it_has_answers(
        self, stub: Stub, wire: str, fault: str
    ) -> None:
        async def twice() -> list[str]:
            async with self.opened(self.url(stub), connect=0.5) as provider:
                return [(await self.ask(provider)).finish for _ in range(2)]

        stub.rule("alpha", fault, wire=wire)
        assert asyncio.run(twice()) == ["stop", "stop"]
        assert [entry.wire for entry in stub.log()].count(wire) == 1

    # -- facts

    def cards(self, stub: Stub) -> dict[str, ModelCard]:
        async def listed() -> list[ModelCard]:
            async with self.opened(self.url(stub)) as provider:
                return await provider.list_models()

        return {card.name: card for card in asyncio.run(listed())}

    def test_cards_hold_what_the_server_says(self, stub: Stub) -> None:
        everything = ("completion", "tools", "vision", "thinking", "insert")
        rows = [
            Row("all:8b", 8192, everything, 5_000_000_000, loaded=4096),
            Row("plain", capabilities=("completion",)),
            Row("nomic-embed-text", capabilities=("embedding",)),
            Row("huge-cloud", remote=True),
        ]
        stub.models("alpha", rows)
        cards = self.cards(stub)
        every = cards["all:8b"]
        assert (every.context, every.size, every.loaded) == (8192, 5_000_000_000, True)
        assert every.capabilities == {"tools", "vision", "json"}
        assert (every.variant, every.local) == ("8.0B Q4_K_M", True)
        assert every.prices is not None
        assert every.prices.charge(Usage(1000, 1000)) == 0
        assert (cards["plain"].capabilities, cards["plain"].loaded) == ({"json"}, False)
        assert cards["nomic-embed-text"].unranked == "no chat model"
        cloud = cards["huge-cloud"]
        assert (cloud.local, cloud.prices, cloud.size) == (False, None, None)

    def test_a_model_that_nothing_is_said_of_is_listed(self, stub: Stub) -> None:
        stub.models("alpha", ["one"])
        stub.rule("alpha", "500", wire="show")
        card = self.cards(stub)["one"]
        assert (card.context, card.capabilities, card.unranked) == (None, None, "")

    def test_many_models_are_looked_up_a_few_at_a_time(self, stub: Stub) -> None:
        stub.models("alpha", [f"m{i}" for i in range(12)])
        stub.rule("alpha", "slow?s=0.05", wire="show")
        assert len(self.cards(stub)) == 12
        assert 2 <= stub.stats().max_inflight <= 4


REAL = os.environ.get("ORCH_TEST_OLLAMA")


@pytest.mark.skipif(not REAL, reason="ORCH_TEST_OLLAMA names no model of a running Ollama")
def test_a_real_ollama_answers() -> None:
    """``ORCH_TEST_OLLAMA`` is a model of the server at its usual port, or ``URL MODEL``."""
    address, _, model = (REAL or "").rpartition(" ")

    async def ask() -> tuple[list[ModelCard], list[Delta]]:
        provider = Provider(Endpoint("ollama", address or Provider.home))
        try:
            cards = await provider.list_models()
            request = Request((Message("user", "Say yes."),), parameters=Parameters(max_tokens=64))
            return cards, [delta async for delta in provider.stream(request, model)]
        finally:
            await provider.close()

    cards, deltas = asyncio.run(ask())
    assert full_name(model) in [card.name for card in cards]
    assert deltas[-1].usage is not None
    assert deltas[-1].seconds is not None
