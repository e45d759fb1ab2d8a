"""What the tests of the provider `local` share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from orch_nb.errors import ProviderError
from orch_nb.invoke.attempt import Answer, Progress, attempt
from orch_nb.providers import Endpoint
from orch_nb.providers.local import Provider
from orch_nb.settings import Limits, ModelSettings
from orch_nb.types import Message, Parameters, Request
from providers.gguf_model import write_model


def write_shelf(folder: Path) -> None:
    """Models good and bad."""
    write_model(folder / "tiny.gguf", context=512)
    write_model(folder / "other.gguf", context=512, seed=1)
    write_model(folder / "third.gguf", context=512, seed=2)
    write_model(folder / "long.gguf", context=32_768)
    write_model(folder / "base.gguf", template=None)
    write_model(folder / "strange.gguf", architecture="llamx")
    (folder / "page.gguf").write_text("<!DOCTYPE html>")


def children(of: int | None = None) -> list[psutil.Process]:
    """The processes of llama.cpp that were started by the process `of`, by default this one."""
    return [
        child
        for child in psutil.Process(of).children()
        if child.status() != psutil.STATUS_ZOMBIE and "_llama.py" in "".join(child.cmdline()[-1:])
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
