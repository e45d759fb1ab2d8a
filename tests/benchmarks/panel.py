"""What a panel costs: until it is shown, with each move of a slider, and in a saved notebook."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ipywidgets.widgets.widget import Widget, _instances

from benchmarks.figures import Figure, figure, part
from charts.records import MODELS, made_records
from orch_nb import Session
from orch_nb.notebook.history import show_history
from orch_nb.notebook.panel import still, still_output
from orch_nb.panels.frame import Frame
from orch_nb.panels.panel import make_panels, panel_names

_ROUNDS = 15
_MODELS, _PROMPTS, _CALLS = 200, 20, 10_000
_SIZES = {
    "first shown, all panels as tables with it": "≤ 500 ms",
    "slider moved: prompts ranked anew and drawn": "≤ 50 ms",
}


def measure(share: float = 1.0) -> list[Figure]:
    """CPU of showing and of a slider, and bytes, with 20 prompts and 200 models."""
    with _session() as session:
        rounds = part(_ROUNDS, share)
        return [
            *_times(session, rounds),
            *_bytes(session),
            *_after_many_calls(session, part(_CALLS, share), rounds),
        ]


def _times(session: Session, rounds: int) -> Iterator[Figure]:
    shown, moved = [], []
    for number in range(rounds + 1):
        started = time.process_time()
        still(session)
        frame = Frame(session, make_panels(session), clock=time.monotonic)
        took = time.process_time() - started
        slider = frame._panels[0][1]._sliders["cost"]  # type: ignore[attr-defined]
        slider.value = 0.5
        started = time.process_time()
        slider.value = 0.6
        if number:
            shown.append(1e3 * took)
            moved.append(1e3 * (time.process_time() - started))
        frame.close()
    what = f"{_PROMPTS} prompts × {_MODELS} models"
    for (name, goal), times in zip(_SIZES.items(), (shown, moved), strict=True):
        yield figure(f"panel {name}, {what}", times, "ms CPU", goal)


def _bytes(session: Session) -> Iterator[Figure]:
    """What a notebook file has more: the still form, and the states that a front end keeps."""
    before = set(_instances)
    output = len(json.dumps(still_output(session), ensure_ascii=False).encode())
    frame = Frame(session, make_panels(session), clock=time.monotonic)
    run = sum(_size(w.get_state()) for w in _made(before))
    for index in range(len(panel_names())):
        frame._tabs.selected_index = index
    kept = sum(_size(w.get_state(drop_defaults=True)) for w in _made(before))
    frame.close()
    for name, size, goal in (
        ("as JupyterLab saves it", output, "≤ 50 kB"),
        ("run by nbclient, which keeps all widgets", output + run, "≤ 50 kB"),
        ("all six tabs opened, in a Lab that is set to save widgets", output + kept, ""),
    ):
        yield figure(f"panel saved, {name}", [size / 1e3], "kB", goal)


def _after_many_calls(session: Session, calls: int, rounds: int) -> Iterator[Figure]:
    """CPU of what is shown of the newest calls where many more lie behind them."""
    for record in made_records(calls, models=len(MODELS)):
        session.ledger.add(record)
    for name, show in (
        ("all panels as tables", lambda: still(session)),
        ("`%orch history`", lambda: show_history([], session)),
    ):
        times = []
        for _ in range(rounds + 1):
            started = time.process_time()
            show()
            times.append(1e3 * (time.process_time() - started))
        yield figure(f"{name} after {_CALLS:,} calls", times[1:], "ms CPU", "≤ 500 ms")


def _made(before: set[str]) -> list[Widget]:
    return [widget for key, widget in _instances.items() if key not in before]


def _size(state: object) -> int:
    whole = {
        "model_module": "@jupyter-widgets/controls",
        "model_module_version": "2.0.0",
        "model_name": "FloatSliderModel",
        "state": state,
    }
    return len(json.dumps({"0" * 32: whole}))


@contextmanager
def _session() -> Iterator[Session]:
    models = {
        f"sim:model-{n:03}": {
            "price": {"input": 0.1 + n % 7, "output": 0.5 + n % 11},
            "context": 128_000,
            "capabilities": ["json", "tools"],
        }
        for n in range(_MODELS)
    }
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ORCH_HOME"] = folder
        config = {"probe": False, "models": models, "strategy": "weighted"}
        with Session(config, directory=Path(folder)) as session:
            for number in range(_PROMPTS):
                session.ask(f"Explain in two sentences what a list is, for reader {number}.")
            yield session
