"""CPU of one call through `Session.ask`, against the bare SDK with one shared client.

The bare SDK's call that is 1 is ``create()``, whose answer comes whole. Ours always streams, so
that limits hold and a stop keeps what has arrived: the longer the answer, the more that costs.
"""

from __future__ import annotations

import itertools
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median

import openai

import orch_nb
from benchmarks.figures import Figure, figure, ratios, side_by_side
from stub.client import Stub, running

_ROUNDS = 25
_CALLS = 20  # per round
_LENGTHS = (20, 200)
_STREAMED = {"stream": True, "stream_options": {"include_usage": True}}


def measure() -> list[Figure]:
    """The same prompts and answers by each way, taking turns, at two lengths of the answer."""
    with running() as stub:
        for words in _LENGTHS:
            stub.rule("alpha", f"ok?words={words}", model=f"bench-{words}")
        stub.rule("alpha", "ok?words=4&delay=0.005", model="bench-slow")
        return _compare(stub)


def _compare(stub: Stub) -> list[Figure]:
    url = stub.url("alpha", "/v1")
    sdk = openai.OpenAI(base_url=url, api_key="none", max_retries=0)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ORCH_HOME"] = folder
        config = {"providers": {"alpha": {"type": "compatible", "base_url": url}}}
        with orch_nb.Session(config=config, directory=folder) as session:
            subjects: dict[str, Callable[[], float]] = {}
            for words in _LENGTHS:
                for name, call in _ways(sdk, session, f"bench-{words}").items():
                    subjects[f"{name}, {words} words"] = _timed(call)
            measured = side_by_side(subjects, _ROUNDS)
            first = side_by_side(_first_tokens(sdk, session), _ROUNDS)
    sdk.close()
    return _summarise(measured) + _summarise_first(first)


def _ways(
    sdk: openai.OpenAI, session: orch_nb.Session, model: str
) -> dict[str, Callable[[], object]]:
    numbers = itertools.count()

    def prompt() -> str:
        return f"prompt {next(numbers)} for a benchmark of {model}"

    def streamed() -> str:
        return "".join(_pieces(sdk, model, prompt()))

    def whole() -> object:
        messages = [{"role": "user", "content": prompt()}]
        return sdk.chat.completions.create(model=model, messages=messages)  # type: ignore[arg-type]

    return {
        "`create()` streamed": streamed,
        "`create()`": whole,
        "ask": lambda: session.ask(prompt(), model=f"alpha:{model}", cache="bypass"),
        "ask, kept on disk": lambda: session.ask(prompt(), model=f"alpha:{model}"),
    }


def _pieces(sdk: openai.OpenAI, model: str, prompt: str) -> itertools.chain[str]:
    messages = [{"role": "user", "content": prompt}]
    chunks = sdk.chat.completions.create(model=model, messages=messages, **_STREAMED)  # type: ignore[call-overload]
    return itertools.chain.from_iterable(
        [chunk.choices[0].delta.content or ""] for chunk in chunks if chunk.choices
    )


def _timed(call: Callable[[], object]) -> Callable[[], float]:
    def measure_cpu() -> float:
        started = time.process_time()
        for _ in range(_CALLS):
            call()
        return (time.process_time() - started) / _CALLS

    return measure_cpu


def _first_tokens(sdk: openai.OpenAI, session: orch_nb.Session) -> dict[str, Callable[[], float]]:
    """Seconds on the clock until the first text, of a model that sends a word in 5 ms."""
    numbers = itertools.count()

    def prompt() -> str:
        return f"first {next(numbers)}"

    def bare() -> float:
        started, seconds = time.perf_counter(), 0.0
        for piece in _pieces(sdk, "bench-slow", prompt()):
            if piece and not seconds:
                seconds = time.perf_counter() - started
        return seconds

    def asked() -> float:
        seen: list[float] = []
        started = time.perf_counter()
        session.ask(
            prompt(),
            model="alpha:bench-slow",
            cache="bypass",
            on_text=lambda _: seen.append(time.perf_counter()),
        )
        return seen[0] - started

    def typical(once: Callable[[], float]) -> Callable[[], float]:
        return lambda: median(once() for _ in range(_CALLS // 2))

    return {"bare": typical(bare), "asked": typical(asked)}


def _summarise(measured: Mapping[str, Sequence[float]]) -> list[Figure]:
    figures = [
        figure(name, [1e3 * value for value in values], "ms CPU")
        for name, values in measured.items()
    ]
    for words in _LENGTHS:
        for name, goal in (("ask", "≤ 1.0"), ("ask, kept on disk", "")):
            ways = (f"{name}, {words} words", f"`create()`, {words} words")
            label = f"{name} ÷ `create()`, {words} words"
            figures.append(figure(label, ratios(measured, *ways), "×", goal))
    tokens = {name: _per_token(measured, name) for name in ("ask", "`create()` streamed")}
    figures += [figure(f"{name}: a token", values, "µs CPU") for name, values in tokens.items()]
    share = ratios(tokens, "ask", "`create()` streamed")
    return [*figures, figure("a token of ask ÷ of the SDK's stream", share, "×", "≤ 0.5")]


def _per_token(measured: Mapping[str, Sequence[float]], name: str) -> list[float]:
    """Microseconds by which each word more makes a call dearer."""
    short, long = _LENGTHS
    pairs = zip(measured[f"{name}, {short} words"], measured[f"{name}, {long} words"], strict=True)
    return [1e6 * (b - a) / (long - short) for a, b in pairs]


def _summarise_first(first: Mapping[str, Sequence[float]]) -> list[Figure]:
    share = ratios(first, "asked", "bare")
    return [figure("time to the first text: ask ÷ the SDK's stream", share, "×", "≤ 1.2")]
