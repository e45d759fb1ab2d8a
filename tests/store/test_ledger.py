"""What the calls of a session add up to."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import Any

import pytest

from orch_nb.store.account import Spend
from orch_nb.store.ledger import Ledger
from orch_nb.store.overview import ModelStats
from orch_nb.types import Attempt, Record, Usage
from store.ledgers import CENT, answered, failed, filled


def stats(model: str, **changes: Any) -> ModelStats:
    unknown = dict.fromkeys(
        ("seconds", "success", "p95", "mean", "cost_per_call", "hit_rate"), None
    )
    fields: dict[str, Any] = {**unknown, "calls": 0, "cached": 0, "cost": Decimal(0)}
    return ModelStats(model, **(fields | changes))


def test_it_is_a_sequence_in_order_of_arrival() -> None:
    records = [answered(f"a:{i}") for i in range(4)]
    ledger = filled(*records)
    assert len(ledger) == 4
    assert list(ledger) == records
    assert ledger[0] is records[0]
    assert ledger[-1] is ledger.last is records[-1]
    assert ledger[1:3] == records[1:3]
    with pytest.raises(IndexError):
        ledger[4]


def test_an_empty_ledger_is_empty() -> None:
    ledger = Ledger()
    assert len(ledger) == 0
    assert ledger.last is None
    assert ledger.spent == Spend(Decimal(0), Decimal(0), 0)
    assert ledger.by_model() == {}
    assert ledger.to_records() == []


def test_iterating_is_not_disturbed_by_what_is_added() -> None:
    ledger = filled(answered(), answered())
    for seen, record in enumerate(ledger):
        assert seen < 2
        ledger.add(record)
    assert len(ledger) == 4


def test_spend_is_split_by_how_sure_it_is() -> None:
    ledger = filled(
        answered(),
        answered(cost=2 * CENT),
        answered(cost=4 * CENT, usage=Usage(1, 1, source="estimated")),
        answered(cost=None, usage=Usage(source="unknown")),
        answered(cost=None),
        answered(cost=Decimal(0)),
        failed(Attempt("a:m", 1.0, "a:m: down", "unreachable")),
    )
    assert ledger.spent == Spend(known=3 * CENT, estimated=4 * CENT, unknown_calls=2)


def test_cached_answers_bill_nothing() -> None:
    ledger = filled(answered(cached=True), answered(cached=True, cost=None))
    assert ledger.spent == Spend()
    assert ledger.by_model()["a:m"] == stats("a:m", cached=2, hit_rate=1.0)


def test_models_are_judged_by_their_own_attempts() -> None:
    limited = Attempt("a:m", 0.1, "a:m: slow down", "429")
    ledger = filled(
        answered("b:m", (limited, Attempt("b:m", 3.0))),
        answered("a:m", (Attempt("a:m", 1.0),)),
        answered("a:m", (limited, Attempt("a:m", 2.0))),
        answered("a:m", (Attempt("a:m", 6.0),), cost=None),
        answered("a:m", (Attempt("a:m", 99.0),), cached=True),
        failed(limited),
    )
    by_model = ledger.by_model()
    assert list(by_model) == ["b:m", "a:m"]
    assert by_model["a:m"] == stats(
        "a:m",
        calls=6,
        cached=1,
        cost=2 * CENT,
        seconds=2.0,
        success=0.5,
        p95=6.0,
        mean=3.0,
        cost_per_call=CENT,
        hit_rate=0.25,
    )
    assert (by_model["b:m"].calls, by_model["b:m"].cost) == (1, CENT)


def test_simulated_and_stopped_calls_say_nothing_about_speed() -> None:
    ledger = filled(
        answered("sim:m", simulated=True, cost=Decimal(0)),
        answered("a:m", finish="interrupted", error="stopped"),
        answered("b:m", (Attempt("b:m", 9.0, "stopped"),), finish="interrupted", error="stopped"),
    )
    by_model = ledger.by_model()
    assert by_model["sim:m"] == stats(
        "sim:m", calls=1, success=1.0, cost_per_call=Decimal(0), hit_rate=0.0
    )
    assert by_model["a:m"] == stats("a:m", cost=CENT, cost_per_call=CENT)
    assert by_model["b:m"] == stats("b:m", cost=CENT, cost_per_call=CENT)


def test_ninety_five_percent_are_as_quick() -> None:
    ledger = filled(*(answered(attempts=(Attempt("a:m", float(i)),)) for i in range(1, 301)))
    stats = ledger.by_model()["a:m"]
    assert stats.seconds == 250.0  # of the newest 101
    assert stats.p95 == 295.0
    assert stats.mean == 150.5


def test_each_attempt_of_a_cascade_is_paid_by_its_own_model() -> None:
    drafts = (
        Attempt("a:m", 1.0, cause="no agreement", usage=Usage(5, 5), cost=CENT),
        Attempt("b:m", 1.0, cause="no agreement", usage=Usage(5, 5), cost=2 * CENT),
        Attempt("c:m", 1.0, usage=Usage(5, 5, source="estimated"), cost=4 * CENT),
    )
    ledger = filled(answered("c:m", drafts, cost=7 * CENT))
    assert {m: s.cost for m, s in ledger.by_model().items()} == {
        "a:m": CENT,
        "b:m": 2 * CENT,
        "c:m": 4 * CENT,
    }
    assert ledger.spent == Spend(known=3 * CENT, estimated=4 * CENT)
    assert [s.success for s in ledger.by_model().values()] == [1.0, 1.0, 1.0]


def test_a_cascade_that_failed_was_paid_for_all_the_same() -> None:
    draft = Attempt("a:m", 1.0, cause="no agreement", usage=Usage(5, 5), cost=CENT)
    down = Attempt("b:m", 1.0, "b:m: down", "503")
    unknown = Attempt("c:m", 1.0, cause="no agreement", usage=Usage(source="unknown"))
    ledger = filled(failed(draft, down), failed(draft, unknown, unknown))
    assert ledger.spent == Spend(known=2 * CENT, unknown_calls=1)
    assert [row["billed"] for row in ledger.to_records()] == [CENT, None]
    assert ledger.by_model()["c:m"].cost_per_call is None


def test_subscribers_see_what_is_added_until_they_leave() -> None:
    ledger = Ledger()
    first: list[Record] = []
    second: list[Record] = []
    records = [answered(f"a:{i}") for i in range(3)]
    leave = ledger.subscribe(first.append)
    ledger.add(records[0])
    ledger.subscribe(second.append)
    ledger.add(records[1])
    leave()
    leave()
    ledger.add(records[2])
    assert first == records[:2]
    assert second == records[1:]


def test_a_subscriber_may_read_add_and_leave() -> None:
    ledger = Ledger()
    spent: list[Decimal] = []

    def watch(record: Record) -> None:
        leave()
        spent.append(ledger.spent.known)
        ledger.add(record)

    leave = ledger.subscribe(watch)
    ledger.add(answered())
    assert spent == [CENT]
    assert len(ledger) == 2


def test_nothing_is_lost_between_threads() -> None:
    ledger = Ledger()
    seen: list[Record] = []
    ledger.subscribe(seen.append)
    record = answered()

    def work() -> None:
        for _ in range(500):
            ledger.add(record)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ledger) == len(seen) == 2000
    assert ledger.spent.known == 2000 * CENT
