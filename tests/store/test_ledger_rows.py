"""The calls of a session as flat rows, and as a frame."""

from __future__ import annotations

import json
import sys
from decimal import Decimal

import pandas  # type: ignore[import-untyped]
import pytest

from orch_nb.errors import OrchError
from orch_nb.store.ledger import Ledger
from orch_nb.types import Attempt
from store.ledgers import CENT, answered, failed, filled


def test_rows_are_flat_and_hold_no_text() -> None:
    down = Attempt("a:m", 0.1, "a:m: down", "503")
    rows = filled(answered("b:m", (down, Attempt("b:m", 1.0))), failed(down)).to_records()
    assert rows[0] == {
        "at": 1_800_000_000.0,
        "session": "",
        "call": 1,
        "model": "b:m",
        "kind": "chat",
        "strategy": "cost",
        "source": "strategy",
        "simulated": False,
        "cached": False,
        "replayed": False,
        "cost": CENT,
        "billed": CENT,
        "known": CENT,
        "estimated": Decimal(0),
        "unknown": False,
        "unknown_cost": Decimal(0),
        "seconds": 1.5,
        "ttft": 0.25,
        "input_tokens": 10,
        "output_tokens": 20,
        "cached_tokens": 4,
        "usage_source": "known",
        "finish": "stop",
        "error_type": None,
        "error": None,
        "trail": "a:m (503) → b:m",
    }
    assert list(rows[1]) == list(rows[0])
    assert {name: value for name, value in rows[1].items() if value is not None} == {
        "at": 1_800_000_001.0,
        "session": "",
        "call": 2,
        "model": "a:m",
        "known": Decimal(0),
        "estimated": Decimal(0),
        "unknown": False,
        "unknown_cost": Decimal(0),
        "error": "no model answered",
        "trail": "a:m (503)",
    }
    assert "quiet" not in json.dumps(rows, default=str)


def test_a_call_that_reached_no_model_has_a_row() -> None:
    (row,) = filled(failed()).to_records()
    assert (row["model"], row["billed"], row["trail"]) == (None, None, "")


def test_without_pandas_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)  # as if it were not installed
    with pytest.raises(OrchError, match="pip install pandas"):
        Ledger().to_pandas()


def test_rows_become_a_frame() -> None:
    frame = filled(answered(), answered(cost=None), failed()).to_pandas()
    assert frame["cost"].sum() == 0.01
    assert frame["billed"].isna().tolist() == [False, True, True]
    assert frame["at"][0] == pandas.Timestamp(1_800_000_000, unit="s", tz="UTC")
    assert list(Ledger().to_pandas().columns) == list(frame.columns)
