"""The report: totals that add up, and suggestions beyond their thresholds only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_nb.store.ledger import Ledger
from orch_nb.store.report import Report
from orch_nb.store.suggestions import Suggestion
from orch_nb.types import (
    Attempt,
    CachePolicy,
    Decision,
    Message,
    Record,
    Request,
    Response,
    TaskProfile,
    Usage,
    UsageSource,
    Wants,
)

CENT = Decimal("0.01")


def called(
    model: str,
    *,
    seconds: float = 1.0,
    cost: Decimal | None = CENT / 10,
    kind: str = "chat",
    error: str | None = None,
    cached: bool = False,
    simulated: bool = False,
    cache: CachePolicy = "use",
    tried: Sequence[Attempt] | None = None,
    source: UsageSource = "known",
) -> Record:
    request = Request((Message("user", "hi"),), wants=Wants(cache=cache))
    decision = Decision("cost", "strategy", TaskProfile(kind, 5, 5), ())
    attempts = (Attempt(model, seconds, error),) if tried is None else tuple(tried)
    usage = Usage(1, 1, source=source)
    facts: dict[str, Any] = {"cached": cached, "simulated": simulated}
    response = Response("a", model, usage, cost, "stop", seconds, 0.1, decision=decision,
                        attempts=attempts, **facts)  # fmt: skip
    return Record(1.8e9, request, decision, attempts, None if error else response, error)


def suggestions(*records: Record) -> list[tuple[str, str | None, str | None]]:
    return [(s.subject, s.model, s.instead) for s in Report.of(records).suggestions]


def several(model: str, count: int = 3, **facts: Any) -> list[Record]:
    return [called(model, **facts) for _ in range(count)]


def test_of_nothing_there_is_nothing_to_say() -> None:
    report = Report.of(Ledger())
    assert report.rows() == []
    assert report.suggestions == ()
    assert str(report).splitlines()[1].split() == ["total", "0", "$0", "0", "—"]


def test_a_slow_model() -> None:
    assert suggestions(*several("a:m", seconds=5.0)) == []
    assert suggestions(*several("a:m", 2, seconds=60.0)) == []
    (only,) = Report.of(several("a:m", seconds=5.1)).suggestions
    assert only == Suggestion(
        "slow",
        "a:m",
        "a:m took 5.1 s on average, more than 5.0 s: "
        "--max-latency or --strategy performance takes a quicker model",
    )


def test_a_dear_model() -> None:
    assert suggestions(*several("a:m", cost=CENT)) == []
    assert suggestions(*several("a:m", cost=None)) == []
    (only,) = Report.of(several("a:m", cost=2 * CENT)).suggestions
    assert only.text == (
        "a:m cost $0.020 a call, more than $0.010: "
        "--max-cost or --strategy cost takes a cheaper model"
    )


def test_a_failing_model() -> None:
    failure = called("a:m", error="down")
    assert suggestions(*several("a:m", 9), failure) == []
    (only,) = Report.of([*several("a:m", 8), failure]).suggestions
    assert only.text.startswith("a:m answered 8 of 9 calls, less than 90 %: %orch doctor")


@pytest.mark.parametrize("cause", ["over budget", "benched"])
def test_what_was_never_asked_is_no_failure(cause: str) -> None:
    kept_back = (Attempt("a:m", 0.0, "not asked", cause=cause),)
    records = [*several("a:m", 3), *several("a:m", 3, error="not asked", tried=kept_back)]
    assert suggestions(*records) == []
    (stats,) = Report.of(records).models
    assert (stats.calls, stats.success) == (3, 1.0)


def test_what_a_stop_cut_off_in_a_cascade_is_in_the_sums() -> None:
    draft = Attempt("a:m", 1.0, cause="drafts disagree", usage=Usage(1, 1), cost=CENT)
    cut = Usage(1, 3, source="estimated")
    stopped = Attempt("b:big", 1.0, "stopped", cause="interrupted", usage=cut, cost=3 * CENT)
    record = called("b:big", cost=4 * CENT, source="estimated", tried=[draft, stopped])
    assert record.response is not None
    record = replace(record, response=replace(record.response, finish="interrupted"))
    report = Report.of([record])
    assert (report.spent.known, report.spent.estimated) == (CENT, 3 * CENT)
    assert {stats.model: stats.cost for stats in report.models} == {"a:m": CENT, "b:big": 3 * CENT}


def test_answers_that_are_never_the_same() -> None:
    hits = several("a:m", 4, cached=True)
    assert suggestions(*several("a:m", 15), *hits) == []
    assert suggestions(*several("a:m", 16), *hits) == []
    assert suggestions(*several("a:m", 17), *hits) == [("cache", None, None)]
    assert suggestions(*several("a:m", 50, cache="bypass")) == []


def test_a_better_model_for_the_same_kind_is_named() -> None:
    slow = several("a:slow", seconds=20.0, cost=3 * CENT, kind="code")
    quick = several("b:quick", seconds=1.0, cost=2 * CENT, kind="code")
    cheap = several("c:cheap", seconds=19.0, cost=CENT / 100, kind="code")
    elsewhere = several("d:elsewhere", seconds=0.1, cost=Decimal(0), kind="chat")
    once = several("e:once", 2, seconds=0.1, cost=Decimal(0), kind="code")
    fake = several("sim:m", seconds=0.1, cost=Decimal(0), kind="code", simulated=True)
    made = Report.of([*slow, *quick, *cheap, *elsewhere, *once, *fake]).suggestions
    assert [(s.subject, s.model, s.instead) for s in made] == [
        ("slow", "a:slow", "b:quick"),
        ("expensive", "a:slow", "c:cheap"),
        ("expensive", "b:quick", "c:cheap"),
        ("slow", "c:cheap", "b:quick"),
    ]
    assert made[0].text == (
        "a:slow took 20 s on average, more than 5.0 s: for code tasks b:quick took 1.0 s on average"
    )


def test_a_model_that_fails_is_never_recommended() -> None:
    slow = several("a:slow", 12, seconds=20.0)
    failing = [*several("b:m", 3, seconds=0.1), *several("b:m", 3, error="down")]
    assert suggestions(*slow, *failing) == [("slow", "a:slow", None), ("failing", "b:m", "a:slow")]


def test_it_reads_as_a_table_and_hides_nothing() -> None:
    records = [*several("a:\u202em", 2), called("a:\u202em", cached=True), called("b:m", cost=None)]
    lines = str(Report.of(records)).splitlines()
    assert lines[0].split()[:4] == ["model", "calls", "success", "p50"]
    said = [" ".join(line.split()) for line in lines]
    assert said[1] == "a:\\u202em 2 100 % 1.0 s 1.0 s 1.0 s $0.0020 $0.0010 1 33 %"
    assert said[3] == "total 3 $0.0020 1 25 %"
    assert lines[4] == "calls of unknown cost, in no sum: 1"


costs = st.none() | st.decimals(0, 1, places=6)
sources: st.SearchStrategy[UsageSource] = st.sampled_from(("known", "estimated"))
names = st.sampled_from(("a:m", "b:m", "c:m"))
drafts = st.builds(
    Attempt,
    names,
    st.floats(0, 9),
    cause=st.just("no agreement"),
    usage=st.builds(Usage, source=sources),
    cost=costs,
)
records_of = st.lists(
    st.builds(
        called,
        names,
        cost=costs,
        source=sources,
        cached=st.booleans(),
        error=st.none() | st.just("down"),
        tried=st.none() | st.lists(drafts, max_size=3),
    ),
    max_size=12,
)


@given(records_of)
def test_totals_are_the_ledgers_to_the_nano_dollar(records: list[Record]) -> None:
    ledger = Ledger()
    for record in records:
        ledger.add(record)
    report = Report.of(ledger)
    assert report.spent == ledger.spent
    assert {m.model: m for m in report.models} == ledger.by_model()
    assert sum((m.cost for m in report.models), Decimal(0)) == ledger.spent.total
    assert all(row["cost"] >= 0 for row in report.rows())  # type: ignore[operator]


@pytest.mark.parametrize("cell", ["calls", "cached"])
def test_rows_are_for_tables(cell: str) -> None:
    (row,) = Report.of(several("a:m", 4)).rows()
    assert row[cell] == {"calls": 4, "cached": 0}[cell]
    assert (row["model"], row["cost"], row["success"]) == ("a:m", CENT * 4 / 10, 1.0)
