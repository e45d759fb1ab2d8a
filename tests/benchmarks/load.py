"""CPU seconds that ``%load_ext orch_nb`` adds to a fresh process with IPython."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.figures import Figure, figure

_ROUNDS = 15
_CODE = """
import time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
started = time.process_time()
{body}
print("\\nCPU", time.process_time() - started)
"""
_SUBJECTS = {
    "`%load_ext orch_nb`, no provider": ("shell.run_line_magic('load_ext', 'orch_nb')", {}),
    "`%load_ext orch_nb`, two keys set": (
        "shell.run_line_magic('load_ext', 'orch_nb')",
        {"OPENAI_API_KEY": "none", "ANTHROPIC_API_KEY": "none"},
    ),
}


def measure() -> list[Figure]:
    """Each subject in fresh processes, taking turns."""
    values: dict[str, list[float]] = {name: [] for name in _SUBJECTS}
    with tempfile.TemporaryDirectory() as home:
        for number in range(_ROUNDS + 1):
            for name, (body, keys) in _SUBJECTS.items():
                spent = _run(body, keys, Path(home))
                if number:  # the first round fills the caches of the disk
                    values[name].append(spent)
    goal = "≤ 0.15 s over `import IPython`"
    return [figure(name, spent, "s CPU", goal) for name, spent in values.items()]


def _run(body: str, keys: dict[str, str], home: Path) -> float:
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "IPYTHONDIR": str(home), **keys}
    done = subprocess.run(
        [sys.executable, "-c", _CODE.format(body=body)],
        env=env,
        cwd=home,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.rpartition("CPU")[2])
