"""How long it takes to run a user's assertions against an answer's code, in its child process."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time

from benchmarks.figures import Figure, figure, part, side_by_side
from orch_nb.invoke.assertions import Assertions

_ROUNDS = 30
_ANSWER = "Here:\n```python\ndef add(a, b):\n    return a + b\n```"


def measure(share: float = 1.0) -> list[Figure]:
    """Seconds by the clock of one run, and of starting Python and nothing else."""
    subjects = {
        "assertions run against an answer's code": _assertions,
        "of that, starting Python (-I -S)": _python,
    }
    measured = side_by_side(subjects, part(_ROUNDS, share))
    return [figure(name, values, "ms") for name, values in measured.items()]


def _assertions() -> float:
    check = Assertions("assert add(2, 2) == 4")
    started = time.perf_counter()
    verdict = asyncio.run(check(_ANSWER))
    taken = time.perf_counter() - started
    if not verdict.passed:
        raise RuntimeError(verdict.reason)
    return taken * 1e3


def _python() -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-I", "-S", "-c", ""], check=True)
    return (time.perf_counter() - started) * 1e3
