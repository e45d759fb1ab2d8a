"""One call through `Session.ask` and ``%%orch``, beside the SDKs, Routers and ``%%ai``.

All ask the same server for the same answers, take turns, and are checked for what they return. The
reference is the openai SDK with one shared client: ``create()`` for answers that come whole, its
stream for those that come piece by piece.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from benchmarks.figures import Figure, figure, part, ratios, side_by_side
from benchmarks.server import serving
from benchmarks.workers import Way, Worker, turn, working

_ROUNDS = 15
_CALLS = 15  # per round
_LENGTHS = (20, 200)
_SDK = "openai SDK"
_ASK, _WHOLE = "`session.ask`", "`session.ask`, `stream=False`"
_KEPT = "`session.ask`, answer kept on disk"
_LANGCHAIN, _LITELLM, _PYDANTIC = "LangChain with fallbacks", "LiteLLM Router", "pydantic-ai"
_OTHERS = {
    _LANGCHAIN: Way("langchain_fallbacks"),
    _LITELLM: Way("litellm_router"),
    _PYDANTIC: Way("pydantic_ai"),
}
_UNSTREAMED: dict[str, object] = {"stream": False}
#: Those that give whole answers, and those that give them piece by piece. The default of
#: `session.ask` streams from the provider either way.
WAYS_WHOLE = {
    _SDK: Way("openai_sdk", ours=True),
    _WHOLE: Way("orch", ours=True, options=_UNSTREAMED),
    f"{_WHOLE}, no budget": Way("orch", ours=True, options={**_UNSTREAMED, "budget": False}),
    _ASK: Way("orch", ours=True),
    _KEPT: Way("orch", ours=True, options={"cache": "use"}),
    "`%%orch`": Way("magic", ours=True),
    **_OTHERS,
    "jupyter-ai `%%ai`": Way("jupyter_ai"),
}
WAYS_STREAMED = {name: WAYS_WHOLE[name] for name in (_SDK, _ASK, _KEPT)} | _OTHERS
WIRES = {
    "anthropic": ("anthropic SDK", Way("anthropic_sdk", ours=True)),
    "ollama": ("ollama SDK", Way("ollama_sdk", ours=True)),
}


def measure(
    share: float = 1.0,
    *,
    whole: Mapping[str, Way] = WAYS_WHOLE,
    streamed: Mapping[str, Way] = WAYS_STREAMED,
    wires: Mapping[str, tuple[str, Way]] = WIRES,
) -> Iterator[Figure]:
    """CPU of a call by each way and as a ratio, then times to the first text."""
    with serving() as url:
        with working(whole, [url]) as workers:
            for words, measured in _measure(workers, share, stream=False).items():
                yield from _summarise(measured, f"whole, {words} words")
        with working(streamed, [url]) as workers:
            yield from _streamed(workers, share)
            yield from _first(workers, share)
        for wire, (name, way) in wires.items():
            ours = {
                _ASK: Way("orch", ours=True, options={"wire": wire}),
                _WHOLE: Way("orch", ours=True, options={"wire": wire, **_UNSTREAMED}),
            }
            with working({name: way, **ours}, [url]) as workers:
                yield from _wire(name, workers, share)


def _streamed(workers: Mapping[str, Worker], share: float) -> Iterator[Figure]:
    by_length = _measure(workers, share, stream=True)
    for words, measured in by_length.items():
        yield from _summarise(measured, f"streamed, {words} words")
    short, long = _LENGTHS
    tokens = {
        name: [
            (b - a) / (long - short)
            for a, b in zip(by_length[short][name], by_length[long][name], strict=True)
        ]
        for name in workers
    }
    for name in workers:
        goal = "≤ 0.5" if name == _ASK else ""
        label = f"{name}: a streamed token ÷ of the {_SDK}"
        values = ratios(tokens, name, _SDK)
        if name != _SDK:
            yield figure(label, values, "× CPU", goal)


def _first(workers: Mapping[str, Worker], share: float) -> Iterator[Figure]:
    calls = part(10, share)
    subjects = {
        name: turn(worker, "first", "clock", model="bench-20-5", calls=calls)
        for name, worker in workers.items()
    }
    measured = side_by_side(subjects, part(_ROUNDS // 2, share))
    for name in workers:
        goal = "≤ 1.2" if name == _ASK else ""
        label = f"{name}: time to the first text ÷ of the {_SDK}"
        values = ratios(measured, name, _SDK)
        if name != _SDK:
            yield figure(label, values, "× the clock", goal)


def _wire(name: str, workers: Mapping[str, Worker], share: float) -> Iterator[Figure]:
    for stream, how, ours in ((False, "whole", _WHOLE), (True, "streamed", _ASK)):
        measured = _measure(workers, share, stream=stream, lengths=(20,))[20]
        label = f"{ours} ÷ {name}, {how} answers of 20 words"
        yield figure(label, ratios(measured, ours, name), "× CPU")


def _measure(
    workers: Mapping[str, Worker],
    share: float,
    *,
    stream: bool,
    lengths: Sequence[int] = _LENGTHS,
) -> dict[int, dict[str, list[float]]]:
    """CPU seconds of a call, round by round, for each length; the lengths take turns, too."""
    asked = {"calls": part(_CALLS, share), "stream": stream}
    subjects = {
        f"{words} {name}": turn(worker, "calls", "cpu", model=f"bench-{words}", **asked)
        for words in lengths
        for name, worker in workers.items()
    }
    measured = side_by_side(subjects, part(_ROUNDS, share))
    return {words: {name: measured[f"{words} {name}"] for name in workers} for words in lengths}


def _summarise(measured: Mapping[str, Sequence[float]], what: str) -> Iterator[Figure]:
    milliseconds = [1e3 * value for value in measured[_SDK]]
    yield figure(f"a call of the {_SDK}, {what}", milliseconds, "ms CPU")
    for name in measured:
        goal = "≤ 1.0" if name == _WHOLE else ""
        values = ratios(measured, name, _SDK)
        if name != _SDK:
            yield figure(f"{name} ÷ {_SDK}, {what}", values, "× CPU", goal, **_place(name, what))


def _place(name: str, what: str) -> dict[str, str]:
    return {"chart": f"CPU of a call ÷ the {_SDK}'s", "row": name, "column": what}
