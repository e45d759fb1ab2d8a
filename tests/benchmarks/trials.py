"""Which trials one way of asking passes, each with a fresh Subject, four at a time.

``python -m benchmarks.trials MODULE OPTIONS`` reads a JSON list of trials from its standard input
(`urls`, `stream`, `model`, `right`) and writes the list of what became of each.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

#: Seconds that one deployment may take, which each way is told, and in which a trial must end.
ATTEMPT, WHOLE = 2.0, 20.0
_AT_A_TIME = 4


def judge(module: Any, trial: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """right, error (which says so), wrong (another text, and nothing says so) or hung."""
    outcome: dict[str, Any] = {"outcome": "hung"}
    started = time.perf_counter()

    def run() -> None:
        try:
            subject = module.Subject(trial["urls"], ATTEMPT, **options)
            text = _asked(subject, trial)
            subject.close()
        except BaseException as error:  # noqa: BLE001 - whatever a way raises is what it says
            outcome.update(outcome="error", detail=f"{type(error).__name__}: {error}"[:300])
        else:
            right = text == trial["right"]
            outcome.update(outcome="right" if right else "wrong", detail=text[:300])

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(WHOLE)
    return {**outcome, "seconds": time.perf_counter() - started}


def _asked(subject: Any, trial: dict[str, Any]) -> str:
    prompt = "How deep is the sea?"
    if not trial["stream"]:
        return str(subject.ask(prompt, trial["model"]))
    shown: list[str] = []
    subject.stream(prompt, trial["model"], shown.append)
    return "".join(shown)


def main() -> None:
    """Hung threads end with the process."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    module, options = importlib.import_module(f"benchmarks.peers.{sys.argv[1]}"), sys.argv[2]
    trials = json.load(sys.stdin)
    well = {**trials[0], "urls": trials[0]["urls"][1:]}
    for stream in (False, True):  # what is imported with the first call takes no trial's time
        judge(module, {**well, "stream": stream}, json.loads(options))
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        judged = list(pool.map(lambda trial: judge(module, trial, json.loads(options)), trials))
    print(json.dumps(judged), file=answers, flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
