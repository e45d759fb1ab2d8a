"""Our wires against llama.cpp's own server, which we did not write."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from orch_nb.errors import ContextTooLong, KeyRefused, ProviderError
from orch_nb.invoke.attempt import Answer, Progress, attempt
from orch_nb.providers import Endpoint, _responses, anthropic, compatible, openai
from orch_nb.providers._llama_server import LlamaServer
from orch_nb.providers._sdk import SDKProvider
from orch_nb.settings import Limits
from orch_nb.types import Message, Parameters, Request, Schema
from providers.gguf_model import LETTERS, write_model

WINDOW = 4096


@dataclass(frozen=True)
class Wire:
    """One of our providers, and how the server counts on its wire."""

    make: Callable[[Endpoint], SDKProvider]
    root: bool
    counts: tuple[str, ...]

    def endpoint(self, server: LlamaServer, key: str | None = None) -> Endpoint:
        url = server.url.removesuffix("/v1") if self.root else server.url
        return Endpoint("real", url, key or server.key)


WIRES = {
    "chat": Wire(compatible.Provider, False, ("prompt_tokens", "completion_tokens")),
    "responses": Wire(
        lambda endpoint: openai.Provider(endpoint, wire=_responses),
        False,
        ("input_tokens", "output_tokens"),
    ),
    "messages": Wire(
        anthropic.Provider, True, ("input_tokens", "cache_read_input_tokens", "output_tokens")
    ),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaServer]:
    path = write_model(tmp_path_factory.mktemp("real") / "tiny.gguf", context=WINDOW)
    server = asyncio.run(LlamaServer.start("real:tiny", path, WINDOW))
    yield server
    server.end()


@pytest.fixture(params=list(WIRES))
def wire(request: pytest.FixtureRequest) -> Wire:
    return WIRES[request.param]


def prompt(text: str = "hello", **parameters: Any) -> Request:
    given = {"temperature": 0.0, "max_tokens": 8, **parameters}
    return Request((Message("user", text),), "be brief", Parameters(**given))


@asynccontextmanager
async def opened(wire: Wire, server: LlamaServer, **fields: Any) -> AsyncIterator[SDKProvider]:
    provider = wire.make(wire.endpoint(server, **fields))
    try:
        yield provider
    finally:
        await provider.close()


def using(
    wire: Wire, server: LlamaServer, work: Callable[[SDKProvider], Coroutine[Any, Any, Any]]
) -> Any:
    async def once() -> Any:
        async with opened(wire, server) as provider:
            return await work(provider)

    return asyncio.run(once())


def ask(wire: Wire, server: LlamaServer, asked: Request) -> Answer:
    async def once(provider: SDKProvider) -> Answer:
        stream = provider.stream(asked, "tiny")
        return await attempt(stream, Progress("real:tiny"), Limits(), float("inf"))

    answer: Answer = using(wire, server, once)
    return answer


def call(server: LlamaServer, path: str, body: dict[str, Any] | None = None) -> Any:
    """What the server answers to a request that is not ours."""
    request = urllib.request.Request(
        server.url.removesuffix("/v1") + path,
        None if body is None else json.dumps(body).encode(),
        {"Authorization": f"Bearer {server.key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as response:
        return json.load(response)


def busy(server: LlamaServer) -> bool:
    return any(slot["is_processing"] for slot in call(server, "/slots"))


def test_text_is_streamed_and_the_same_at_temperature_0(server: LlamaServer, wire: Wire) -> None:
    async def pieces(provider: SDKProvider) -> list[str]:
        return [delta.text async for delta in provider.stream(prompt(), "tiny") if delta.text]

    said = using(wire, server, pieces)
    assert ask(wire, server, prompt()).text == "".join(said)
    assert len("".join(said)) == 8


def test_all_wires_get_the_same_text(server: LlamaServer) -> None:
    assert len({ask(wire, server, prompt()).text for wire in WIRES.values()}) == 1


def test_temperature_0_is_sent(server: LlamaServer, wire: Wire) -> None:
    warm = {ask(wire, server, prompt(temperature=2.0)).text for _ in range(4)}
    assert len(warm) > 1
    assert len({ask(wire, server, prompt()).text for _ in range(3)}) == 1


def test_usage_is_the_servers_own(server: LlamaServer, wire: Wire) -> None:
    asked = prompt("How deep is it?")
    usage = ask(wire, server, asked).usage
    path, body = wire.make(wire.endpoint(server)).encode(asked, "tiny")
    body.pop("stream_options", None)
    path = path if path.startswith("/v1") else f"/v1{path}"
    theirs = call(server, path, {**body, "stream": False})["usage"]
    *given, produced = (theirs[name] for name in wire.counts)
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens) == (sum(given), produced)
    assert produced == 8


def test_what_the_server_kept_from_the_last_call_is_counted_as_cached(
    server: LlamaServer, wire: Wire
) -> None:
    asked = prompt("the same again and again")
    first, second = ask(wire, server, asked).usage, ask(wire, server, asked).usage
    assert first is not None
    assert second is not None
    assert first.input_tokens == second.input_tokens
    assert 0 < second.cached_tokens < second.input_tokens


@pytest.mark.parametrize("limit", [1, 5])
def test_max_tokens_ends_the_answer(server: LlamaServer, wire: Wire, limit: int) -> None:
    answer = ask(wire, server, prompt(max_tokens=limit))
    assert answer.usage is not None
    assert answer.usage.output_tokens == limit
    assert len(answer.text) == limit


def test_every_letter_arrives(server: LlamaServer, wire: Wire) -> None:
    text = ask(wire, server, prompt("Öresund 漢 🌊", temperature=2.0, max_tokens=600)).text
    assert {len(letter.encode()) for letter in text} == {1, 2, 3, 4}
    assert set(text) <= set(LETTERS)


def test_a_prompt_is_counted_in_full(server: LlamaServer, wire: Wire) -> None:
    short, long = (ask(wire, server, prompt("🌊" * n)).usage for n in (1, 41))
    assert short is not None
    assert long is not None
    assert long.input_tokens == short.input_tokens + 40


def test_a_prompt_that_does_not_fit_has_its_name(server: LlamaServer, wire: Wire) -> None:
    with pytest.raises(ContextTooLong) as caught:
        ask(wire, server, prompt("x" * (WINDOW + 100)))
    assert str(caught.value).startswith("real:tiny: the prompt is too long for this model (400)")


def test_a_wrong_key_has_its_name(server: LlamaServer, wire: Wire) -> None:
    async def once() -> ProviderError:
        async with opened(wire, server, key="sk-guessed") as provider:
            with pytest.raises(ProviderError) as caught:
                await anext(provider.stream(prompt(), "tiny"))
            return caught.value

    error = asyncio.run(once())
    assert type(error) is KeyRefused
    assert "sk-guessed" not in str(error)


def test_a_stop_frees_the_slot(server: LlamaServer, wire: Wire) -> None:
    async def begin(provider: SDKProvider) -> bool:
        async with aclosing(provider.stream(prompt(max_tokens=3500), "tiny")) as stream:
            async for delta in stream:
                if delta.text:
                    return await asyncio.to_thread(busy, server)
        return False

    # So small a model may be done before a busy machine lets us look.
    caught = any(using(wire, server, begin) for _ in range(10))
    assert caught, "it was answering when it was stopped"
    stopped = time.monotonic()
    while busy(server):
        assert time.monotonic() - stopped < 2, "all of the answer would take three seconds"
        time.sleep(0.01)


def test_conversations_and_the_system_prompt_are_sent(server: LlamaServer, wire: Wire) -> None:
    turns = (Message("user", "one"), Message("assistant", "two"), Message("user", "three"))
    bare = Request(turns[:1], parameters=Parameters(0.0, 1))
    sizes = [
        ask(wire, server, asked).usage
        for asked in (bare, replace(bare, system="be brief"), replace(bare, messages=turns))
    ]
    assert all(usage is not None for usage in sizes)
    plain, system, talk = (usage.input_tokens for usage in sizes if usage is not None)
    assert plain < system
    assert plain < talk


FORM = {
    "type": "object",
    "properties": {"kind": {"enum": ["lake", "sea"]}, "deep": {"type": "boolean"}},
    "required": ["kind", "deep"],
    "additionalProperties": False,
}


@pytest.mark.parametrize("wire", [WIRES["chat"]], ids=["chat"])
def test_a_schema_holds_the_answer(server: LlamaServer, wire: Wire) -> None:
    asked = replace(prompt(max_tokens=200), schema=Schema("water", FORM))
    answer = ask(wire, server, asked)
    assert answer.finish == "stop"
    water = json.loads(answer.text)
    assert water.keys() == {"kind", "deep"}
    assert water["kind"] in ("lake", "sea")
    assert isinstance(water["deep"], bool)


def test_tokens_are_counted_as_the_answer_counts_them(server: LlamaServer, wire: Wire) -> None:
    async def counted(provider: SDKProvider) -> int | None:
        return await provider.count_tokens(prompt(), "tiny")

    count, usage = using(wire, server, counted), ask(wire, server, prompt()).usage
    assert usage is not None
    assert count in (usage.input_tokens, None)
    assert (count is None) == (wire is WIRES["chat"]), "Chat Completions has no counting"


def test_the_model_is_listed(server: LlamaServer, wire: Wire) -> None:
    async def listed(provider: SDKProvider) -> list[str]:
        return [card.id for card in await provider.list_models()]

    assert using(wire, server, listed) == ["real:real:tiny"]
