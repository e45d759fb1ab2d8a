"""The verdict of assertions on code, from real child processes."""

from __future__ import annotations

import asyncio
import contextlib

import psutil

from orch_nb.invoke.assertions import Assertions
from orch_nb.invoke.limited_run import RunLimits
from orch_nb.invoke.verdict import Verdict

ADD = "def add(a, b):\n    return a + b\n"
HOLDS = "assert add(2, 2) == 4"


def check(code: str, source: str = HOLDS, *, seconds: float = 60.0) -> Verdict:
    """The verdict on an answer with `code`, by default one that has `add` too."""
    return asyncio.run(Assertions(source, RunLimits(seconds=seconds))(f"```python\n{code}\n```"))


def running() -> list[int]:
    """The child processes that run code now; a test process may have others."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if any(part.endswith("_limited_child.py") for part in child.cmdline()):
                found.append(child.pid)
    return found


def with_add(code: str) -> Verdict:
    return check(f"{code}\n{ADD}")
