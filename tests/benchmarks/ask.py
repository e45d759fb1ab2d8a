"""CPU of one call through `Session.ask`, against the bare SDK with one shared client."""

from __future__ import annotations

import itertools
import os
import tempfile
import time
from collections.abc import Callable

import openai

import orch_nb
from benchmarks.figures import Figure, figure, ratios, side_by_side
from stub.client import Stub, running

_ROUNDS = 25
_CALLS = 20  # per round
_MODEL = "bench-model"


def measure() -> list[Figure]:
    """The same prompt and answer by each way, taking turns, at two lengths of the answer."""
    figures: list[Figure] = []
    with running() as stub:
        for words in (20, 200):
            stub.rule("alpha", f"ok?words={words}")
            figures += _compare(stub, words)
    return figures


def _compare(stub: Stub, words: int) -> list[Figure]:
    url = stub.url("alpha", "/v1")
    sdk = openai.OpenAI(base_url=url, api_key="none", max_retries=0)
    numbers = itertools.count()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ORCH_HOME"] = folder
        config = {"providers": {"alpha": {"type": "compatible", "base_url": url}}}
        with orch_nb.Session(config=config, directory=folder) as session:

            def prompt() -> str:
                return f"prompt {next(numbers)} for a benchmark"

            def streamed() -> None:
                chunks = sdk.chat.completions.create(
                    model=_MODEL,
                    messages=[{"role": "user", "content": prompt()}],
                    stream=True,
                    stream_options={"include_usage": True},
                )
                "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)

            def whole() -> None:
                sdk.chat.completions.create(
                    model=_MODEL, messages=[{"role": "user", "content": prompt()}]
                )

            def asked() -> None:
                session.ask(prompt(), model=f"alpha:{_MODEL}", cache="bypass")

            def kept() -> None:
                session.ask(prompt(), model=f"alpha:{_MODEL}")

            measured = side_by_side(
                {
                    "sdk streamed": _timed(streamed),
                    "sdk whole": _timed(whole),
                    "ask": _timed(asked),
                    "ask, kept on disk": _timed(kept),
                },
                _ROUNDS,
            )
    sdk.close()
    return _summarise(measured, words)


def _timed(call: Callable[[], None]) -> Callable[[], float]:
    def measure_cpu() -> float:
        started = time.process_time()
        for _ in range(_CALLS):
            call()
        return (time.process_time() - started) / _CALLS

    return measure_cpu


def _summarise(measured: dict[str, list[float]], words: int) -> list[Figure]:
    figures = [
        figure(f"{name}, {words} words", [1e3 * value for value in values], "ms CPU")
        for name, values in measured.items()
    ]
    for name, reference, goal in (
        ("ask", "sdk streamed", "≤ 1.3"),
        ("ask, kept on disk", "sdk streamed", "≤ 1.3"),
        ("ask", "sdk whole", ""),
    ):
        label = f"{name} ÷ {reference}, {words} words"
        figures.append(figure(label, ratios(measured, name, reference), "×", goal))
    return figures
