"""CPU seconds that loading adds to a fresh process with IPython, and what others take to import."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.figures import Figure, figure, part, ratios, side_by_side
from benchmarks.workers import Way, clean_environment

_ROUNDS = 7
_CODE = """
import time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
started = time.process_time()
{body}
print("\\nCPU", time.process_time() - started)
"""
_LOAD = "shell.run_line_magic('load_ext', '{}')"
_OURS = "`%load_ext orch_nb`"


@dataclass(frozen=True)
class _Subject:
    """What a process runs after it has a shell, and the keys that it sees."""

    body: str
    ours: bool = True
    keys: dict[str, str] = field(default_factory=dict)


_KEYS = {"OPENAI_API_KEY": "none", "ANTHROPIC_API_KEY": "none"}
_SUBJECTS = {
    _OURS: _Subject(_LOAD.format("orch_nb")),
    f"{_OURS}, two keys set": _Subject(_LOAD.format("orch_nb"), keys=_KEYS),
    "`import openai`": _Subject("import openai; openai.OpenAI"),
    "jupyter-ai: `%load_ext jupyter_ai_magic_commands`": _Subject(
        _LOAD.format("jupyter_ai_magic_commands"), ours=False
    ),
    "`from litellm import Router`": _Subject("from litellm import Router", ours=False),
    "`from langchain_openai import ChatOpenAI`": _Subject(
        "from langchain_openai import ChatOpenAI", ours=False
    ),
    "`from pydantic_ai import Agent`": _Subject("from pydantic_ai import Agent", ours=False),
}


def measure(share: float = 1.0) -> Iterator[Figure]:
    """Each subject in fresh processes, taking turns."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        there = {name: one for name, one in _SUBJECTS.items() if _present(name, one, home)}
        subjects = {name: _running(one, home) for name, one in there.items()}
        measured = side_by_side(subjects, part(_ROUNDS, share))
    for name, spent in measured.items():
        goal = "≤ 0.15 s over `import IPython`" if name.startswith(_OURS) else ""
        place = {"chart": "CPU to load, over a shell alone", "row": name, "column": "to load"}
        yield figure(name, spent, "s CPU", goal, **place)
    for name in measured:
        if not name.startswith(_OURS):
            yield figure(f"{name} ÷ {_OURS}", ratios(measured, name, _OURS), "× CPU")


def _present(name: str, subject: _Subject, home: Path) -> bool:
    """Whether it runs; what is ours must. The first run also fills the disk's caches."""
    try:
        _running(subject, home)()
    except (OSError, subprocess.CalledProcessError):
        if subject.ours:
            raise
        print(f"  {name} is left out: it does not run in build/peers", file=sys.stderr)
        return False
    return True


def _running(subject: _Subject, home: Path) -> Callable[[], float]:
    kept = {k: v for k, v in clean_environment().items() if not k.endswith("_API_KEY")}
    env = {**kept, "HOME": str(home), "IPYTHONDIR": str(home), "ORCH_HOME": str(home)}

    def run() -> float:
        done = subprocess.run(
            [Way("", ours=subject.ours).python, "-c", _CODE.format(body=subject.body)],
            env={**env, **subject.keys},
            cwd=home,
            capture_output=True,
            text=True,
            check=True,
        )
        return float(done.stdout.rpartition("CPU")[2])

    return run
