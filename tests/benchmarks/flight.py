"""Calls of one process with 64 and 256 of them in flight, against each transport of the SDK.

What a process can do at once is bound by its own CPU, because only one thread runs Python at a
time. So calls are counted for a second of the client's CPU, which the server on the same machine
does not share, and for a second of the clock, which it does.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import openai

import orch_nb
from benchmarks.figures import Figure, figure, ratios, side_by_side
from stub.client import Stub, running

_ROUNDS = 9
_CALLS = 512  # per round
_MODEL = "bench-model"
_WAYS = ("threads", "httpx2", "aiohttp")

Ask = Callable[[str], Awaitable[object]]


def measure() -> list[Figure]:
    """The same prompts and answers of 20 words, by each way, taking turns."""
    figures: list[Figure] = []
    with running() as stub:
        stub.rule("alpha", "ok?words=20")
        for flying in (64, 256):
            figures += _compare(stub, flying)
    return figures


def _compare(stub: Stub, flying: int) -> list[Figure]:
    url = stub.url("alpha", "/v1")
    row = {"type": "compatible", "base_url": url, "max_connections": flying}
    sync = openai.OpenAI(base_url=url, api_key="none", max_retries=0)
    # Clients belong to the loop that uses them first.
    loop = asyncio.new_event_loop()
    httpx2, aiohttp = (
        openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0, http_client=http)
        for http in (openai.DefaultAsyncHttpxClient(), openai.DefaultAioHttpClient())
    )
    clocked: dict[str, list[float]] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        ThreadPoolExecutor(flying) as pool,
    ):
        os.environ["ORCH_HOME"] = folder
        config = {"providers": {"alpha": row}}
        with orch_nb.Session(config=config, directory=folder) as session:

            def threads(prompts: list[str]) -> None:
                list(pool.map(lambda prompt: _create(sync, prompt), prompts))

            def awaited(ask: Ask) -> Callable[[list[str]], None]:
                return lambda prompts: loop.run_until_complete(_all(ask, prompts, flying))

            subjects = {
                "threads": threads,
                "httpx2": awaited(lambda prompt: _create(httpx2, prompt)),
                "aiohttp": awaited(lambda prompt: _create(aiohttp, prompt)),
                "aask": awaited(
                    lambda prompt: session.aask(prompt, model=f"alpha:{_MODEL}", cache="bypass")
                ),
            }
            measured = side_by_side(
                {name: _rate(run, clocked.setdefault(name, [])) for name, run in subjects.items()},
                _ROUNDS,
            )
        sync.close()
        for client in (httpx2, aiohttp):
            loop.run_until_complete(client.close())
        loop.close()
    walls = {name: values[1:] for name, values in clocked.items()}
    return _summarise(measured, walls, flying)


def _create(client: openai.OpenAI | openai.AsyncOpenAI, prompt: str) -> object:
    messages = [{"role": "user", "content": prompt}]
    return client.chat.completions.create(model=_MODEL, messages=messages)  # type: ignore[arg-type]


async def _all(ask: Ask, prompts: list[str], flying: int) -> None:
    rest = iter(prompts)

    async def caller() -> None:
        for prompt in rest:
            await ask(prompt)

    await asyncio.gather(*(caller() for _ in range(flying)))


def _rate(run: Callable[[list[str]], None], clocked: list[float]) -> Callable[[], float]:
    numbers = itertools.count()

    def measure_rate() -> float:
        prompts = [f"prompt {next(numbers)} for a benchmark" for _ in range(_CALLS)]
        cpu, clock = time.process_time(), time.perf_counter()
        run(prompts)
        clocked.append(_CALLS / (time.perf_counter() - clock))
        return _CALLS / (time.process_time() - cpu)

    return measure_rate


def _summarise(
    measured: dict[str, list[float]], walls: dict[str, list[float]], flying: int
) -> list[Figure]:
    names = {name: f"`create()`, {name}" for name in _WAYS} | {"aask": "`Session.aask`"}
    figures = [
        figure(f"{names[name]}, {flying} in flight", values, "calls a second of CPU")
        for name, values in measured.items()
    ]
    for rates, unit in ((measured, "CPU"), (walls, "the clock")):
        best = [max(values) for values in zip(*(rates[name] for name in _WAYS), strict=True)]
        share = ratios({"aask": rates["aask"], "best": best}, "aask", "best")
        label = f"`aask` ÷ the SDK's best, {flying} in flight, by {unit}"
        figures.append(figure(label, share, "×", "≥ 1.0" if unit == "CPU" else ""))
    return figures
