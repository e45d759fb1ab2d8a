"""Many calls at once, over all three wires, while a fifth of what servers send is wrong."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from orch_nb import Response, Session
from orch_nb.errors import OrchError
from soak.sizes import sized
from soak.wires import INPUT, MODELS, OUTPUT, TYPES, asked, priced, right, rows
from stub.client import Stub
from stub.spec import STREAM_ONLY, parse

CALLERS = 32
#: What passes: a key that is refused benches its provider at once, and then there is no storm.
FAULTS = (
    "429", "500", "503", "529", "close", "reset", "html", "notjson", "error200", "empty",
    "truncated", "close_mid?after=3", "reset_mid?after=3", "garbage_mid?after=3",
    "err_mid?after=3", "no_done", "wrong_wire", "empty_choices",
)  # fmt: skip
COOLDOWN = 0.5


#: Those that can strike an answer that comes whole.
OF_WHOLE = [fault for fault in FAULTS if parse(fault).name not in STREAM_ONLY]
COUNTED = {"budget": {"session": 1000}, "models": priced()}


def brew(
    stub: Stub, faulty: Sequence[str], calls: int, seed: str, faults: Sequence[str] = FAULTS
) -> None:
    """Have each of the `faulty` providers answer wrongly one time in five, at random places."""
    draw = random.Random(seed)
    for name in faulty:
        fives = ([draw.choice(faults), "ok", "ok", "ok", "ok"] for _ in range(2 * calls // 5))
        stub.plan(name, *(spec for five in fives for spec in draw.sample(five, 5)))


def ask_all(
    s: Session, calls: int, order: Callable[[int], Sequence[str]], *, stream: bool = True
) -> dict[str, Response | OrchError]:
    """What came of each prompt."""

    def ask(number: int) -> tuple[str, Response | OrchError]:
        prompt = f"prompt {number}"
        try:
            return prompt, s.ask(prompt, model=list(order(number)), deadline=60, stream=stream)
        except OrchError as error:
            return prompt, error

    with ThreadPoolExecutor(CALLERS) as pool:
        return dict(pool.map(ask, range(calls)))


def wrong(ended: dict[str, Response | OrchError]) -> dict[str, str]:
    return {
        prompt: one.text
        for prompt, one in ended.items()
        if isinstance(one, Response) and one.text != right(prompt)
    }


def lost(ended: dict[str, Response | OrchError]) -> dict[str, str]:
    return {prompt: str(one) for prompt, one in ended.items() if isinstance(one, OrchError)}


@pytest.mark.parametrize(
    "faulty",
    [("alpha",), ("beta",), ("gamma",), ("alpha", "beta"), ("beta", "gamma"), ("gamma", "alpha")],
    ids="+".join,
)
def test_with_faults_on_one_or_two_of_three_all_are_answered_right(
    stub: Stub, faulty: Sequence[str]
) -> None:
    calls = sized(35, 85, 1700)
    brew(stub, faulty, calls, "+".join(faulty))
    # Those that fail stand first: so each fault is met, and not only a third of them.
    order = [f"{name}:m" for name in (*faulty, *(n for n in TYPES if n not in faulty))]
    with Session({"providers": rows(stub)}) as s:
        ended = ask_all(s, calls, lambda _: order)
    attempts = len(asked(stub)) / calls
    print(f"{calls} calls, {attempts:.3f} attempts a call")
    assert lost(ended) == {}
    assert wrong(ended) == {}
    assert 1 < attempts <= 1.3


def test_with_faults_on_all_hardly_any_is_lost(stub: Stub) -> None:
    calls = sized(200, 500, 10_000)
    brew(stub, list(TYPES), calls, "all")
    with Session({"providers": rows(stub)}) as s:
        ended = ask_all(s, calls, lambda number: MODELS[number % 3 :] + MODELS[: number % 3])
    entries = asked(stub)
    print(f"{calls} calls, {len(entries) / calls:.3f} attempts a call, {len(lost(ended))} lost")
    assert wrong(ended) == {}
    assert len(lost(ended)) <= calls / 1000, lost(ended)
    assert min(Counter(entry.provider for entry in entries)[name] for name in TYPES) > calls / 5


def test_answers_that_come_whole_are_right_and_paid_for(stub: Stub) -> None:
    calls = sized(100, 300, 5000)
    brew(stub, list(TYPES), calls, "whole", OF_WHOLE)
    with Session({"providers": rows(stub), **COUNTED}) as s:
        ended = ask_all(
            s, calls, lambda number: MODELS[number % 3 :] + MODELS[: number % 3], stream=False
        )
        spent = s.budget.spent()["session"]
    stub.wait_idle()
    entries = asked(stub)
    print(f"{calls} calls, {len(entries) / calls:.3f} attempts a call, {len(lost(ended))} lost")
    assert not any(entry.stream for entry in entries)
    assert wrong(ended) == {}
    assert len(lost(ended)) <= calls / 1000, lost(ended)
    # What broke may have been billed: it is counted at its most, and so never too low.
    bill = Decimal(sum(e.billed_input * INPUT + e.billed_output * OUTPUT for e in entries)) / 10**6
    assert spent.reserved == 0
    assert spent.known + spent.estimated <= bill <= spent.total


def test_64_callers_leave_a_dead_provider_alone(stub: Stub) -> None:
    calls, failures = sized(300, 300, 6000), 3
    stub.rule("*", "ok?delay=0.005")
    stub.rule("alpha", "500")
    breaker = {"failures": failures, "cooldown": COOLDOWN}
    with Session({"providers": rows(stub), "breaker": breaker}) as s, ThreadPoolExecutor(64) as p:
        models = list(
            p.map(lambda n: s.ask(f"prompt {n}", model=["alpha:m", "beta:m"]).model, range(calls))
        )
    assert set(models) == {"beta:m"}
    times = [entry.at for entry in asked(stub) if entry.provider == "alpha"]
    assert len(times) > failures  # at least one cool-down was over
    within = [sum(start <= at < start + COOLDOWN for at in times) for start in times]
    assert max(within) <= failures + 1
