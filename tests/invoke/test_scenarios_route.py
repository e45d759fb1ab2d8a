"""Which server is asked how often, and who answers: each row is one call of SPEC's "Invoking"."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from orch_nb import Session
from orch_nb.errors import OrchError
from soak.wires import MODELS, asked, right, rows
from stub.client import Stub

A, B, C = MODELS


@dataclass(frozen=True)
class Case:
    """One call: what servers do, and who answers, or the error; how often each was asked.

    ``plans`` are answers one after the other and then right ones, or one for ever. ``cause`` is
    what stands on the trail for the first attempt.
    """

    plans: Mapping[str, str | Sequence[str]]
    ended: str
    counts: Sequence[int]
    models: Sequence[str] = (A, B, C)
    cause: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    retries: int = 2


FEW = {"limits": {"first_token": 1, "idle": 1, "retry_after": 0.2}}
ONCE = ("401", "402", "403", "404", "400", "413", "quota", "context", "redirect")
THRICE = ("500", "503", "529", "408", "409", "425", "429", "close", "reset", "html", "notjson",
          "error200", "empty", "truncated", "bad_gzip", "json_for_stream", "wrong_wire", "no_done",
          "close_mid", "reset_mid", "garbage_mid", "err_mid", "err_mid?code=overloaded_error",
          "empty_choices", "null_content", "bad_utf8")  # fmt: skip
CASES: dict[str, Case] = {
    **{f"{fault} goes on at once": Case({"alpha": fault}, B, (1, 1, 0)) for fault in ONCE},
    **{f"{fault} passes": Case({"alpha": [fault]}, A, (2, 0, 0)) for fault in THRICE},
    **{
        f"{fault} on another wire": Case({"beta": fault}, C, (0, 3, 1), (B, C))
        for fault in ("500", "err_mid?code=overloaded_error", "close_mid", "no_done", "empty")
    },
    **{
        f"{fault} of the third": Case({"gamma": fault}, A, (1, 0, 3), (C, A))
        for fault in ("500", "err_mid", "close_mid", "no_done", "garbage_mid")
    },
    "a policy refusal stops": Case({"alpha": "refuse"}, "Rejected", (1, 0, 0)),
    "a filter stops": Case({"beta": "refuse?by=filter"}, "Rejected", (0, 1, 0), (B, A)),
    "a 400 of the policy stops": Case(
        {"alpha": "400?code=content_policy_violation"}, "Rejected", (1, 0, 0)
    ),
    "a hang is given up": Case({"alpha": "hang"}, B, (3, 1, 0), cause="timed out", settings=FEW),
    "a hang behind headers": Case({"beta": "hang_headers"}, A, (1, 3, 0), (B, A), settings=FEW),
    "silence in the middle": Case({"gamma": "hang_mid"}, A, (1, 0, 3), (C, A), settings=FEW),
    "comments without end": Case({"alpha": "pings?n=900"}, B, (3, 1, 0), settings=FEW),
    "a hang leaves half of the deadline": Case(
        {"alpha": "hang"}, B, (1, 1, 0), options={"deadline": 3}
    ),
    "so does silence in the middle": Case(
        {"alpha": "hang_mid"}, B, (1, 1, 0), options={"deadline": 4}
    ),
    "two hangs leave a quarter": Case(
        {"alpha": "hang", "beta": "hang"}, C, (1, 1, 1), options={"deadline": 6}
    ),
    "a slow drip ends": Case(
        {"alpha": "drip?n=9&delay=0.05&words=900"},
        B,
        (1, 1, 0),
        settings={"limits": {"attempt": 0.5}},
        retries=0,
    ),
    "too large an answer": Case(
        {"alpha": "big?mb=1"}, B, (1, 1, 0), settings={"limits": {"answer": 90000}}, retries=0
    ),
    "a pause that is asked for is kept": Case({"alpha": ["429?retry_after=0.2"]}, A, (2, 0, 0)),
    "a date is a pause": Case({"alpha": ["503?retry_after=date"]}, A, (2, 0, 0)),
    "an odd pause is none": Case({"alpha": ["429?retry_after=soon"]}, A, (2, 0, 0)),
    "a pause in the past is none": Case({"alpha": ["429?retry_after=-5"]}, A, (2, 0, 0)),
    "a pause of nan is none": Case({"alpha": ["429?retry_after=nan"]}, A, (2, 0, 0)),
    "an hour's pause makes room": Case({"alpha": "429?retry_after=3600"}, B, (1, 1, 0)),
    "an hour's pause is cut short for one alone": Case(
        {"alpha": ["429?retry_after=3600"]}, A, (2, 0, 0), (A,), settings=FEW
    ),
    "a second lap": Case({"alpha": ["500"] * 3, "beta": ["503"] * 3}, A, (4, 3, 0), (A, B)),
    "a second lap beside a refusal": Case(
        {"alpha": "401", "beta": ["503"] * 3}, B, (1, 4, 0), (A, B)
    ),
    "no third lap": Case({"alpha": "500", "beta": "500"}, "AllFailed", (4, 4, 0), (A, B)),
    "no lap without retries": Case(
        {"alpha": "500", "beta": "500"}, "AllFailed", (1, 1, 0), (A, B), retries=0
    ),
    "no lap past the deadline": Case(
        {"alpha": "429?retry_after=9", "beta": "429?retry_after=9"},
        "AllFailed",
        (1, 1, 0),
        (A, B),
        options={"deadline": 2},
    ),
    "one alone fails with its own error": Case({"alpha": "500"}, "ServerFailed", (3, 0, 0), (A,)),
    "a key alone is refused": Case({"alpha": "401"}, "KeyRefused", (1, 0, 0), (A,)),
    "all refused": Case(
        {"alpha": "401", "beta": "402", "gamma": "403"}, "AllFailed", (1, 1, 1)
    ),
    "an explicit order outweighs the policy fail": Case(
        {"alpha": "404"}, B, (1, 1, 0), settings={"fallback": "fail"}
    ),
    "only the last is well": Case({"alpha": "404", "beta": "context"}, C, (1, 1, 1)),
    "a cut at the limit is an answer": Case({"alpha": "length"}, A, (1, 0, 0)),
    "no count is an answer": Case({"alpha": "no_usage"}, A, (1, 0, 0)),
    "absurd counts are an answer": Case({"alpha": "bad_usage?kind=huge"}, A, (1, 0, 0)),
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def imported() -> None:
    """What takes a second to load is loaded: limits here are not much longer."""
    for name in ("openai", "anthropic", "ollama", "httpx2", "httpx", "numpy"):
        importlib.import_module(name)


@pytest.mark.parametrize("name", CASES)
def test_who_answers(stub: Stub, name: str) -> None:
    case = CASES[name]
    for provider, specs in case.plans.items():
        if isinstance(specs, str):
            stub.rule(provider, specs)
        else:
            stub.plan(provider, *specs)
    config = {"providers": rows(stub, max_retries=case.retries), **case.settings}
    with Session(config) as s:
        try:
            answer = s.ask(name, model=list(case.models), **case.options)
        except OrchError as error:
            ended, text = type(error).__name__, right(name)
        else:
            ended, text = answer.model, answer.text
        record = s.ledger.last
    assert (ended, text) == (case.ended, right(name))
    counts = Counter(entry.provider for entry in asked(stub))
    assert [counts[model.partition(":")[0]] for model in MODELS] == list(case.counts)
    assert record is not None
    assert len(record.attempts) == sum(case.counts)
    if case.cause is not None:
        assert record.attempts[0].cause == case.cause
    assert stub.sink_log() == []


def test_shown_text_is_never_followed_by_another_answer(stub: Stub) -> None:
    for fault in ("close_mid", "reset_mid", "err_mid", "garbage_mid", "no_done", "hang_mid"):
        stub.rule("alpha", fault)
        shown: list[str] = []
        config = {"providers": rows(stub), "breaker": "off", "limits": {"idle": 1}}
        with Session(config) as s, pytest.raises(OrchError):
            s.ask(fault, model=[A, B, C], on_text=shown.append)
        assert right(fault).startswith("".join(shown))
        assert shown
    assert {entry.provider for entry in asked(stub)} == {"alpha"}
