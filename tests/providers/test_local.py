"""GGUF files by llama.cpp in a child process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import psutil
import pytest
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming

from orch_nb import Session
from orch_nb.errors import (
    ContextTooLong,
    ModelNotFound,
    ProviderError,
    RequestRefused,
    ServerFailed,
)
from orch_nb.invoke.attempt import Answer, Progress, attempt
from orch_nb.providers import Endpoint
from orch_nb.providers._llama_pool import ChildWire
from orch_nb.providers._sdk import SDKProvider
from orch_nb.providers.local import Provider, add_model
from orch_nb.settings import Limits, ModelSettings
from orch_nb.types import Image, Message, ModelCard, Parameters, Request, Response
from providers.contract import Contract
from providers.gguf_model import BYTES_PER_TOKEN, write_model
from providers.test_chat import TestChat as Chat


class TestChildWire(Contract):
    """What is spoken to the child keeps the contract of all wires."""

    wire = "chat"
    params = CompletionCreateParamsStreaming
    extra = frozenset({"return_progress"})
    full_body: ClassVar = {**Chat.full_body, "return_progress": True}

    def make(self, endpoint: Endpoint) -> SDKProvider:
        return ChildWire(endpoint)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shelf")
    write_model(folder / "tiny.gguf", context=512)
    write_model(folder / "other.gguf", context=512, seed=1)
    write_model(folder / "third.gguf", context=512, seed=2)
    write_model(folder / "long.gguf", context=32_768)
    write_model(folder / "base.gguf", template=None)
    write_model(folder / "strange.gguf", architecture="llamx")
    (folder / "page.gguf").write_text("<!DOCTYPE html>")
    return folder


@pytest.fixture(autouse=True)
def no_orphans() -> Iterator[None]:
    yield
    deadline = time.monotonic() + 5
    while children() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert children() == []


def children(of: int | None = None) -> list[psutil.Process]:
    """The processes of llama.cpp that were started by the process `of`, by default this one."""
    return [
        child
        for child in psutil.Process(of).children()
        if child.status() != psutil.STATUS_ZOMBIE and child.cmdline()[-1].endswith("_llama.py")
    ]


@asynccontextmanager
async def opened(shelf: Path, **stated: Any) -> AsyncIterator[Provider]:
    models = {
        path.stem: ModelSettings(path=str(path), **stated.get(path.stem, {}))
        for path in shelf.glob("*.gguf")
    }
    provider = Provider(Endpoint("local", models=models))
    try:
        yield provider
    finally:
        await provider.close()


def request(prompt: str = "hello", max_tokens: int | None = 8, **fields: Any) -> Request:
    parameters = Parameters(temperature=0.0, max_tokens=max_tokens)
    return Request((Message("user", prompt, **fields),), parameters=parameters)


async def ask(provider: Provider, model: str = "tiny", asked: Request | None = None) -> Answer:
    stream = provider.stream(asked or request(), model)
    return await attempt(stream, Progress(f"local:{model}"), Limits(), float("inf"))


async def refusal(provider: Provider, model: str, asked: Request | None = None) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await ask(provider, model, asked)
    assert "\n" not in str(caught.value)
    return caught.value


# -- answers


def test_an_answer_comes_in_pieces_with_what_the_server_counted(shelf: Path) -> None:
    async def once() -> tuple[Answer, Answer, list[str], int | None, int | None]:
        async with opened(shelf) as provider:
            before = await provider.count_tokens(request(), "tiny")
            first, second = await ask(provider), await ask(provider)
            pieces = [d.text async for d in provider.stream(request(), "tiny") if d.text]
            return first, second, pieces, before, await provider.count_tokens(request(), "tiny")

    first, second, pieces, before, counted = asyncio.run(once())
    assert len(first.text) == 8
    assert first.text == second.text == "".join(pieces)
    assert len(pieces) > 1
    assert first.finish == "length"
    assert before is None, "nothing is loaded in order to count"
    assert first.usage is not None
    assert (first.usage.input_tokens, first.usage.output_tokens) == (counted, 8)


def test_a_prompt_that_does_not_fit_is_refused_and_not_cut(shelf: Path) -> None:
    async def once() -> tuple[ProviderError, Answer]:
        async with opened(shelf) as provider:
            error = await refusal(provider, "tiny", request("x" * 600))
            return error, await ask(provider, "tiny", request("x" * 400, max_tokens=None))

    error, full = asyncio.run(once())
    assert type(error) is ContextTooLong
    assert full.finish == "length", "the window is full, and the answer says that it was cut"
    assert full.usage is not None
    assert full.usage.input_tokens + full.usage.output_tokens == 512


def test_requests_for_one_model_take_turns(shelf: Path) -> None:
    async def once() -> list[Answer]:
        async with opened(shelf) as provider:
            answers = await asyncio.gather(*(ask(provider, asked=request("a" * n)) for n in (1, 9)))
            assert len(children()) == 1
            return answers

    short, long = asyncio.run(once())
    assert short.usage is not None
    assert long.usage is not None
    assert long.usage.input_tokens == short.usage.input_tokens + 8


def test_an_image_is_refused_before_anything_is_loaded(shelf: Path) -> None:
    async def once() -> ProviderError:
        async with opened(shelf) as provider:
            asked = request(images=(Image("image/png", "AAAA"),))
            return await refusal(provider, "tiny", asked)

    assert "sees no images" in str(asyncio.run(once()))


# -- the life of a child


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
            child.wait(5)
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
            assert time.monotonic() - started < 2, "32 000 tokens would take ten seconds"
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
            child.wait(5)
        assert parent.wait(20) == (-signal.SIGKILL if end == "kill" else 0)


def test_a_child_that_loads_ends_with_its_parent(shelf: Path) -> None:
    # The pipe is closed before the child has begun: it must neither serve nor wait.
    from orch_nb.providers import _llama

    child = subprocess.Popen([sys.executable, "-P", _llama.__file__], stdin=subprocess.PIPE)
    assert child.stdin is not None
    wanted = {"name": "n", "context": 512, "threads": 1, "key": "k"}
    path = str(shelf / "long.gguf")
    child.stdin.write(json.dumps({"path": path, **wanted}).encode() + b"\n")
    child.stdin.close()
    assert child.wait(5) in (0, -signal.SIGIO)


# -- what cannot be loaded


@pytest.mark.parametrize(
    ("model", "kind", "said"),
    [
        ("page", RequestRefused, "page.gguf is no GGUF file"),
        ("strange", RequestRefused, "unknown model architecture: 'llamx'"),
        ("missing", ModelNotFound, "there are: base, long, other, page, strange, third, tiny"),
    ],
)
def test_what_cannot_be_loaded_says_why(
    shelf: Path, model: str, kind: type[ProviderError], said: str
) -> None:
    async def once() -> ProviderError:
        async with opened(shelf) as provider:
            return await refusal(provider, model)

    error = asyncio.run(once())
    assert type(error) is kind
    assert said in str(error)
    assert str(error).startswith(f"local:{model}: ")


def test_without_llama_cpp_nothing_is_listed_and_a_call_says_what_to_install(
    shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)  # as if it were not installed
    add_model(shelf / "tiny.gguf", Path(os.environ["ORCH_HOME"]))

    async def once() -> tuple[ProviderError, list[ModelCard]]:
        async with opened(shelf) as provider:
            return await refusal(provider, "tiny"), await provider.list_models()

    error, cards = asyncio.run(once())
    assert 'pip install "orch_nb[local]"' in str(error)
    assert cards == []
    assert Session().providers == ()


def test_a_model_larger_than_memory_is_refused_before_it_is_loaded(
    shelf: Path, tmp_path: Path
) -> None:
    huge = write_model(tmp_path / "huge.gguf")
    os.truncate(huge, psutil.virtual_memory().total + 10**9)  # takes no place on disk

    async def once() -> tuple[ProviderError, str]:
        async with opened(tmp_path) as provider:
            (card,) = await provider.list_models()
            return await refusal(provider, "huge"), card.unranked

    error, unranked = asyncio.run(once())
    assert type(error) is RequestRefused
    for said in (str(error), unranked):
        assert "GB of memory, and" in said
        assert "GB are free" in said


def test_a_context_larger_than_memory_is_refused(shelf: Path) -> None:
    tokens = psutil.virtual_memory().total // BYTES_PER_TOKEN

    async def once() -> ProviderError:
        async with opened(shelf, tiny={"context": tokens}) as provider:
            return await refusal(provider, "tiny")

    assert "GB of memory" in str(asyncio.run(once()))


# -- what is listed


def test_cards_say_what_the_files_say(shelf: Path) -> None:
    async def listed() -> dict[str, ModelCard]:
        async with opened(shelf, other={"context": 256}) as provider:
            await ask(provider, "tiny")
            return {card.name: card for card in await provider.list_models()}

    cards = asyncio.run(listed())
    assert sorted(cards) == ["base", "long", "other", "page", "strange", "third", "tiny"]
    tiny = cards["tiny"]
    assert (tiny.context, cards["long"].context, cards["other"].context) == (512, 32_768, 256)
    assert (tiny.local, tiny.loaded, cards["other"].loaded) == (True, True, False)
    assert tiny.prices is not None
    assert tiny.prices.input == tiny.prices.output == 0
    assert tiny.capabilities == frozenset({"json"})
    assert tiny.unranked == ""
    assert tiny.variant == "0.1M"
    assert tiny.size == (shelf / "tiny.gguf").stat().st_size
    assert "no chat template" in cards["base"].unranked
    assert "is no GGUF file" in cards["page"].unranked


def test_a_stated_context_is_what_is_loaded(shelf: Path) -> None:
    async def once() -> ProviderError:
        async with opened(shelf, tiny={"context": 256}) as provider:
            return await refusal(provider, "tiny", request("x" * 300))

    assert type(asyncio.run(once())) is ContextTooLong


# -- in a session


def test_an_added_model_answers_in_the_next_session(shelf: Path) -> None:
    with Session({"cache": "off"}) as session:
        assert session.providers == ()
    assert add_model(shelf / "tiny.gguf", Path(os.environ["ORCH_HOME"])) == "tiny"
    with Session({"cache": "off"}) as session:
        assert session.ask("hello", max_tokens=4, temperature=0).model == "local:tiny"


def test_a_model_on_this_machine_is_local(shelf: Path) -> None:
    add_model(shelf / "tiny.gguf", Path(os.environ["ORCH_HOME"]))
    assert Session({"preset": "local-only"}).providers == ("local",)
    assert Session({"preset": "cloud-only"}).providers == ()
    assert Session({"providers": {"local": {"enabled": False}}}).providers == ()


def test_a_project_may_bring_its_model(shelf: Path) -> None:
    write_model(Path("models/mine.gguf"))
    Path("orch.yaml").write_text('cache: off\nmodels: {"local:mine": {path: models/mine.gguf}}\n')
    session = Session()
    os.chdir("..")
    with session:
        response: Response = session.ask("hello", max_tokens=4)
    assert response.model == "local:mine"


def test_a_refusal_falls_back_and_is_named(shelf: Path) -> None:
    models = {f"local:{name}": {"path": shelf / f"{name}.gguf"} for name in ("page", "tiny")}
    with Session({"models": models, "cache": "off"}) as session:
        response = session.ask("hello", model=["local:page", "local:tiny"], max_tokens=4)
        assert response.trail == "local:page (request refused) → local:tiny"
