"""What becomes of a question whose first deployment fails, when there is a second that is well.

Each way is set up as its documents recommend: two deployments, the second as the fallback of the
first, two retries, and 2 seconds for an attempt. All trials stand in `SCENARIOS`. An answer counts
as right when the text, or all pieces of a stream together, are what either deployment says when it
is well. A trial that has not ended after 20 seconds hangs.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

from benchmarks.figures import Figure, Grid
from benchmarks.workers import Way, start
from stub.client import Stub, running
from stub.spec import STREAM_ONLY, parse, write

RIGHT = "It is 3,700 metres deep on average, as far as anybody knows."
WAYS = {
    "orch-nb": Way("orch", ours=True),
    "LiteLLM Router": Way("litellm_router"),
    "LangChain with fallbacks": Way("langchain_fallbacks"),
    "pydantic-ai FallbackModel": Way("pydantic_ai"),
    "openai SDK, one deployment": Way("openai_sdk", ours=True),
}
#: What the first deployment does, in the words of `stub.spec`; "refused": there is no server.
SCENARIOS: Mapping[str, str] = {
    "429, too many requests": "429",
    "500": "500",
    "503": "503",
    "401, the key is refused": "401",
    "429, no quota left": "quota",
    "404, no such model": "404",
    "the prompt is too long for it": "context",
    "nobody listens": "refused",
    "closed before a byte": "close",
    "reset before a byte": "reset",
    "redirect to another server": "redirect",
    "a login page with status 200": "html",
    "text instead of JSON": "notjson",
    "an error object with status 200": "error200",
    "never a byte": "hang",
    "headers, then silence": "hang_headers",
    "a byte every 0.1 s": "drip?delay=0.1",
    "an empty body": "empty",
    "no choices": "empty_choices",
    "null for a text": "null_content",
    "shorter than its length says": "truncated",
    "broken gzip": "bad_gzip",
    "reset in the middle": "reset_mid",
    "closed in the middle": "close_mid",
    "silence in the middle": "hang_mid",
    "an error event in the middle": "err_mid",
    "broken JSON in the middle": "garbage_mid",
    "no end mark": "no_done",
}


def measure(share: float = 1.0) -> Iterator[Figure | Grid]:
    """How many trials each way passes, and what became of each; all ways run side by side."""
    scenarios = dict(list(SCENARIOS.items())[: max(2, round(len(SCENARIOS) * share))])
    with running() as stub, ExitStack() as stack:
        started = {}
        for name, way in WAYS.items():
            command = ["benchmarks.trials", way.module, json.dumps(dict(way.options))]
            if process := start(name, way, command, stack):
                started[name] = process
        sent = {name: json.dumps(_trials(stub, scenarios, name)) for name in started}
        with ThreadPoolExecutor(len(started)) as pool:
            replies = pool.map(lambda name: started[name].communicate(sent[name])[0], started)
        outcomes = {
            name: json.loads(reply)
            for name, reply in zip(started, replies, strict=True)
            if reply or WAYS[name].ours
        }
    for stream, how in ((False, "whole answers"), (True, "streamed answers")):
        yield from _summarise(outcomes, scenarios, how, stream=stream)


def _trials(stub: Stub, scenarios: Mapping[str, str], name: str) -> list[dict[str, Any]]:
    """A pair of providers for each trial, so that those of all ways can run at the same time."""
    trials = []
    for number, spec in enumerate(scenarios.values()):
        for stream in _styles(spec):
            key = f"{WAYS[name].module}-{number}-{stream}"
            stub.rule(f"{key}-second", write("ok", text=RIGHT))
            first = f"http://127.0.0.1:{stub.dead_port()}"
            if spec != "refused":
                first = stub.url(f"{key}-first")
                stub.rule(f"{key}-first", _saying(spec))
            urls = [first, stub.url(f"{key}-second")]
            trials.append({"urls": urls, "stream": stream, "model": "m", "right": RIGHT})
    return trials


def _saying(spec: str) -> str:
    """A fault of an answer has the right text before it breaks."""
    if parse(spec).status is not None:
        return spec
    return write(parse(spec).name, **{**parse(spec).values, "text": RIGHT})


def _styles(spec: str) -> tuple[bool, ...]:
    return (True,) if spec.partition("?")[0] in STREAM_ONLY else (False, True)


def _summarise(
    outcomes: Mapping[str, list[dict[str, Any]]],
    scenarios: Mapping[str, str],
    how: str,
    *,
    stream: bool,
) -> Iterator[Figure | Grid]:
    places = [(name, style) for name, spec in scenarios.items() for style in _styles(spec)]
    at = [number for number, (_, style) in enumerate(places) if style is stream]
    for name, judged in outcomes.items():
        counts = Counter(judged[number]["outcome"] for number in at)
        rest = ", ".join(f"{counts[o]} {o}" for o in ("error", "wrong", "hung") if counts[o])
        label = f"{name}: failovers that end in the right answer, {how}" + (rest and f" ({rest})")
        right = float(counts["right"])
        chart = {"chart": "Failovers that end in the right answer", "row": name, "column": how}
        yield Figure(label, right, right, right, f"of {len(at)}", **chart)  # type: ignore[arg-type]
    rows = {
        places[number][0]: [judged[number]["outcome"] for judged in outcomes.values()]
        for number in at
    }
    yield Grid(f"Failover, {how}", list(outcomes), rows)
