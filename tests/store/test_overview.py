"""An overview has the ledger's numbers, and rows on disk have those of their records."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from charts.records import made_records
from orch_nb.store.account import middle, payments, reached
from orch_nb.store.call_figures import of_record, of_row
from orch_nb.store.call_row import summarise
from orch_nb.store.decay import FadingSample
from orch_nb.store.ledger import Ledger
from orch_nb.store.reckoning import reckon
from orch_nb.store.report import Report
from orch_nb.types import Attempt
from store.test_report import called


@given(seed=st.integers(0, 2**32), count=st.integers(0, 200))
def test_every_model_has_the_sums_of_its_attempts(seed: int, count: int) -> None:
    records = list(made_records(count, models=5, seed=seed))
    ledger = Ledger()
    for record in records:
        ledger.add(record)
    overview = Report.of(records).overview
    assert overview.calls == count
    assert overview.spent == ledger.spent
    stats = ledger.by_model()
    assert {one.model: one.stats for one in overview.models} == stats
    tried = [attempt for record in records for attempt in reached(record)]
    paid = [payment for record in records for payment in payments(record)]
    for model, one in stats.items():
        own = [attempt for attempt in tried if attempt.model == model]
        bills = [p.cost for p in paid if p.model == model and p.cost is not None]
        answered = sum(attempt.error is None for attempt in own)
        answers = sum(r.response is not None and r.response.model == model for r in records)
        assert one.calls == len(own)
        assert one.cost == sum(bills, Decimal(0))
        assert one.cost_per_call == (one.cost / len(bills) if bills else None)
        assert one.success == (answered / len(own) if own else None)
        assert one.cached <= answers


@given(seed=st.integers(0, 2**32))
def test_rows_come_to_the_same_sums(seed: int) -> None:
    records = list(made_records(100, seed=seed))
    rows = [summarise(record, "s", n, ()) for n, record in enumerate(records, start=1)]
    of_records, of_rows = reckon(map(of_record, records)), reckon(map(of_row, rows))
    assert of_rows.spent == of_records.spent
    assert of_rows.saved == of_records.saved
    assert of_rows.kinds == of_records.kinds
    assert sum(one.cached for one in of_rows.models) == sum(one.cached for one in of_records.models)


def test_who_answers_for_another_steps_in() -> None:
    tried = [Attempt("a:m", 0.1, "busy", "429"), Attempt("b:m", 1.0)]
    helped, failed = Report.of([called("b:m", tried=tried)]).overview.models
    assert (failed.model, dict(failed.failures), failed.stepped_in) == ("a:m", {"429": 1}, 0)
    assert (helped.model, helped.failed, helped.stepped_in) == ("b:m", 0, 1)


def test_totals_stand_below_the_table() -> None:
    records = [called("a:m"), called("b:m", cost=None), called("a:m", cached=True)]
    head, *rows, total = Report.of(records).overview.cells()
    assert [row[:5] for row in (*rows, total)] == [
        ["a:m", "1", "1", "$0.0010", "$0.0010"],
        ["b:m", "1", "0", "$0", "$0"],
        ["total", "2", "1", "$0.0010", "$0.0010"],
    ]
    assert head[-2:] == ["tokens in", "tokens out"]
    assert total[-2:] == ["2", "2"]
    assert Report.of(records).overview.notes == (
        "$0.0010 known + $0 estimated",
        "1 call of unknown cost, in no sum",
    )


def test_moments_are_few_and_hold_both_ends() -> None:
    overview = Report.of([called("a:m", cost=Decimal(1))] * 5000).overview
    calls = [moment.call for moment in overview.moments]
    assert (calls[0], calls[-1]) == (1, 5000)
    assert len(calls) <= 256
    assert calls == sorted(set(calls))
    assert [moment.spent.known for moment in overview.moments] == calls


def test_half_of_an_even_number_is_what_a_track_says() -> None:
    sample = FadingSample(half_life=1.0, most=9)
    for duration in (1.0, 3.0):
        sample.add(0.0, duration)
    assert middle([1.0, 3.0]) == 1.0
    assert sample.quantiles([0.5]) == [1.0]
