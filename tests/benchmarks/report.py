"""What a report over a long session takes, and how large it is."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, figure
from charts.records import MODELS, made_records
from orch_nb.charts.report import report_charts
from orch_nb.notebook.page import write_page
from orch_nb.notebook.report import report_table
from orch_nb.store.report import Report
from orch_nb.types import Score, Track

_RECORDS = 10_000
_ROUNDS = 7


def measure() -> Iterator[Figure]:
    """CPU seconds from 10,000 records to all charts and the page, and bytes of both."""
    records = list(made_records(_RECORDS, models=len(MODELS)))
    draw = random.Random(0)
    tracks = {
        model: Track(quality={"chat": Score(30.0, draw.random(), {"evaluation": 30})})
        for model in MODELS
    }
    seconds, saved, exported = [], [], []
    with TemporaryDirectory() as folder:
        for _ in range(_ROUNDS + 1):
            started = time.process_time()
            report = Report.of(records, tracks)
            outputs = [*report_charts(report), report_table(report)]
            page = write_page(f"{folder}/report.html", "Report", outputs)
            seconds.append(time.process_time() - started)
            saved.append(len(json.dumps(outputs).encode()) / 1e3)
            exported.append(page.stat().st_size / 1e3)
    name = f"report over {_RECORDS} records"
    # The first round also imports numpy for the Pareto front.
    yield figure(name, seconds[1:], "s CPU", "≤ 1 s")
    yield figure(f"{name}, first", seconds[:1], "s CPU", "≤ 1 s")
    yield figure(f"{name}, in the notebook", saved, "KB", "≤ 300 KB")
    yield figure(f"{name}, as a page", exported, "KB", "≤ 300 KB")
