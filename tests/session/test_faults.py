"""Whatever a server does wrong: an end in time, and an error or the whole answer, never less."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from orch_nb import Response, Session
from orch_nb.errors import OrchError, Rejected
from providers.faults import FAILURES, RETRY_AFTER, SLOW
from session.conftest import Open
from stub.answer import compose
from stub.client import Stub
from stub.spec import NAMES, parse

PROMPT = "What is up?"
DEADLINE = 3.0
#: Seconds past the deadline. It is at most half a second; more is for a busy machine.
LATE = 30.0
LENGTHY = {"slow": "slow?s=60", "big": "big?mb=9", "bigline": "bigline?mb=9"}
SPECS = sorted(
    {LENGTHY.get(name, name) for name in NAMES}
    | {spec for spec, *_ in (*FAILURES, *RETRY_AFTER, *SLOW)}
)
WIRES = {"compatible": "/v1", "anthropic": "", "ollama": ""}


@pytest.fixture(params=WIRES)
def wire(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def names() -> Mapping[str, str]:
    """A provider's name for each fault."""
    return {spec: f"p{place}" for place, spec in enumerate(SPECS)}


@contextmanager
def faulty(
    wire: str, stub: Stub, open_session: Open, *, retries: int, **settings: Any
) -> Iterator[Session]:
    """A session with one provider for each fault, and one that is well."""
    rows = {}
    for name in (*names().values(), "well"):
        row = {"type": wire, "base_url": stub.url(name, WIRES[wire]), "max_retries": retries}
        rows[name] = row if wire == "ollama" else {**row, "api_key": "sk-test"}
    for spec, name in names().items():
        stub.rule(name, spec)
    yield open_session(providers=rows, cache="off", **settings)


def ask_all(
    s: Session,
    models: Callable[[str], list[str]],
    specs: Sequence[str] = SPECS,
    deadline: float = DEADLINE,
) -> dict[str, tuple[Response | OrchError, float]]:
    """What came of each fault, and the seconds that it took."""
    s.ask(PROMPT, model="well:m")  # what is imported is imported

    def ask(spec: str) -> tuple[Response | OrchError, float]:
        began = time.monotonic()
        try:
            ended: Response | OrchError = s.ask(
                PROMPT, model=models(names()[spec]), deadline=deadline
            )
        except OrchError as error:
            ended = error
        return ended, time.monotonic() - began

    with ThreadPoolExecutor(16) as pool:
        return dict(zip(specs, pool.map(ask, specs), strict=True))


def whole(spec: str) -> str:
    said = compose(parse(spec), PROMPT, "m", 1).text or ""
    return said.replace("\ud800", "\ufffd").replace("\udc00", "\ufffd")


def test_each_ends_in_time_with_an_error_or_the_whole_answer(
    wire: str, stub: Stub, open_session: Open
) -> None:
    with faulty(wire, stub, open_session, retries=1) as s:
        ended = ask_all(s, lambda name: [f"{name}:m"])
    late = {spec: seconds for spec, (_, seconds) in ended.items() if seconds > DEADLINE + LATE}
    assert late == {}
    answers = {spec: one for spec, (one, _) in ended.items() if isinstance(one, Response)}
    assert "ok" in answers
    wrong = {
        spec: answer.text
        for spec, answer in answers.items()
        if answer.text != whole(spec) or not (answer.text or answer.calls)
    }
    assert wrong == {}
    assert answers.keys().isdisjoint({"html", "empty", "no_done", "close_mid", "redirect"})
    assert not stub.sink_log()


def test_another_model_answers_instead(wire: str, stub: Stub, open_session: Open) -> None:
    # What drips is stopped by limits.attempt only; what is large keeps others waiting.
    slow = {spec for spec, _, limit in SLOW if limit == "limits.attempt"}
    specs = [spec for spec in SPECS if spec not in {*slow, "big?mb=9", "bigline?mb=9"}]
    limits = {"first_token": 4, "idle": 1}
    with faulty(wire, stub, open_session, retries=0, limits=limits) as s:
        ended = ask_all(s, lambda name: [f"{name}:m", "well:m"], specs, deadline=20.0)
    lost = {
        spec: str(one)
        for spec, (one, _) in ended.items()
        if not isinstance(one, Response | Rejected)
    }
    assert lost == {}
    assert {spec for spec, (one, _) in ended.items() if isinstance(one, Rejected)} <= {
        spec for spec, kind, _ in FAILURES if kind is Rejected
    }
