"""What a report over a long session takes, and how large it is."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, figure, part
from charts.records import MODELS, made_records
from orch_nb.charts.report import report_charts
from orch_nb.notebook.page import write_page
from orch_nb.notebook.report import report_table
from orch_nb.store.report import Report
from orch_nb.types import Score, Track

_RECORDS = (100, 1_000, 10_000, 30_000)
_ROUNDS = 7


def measure(share: float = 1.0) -> Iterator[Figure]:
    """CPU seconds from records to all charts and the page, and bytes of both, by records."""
    for records in _RECORDS:
        yield from _reports(max(10, int(records * share)), records, part(_ROUNDS, share))


def _reports(made: int, named: int, rounds: int) -> Iterator[Figure]:
    records = list(made_records(made, models=len(MODELS)))
    draw = random.Random(0)
    tracks = {
        model: Track(quality={"chat": Score(30.0, draw.random(), {"evaluation": 30})})
        for model in MODELS
    }
    seconds, saved, exported = [], 0.0, 0.0
    with TemporaryDirectory() as folder:
        for _ in range(rounds + 1):  # the first one also imports numpy for the Pareto front
            started = time.process_time()
            report = Report.of(records, tracks)
            outputs = [*report_charts(report), report_table(report)]
            page = write_page(f"{folder}/report.html", "Report", outputs)
            seconds.append(time.process_time() - started)
            saved = len(json.dumps(outputs).encode()) / 1e3
            exported = page.stat().st_size / 1e3
    name = f"report over {named:,} calls"
    place = {"chart": "CPU of a report with all charts, by the number of calls", "row": "report"}
    yield figure(name, seconds[1:], "s CPU", "≤ 1 s", **place, column=named)
    if named == 10_000:
        yield figure(f"{name}, in the notebook", [saved], "kB", "≤ 300 kB")
        yield figure(f"{name}, as a page", [exported], "kB", "≤ 300 kB")
