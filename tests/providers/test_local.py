"""GGUF files by llama.cpp: what they answer, what is listed, and what is refused."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import psutil
import pytest
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming

from orch_nb import Session
from orch_nb.errors import ContextTooLong, ModelNotFound, ProviderError, RequestRefused
from orch_nb.invoke.attempt import Answer
from orch_nb.providers import Endpoint
from orch_nb.providers._llama_pool import ChildWire
from orch_nb.providers._model_files import add_model
from orch_nb.providers._sdk import SDKProvider
from orch_nb.types import Delta, Image, ModelCard, Response, Wants
from providers.contract import Contract
from providers.extras import Counting
from providers.gguf_model import BYTES_PER_TOKEN, write_model
from providers.local_models import ask, children, opened, refusal, request
from providers.test_chat import TestChat as Chat

pytestmark = pytest.mark.usefixtures("no_orphans")


class TestChildWire(Contract, Counting):
    """What is spoken to the child keeps the contract of all wires."""

    wire = "chat"
    params = CompletionCreateParamsStreaming
    counted = CompletionCreateParamsStreaming
    extra = frozenset({"return_progress"})
    full_body: ClassVar = {**Chat.full_body, "return_progress": True}

    def make(self, endpoint: Endpoint) -> SDKProvider:
        return ChildWire(endpoint)


# -- answers


def test_an_answer_comes_with_what_the_server_counted(shelf: Path) -> None:
    async def once() -> tuple[Answer, Answer, list[str], int | None, int | None]:
        async with opened(shelf) as provider:
            before = await provider.count_tokens(request(), "tiny")
            first, second = await ask(provider), await ask(provider)
            pieces = [d.text async for d in provider.stream(request(), "tiny") if d.text]
            return first, second, pieces, before, await provider.count_tokens(request(), "tiny")

    first, second, pieces, before, counted = asyncio.run(once())
    assert len(first.text) == 8
    assert first.text == second.text == "".join(pieces)
    assert first.finish == "length"
    assert before is None, "nothing is loaded in order to count"
    assert first.usage is not None
    assert (first.usage.input_tokens, first.usage.output_tokens) == (counted, 8)


def test_an_answer_may_come_whole(shelf: Path) -> None:
    async def once() -> tuple[list[Delta], Answer]:
        whole = replace(request(), wants=Wants(stream=False))
        async with opened(shelf) as provider:
            streamed = await ask(provider)
            return [delta async for delta in provider.stream(whole, "tiny")], streamed

    deltas, streamed = asyncio.run(once())
    assert [delta.text for delta in deltas if delta.text] == [streamed.text]
    counted = deltas[-1].usage
    assert counted is not None
    assert (counted.output_tokens, deltas[-1].finish) == (8, "length")


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


def test_a_hundred_requests_in_a_row_are_all_answered(shelf: Path) -> None:
    async def once() -> set[str]:
        async with opened(shelf) as provider:
            return {(await ask(provider)).text for _ in range(100)}

    assert len(asyncio.run(once())) == 1


def test_an_image_is_refused_before_anything_is_loaded(shelf: Path) -> None:
    async def once() -> ProviderError:
        async with opened(shelf) as provider:
            asked = request(images=(Image("image/png", "AAAA"),))
            return await refusal(provider, "tiny", asked)

    assert "sees no images" in str(asyncio.run(once()))


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


def test_what_lm_studio_keeps_takes_part_when_it_is_found(shelf: Path) -> None:
    write_model(Path.home() / ".lmstudio/models/a/b/mine.gguf")
    off = {"ollama": {"enabled": False}, "lmstudio": {"enabled": False}}
    with Session({"probe": True, "providers": off, "cache": "off"}) as session:
        assert session.providers == ()
        assert session.select("hello").best.model == "local:mine"
        assert session.providers == ("local",)
        add_model(shelf / "tiny.gguf", Path(os.environ["ORCH_HOME"]))
        session.refresh("local")
        assert [c.model for c in session.select("hello").ranking] == ["local:mine", "local:tiny"]


def test_files_that_cannot_chat_leave_the_stand_in_in_place() -> None:
    write_model(Path.home() / ".lmstudio/models/a/b/base.gguf", template=None)
    off = {"ollama": {"enabled": False}, "lmstudio": {"enabled": False}}
    with Session({"probe": True, "providers": off, "cache": "off"}) as session:
        assert session.select("hello").best.card.simulated
