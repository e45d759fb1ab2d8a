"""Calls of one process with 1 to 256 of them in flight, beside each transport of the SDK.

What a process can do at once is bound by its own CPU, because only one thread runs Python at a
time. So calls are counted for a second of the client's CPU, which the server on the same machine
does not share, and for a second of the clock, which it does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from benchmarks.figures import Figure, figure, part, ratios, side_by_side
from benchmarks.server import serving
from benchmarks.workers import Way, Worker, working

_ROUNDS = {1: 2, 4: 2, 16: 2, 64: 7, 256: 3}
_CALLS = 256  # per round
_AASK = "`session.aask`, `stream=False`"
_SDKS = ("openai SDK, threads", "openai SDK, httpx", "openai SDK, aiohttp")
WAYS = {
    **{
        name: Way("openai_sdk", ours=True, options={"transport": name.rpartition(" ")[2]})
        for name in _SDKS
    },
    _AASK: Way("orch", ours=True, options={"stream": False}),
    "`session.aask`, streaming within": Way("orch", ours=True),
    "LangChain with fallbacks": Way("langchain_fallbacks"),
    "LiteLLM Router": Way("litellm_router"),
    "pydantic-ai": Way("pydantic_ai"),
}


def measure(share: float = 1.0, *, ways: Mapping[str, Way] = WAYS) -> Iterator[Figure]:
    """The same prompts and whole answers of 20 words, by each way, taking turns."""
    with serving() as url, working(ways, [url]) as workers:
        for flying, rounds in _ROUNDS.items():
            yield from _compare(workers, flying, part(rounds, share), part(_CALLS, share, 32))


def _compare(
    workers: Mapping[str, Worker], flying: int, rounds: int, calls: int
) -> Iterator[Figure]:
    clocked: dict[str, list[float]] = {name: [] for name in workers}

    def rate(name: str) -> float:
        took = workers[name].measure("flight", model="bench-20", calls=calls, flying=flying)
        clocked[name].append(1 / took["clock"])
        return 1 / took["cpu"]

    subjects = {name: (lambda name=name: rate(name)) for name in workers}
    by_cpu = side_by_side(subjects, rounds)
    by_clock = {name: values[1:] for name, values in clocked.items()}
    for measured, unit in ((by_cpu, "CPU"), (by_clock, "the clock")):
        chart = f"Calls a second of {unit}, by the number in flight"
        for name, values in measured.items():
            place = {"chart": chart, "row": name, "column": flying}
            label = f"{name}, {flying} in flight"
            yield figure(label, values, f"calls a second of {unit}", **place)
    if flying >= 64:
        yield from _against_best(by_cpu, flying)


def _against_best(measured: Mapping[str, list[float]], flying: int) -> Iterator[Figure]:
    transports = [values for name, values in measured.items() if name in _SDKS]
    best = [max(values) for values in zip(*transports, strict=True)]
    for name in measured:
        if name not in _SDKS:
            share = ratios({name: measured[name], "best": best}, name, "best")
            label = f"{name} ÷ the SDK's best transport, {flying} in flight, by CPU"
            goal = "≥ 1.0" if name == _AASK else ""
            yield figure(label, share, "× its calls", goal)
