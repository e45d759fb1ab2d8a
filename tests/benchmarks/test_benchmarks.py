"""The benchmarks run, in miniature and without their peers; how fast anything is, is not looked at.

Left out are those that take seconds in any size: `load`, `panel`, `registry` and `extension`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmarks import calls, flight, page, run, table, workers
from benchmarks.figures import Figure, Grid

_SHARE = 0.002


@pytest.fixture(autouse=True)
def without_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_PEERS", Path("/nowhere"))


@pytest.mark.parametrize(
    "name", ["batch", "budget", "cache", "ceiling", "check", "decide", "report"]
)
def test_a_part_measures(name: str) -> None:
    found = list(importlib.import_module(f"benchmarks.{name}").measure(_SHARE))
    assert found
    assert all(isinstance(one, Figure) and one.low <= one.value <= one.high for one in found)


def _first(ways: Mapping[str, workers.Way], *more: str) -> dict[str, workers.Way]:
    return {
        name: way for number, (name, way) in enumerate(ways.items()) if not number or name in more
    }


def test_single_calls_are_measured_and_their_answers_checked() -> None:
    whole = _first(calls.WAYS_WHOLE, "`session.ask`, `stream=False`", "`%%orch`")
    streamed = _first(calls.WAYS_STREAMED, "`session.ask`")
    found = list(calls.measure(_SHARE, whole=whole, streamed=streamed, wires={}))
    assert {one.row for one in found} == {"", *whole, *streamed} - {"openai SDK"}


def test_many_calls_at_a_time_are_measured() -> None:
    ways = _first(flight.WAYS, "`session.aask`, `stream=False`")
    assert {one.row for one in flight.measure(_SHARE, ways=ways)} == {"", *ways}


def test_a_trial_run_becomes_a_table_between_markers_and_a_page(tmp_path: Path) -> None:
    results = {"check": _result([Figure("one", 2.0, 1.0, 1_234.5, "ms")], [])}
    rows = {"a fault": ["right", "wrong"]}
    place = {"chart": "CPU of a call ÷ the openai SDK's", "column": "whole, 20 words"}
    bar = Figure("a ÷ b", 1.5, 1.5, 1.5, "×", row="`session.ask`, `stream=False`", **place)
    results["calls"] = _result([bar], [Grid("Failover", ["us", "them"], rows)])
    document = tmp_path / "page.md"
    document.write_text(
        "before\n<!-- bench: x -->\nold\n<!-- /bench -->\nafter\n", encoding="utf-8"
    )
    table.insert(document, "bench", table.write(results))
    written = document.read_text(encoding="utf-8")
    assert "| one | 2 ms [1, 1,230] |" in written
    assert "| a fault | right | **wrong** |" in written
    assert "| `session.ask`, `stream=False` | 1.5 |" in written
    assert "A trial run" in written
    assert (written[:6], written[-6:]) == ("before", "after\n")
    assert "old" not in written
    assert "| orch-nb, `session.ask` | 1.5 × |" in table.summary(results)
    page.write(results, tmp_path / "index.html")
    assert "CPU of a call" in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_a_page_without_markers_is_left_as_it_is(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text("text\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"page\.md has no"):
        table.insert(document, "bench", "new")
    assert document.read_text(encoding="utf-8") == "text\n"


def _result(figures: list[Figure], grids: list[Grid]) -> dict[str, Any]:
    conditions = {"date": "2026-01-01", "share": 0.5, "python": "3.11", "versions": {"openai": "1"}}
    return {**conditions, "figures": figures, "grids": grids}


def test_every_benchmark_is_run() -> None:
    parts = {
        path.stem
        for path in Path(run.__file__).parent.glob("*.py")
        if "\ndef measure(share" in path.read_text(encoding="utf-8")
        or "\ndef measure(\n    share" in path.read_text(encoding="utf-8")
    }
    assert parts == set(run.PARTS)
