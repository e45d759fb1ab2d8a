"""The ways of asking that are measured side by side, each in a process that waits for its turn."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from benchmarks.server import TESTS

#: The interpreter that has what is measured beside orch-nb; a path to nothing leaves it out.
_PEERS = Path(
    os.environ.get("BENCH_PEERS", str(Path(TESTS).parent / "build" / "peers" / "bin" / "python"))
)
_OUTSIDE = re.compile(
    r"proxy$|^(openai|anthropic|ollama|langchain|langsmith|litellm)_|^orch_", re.I
)
_MEASURED = (
    *("litellm", "langchain-core", "langchain-openai", "pydantic-ai-slim"),
    *("jupyter-ai-magic-commands", "diskcache"),
)
_SECONDS = 60.0  # how long one call may take where nothing fails


@dataclass(frozen=True)
class Way:
    """A module of `benchmarks.peers`, with options of its Subject; `ours` says in which place."""

    module: str
    ours: bool = False
    options: Mapping[str, object] = field(default_factory=dict)

    @property
    def python(self) -> Path:
        """The interpreter of this checkout, or that of build/peers."""
        return Path(sys.executable) if self.ours else _PEERS


class Worker:
    """A process with one subject."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def measure(self, what: str, **arguments: object) -> dict[str, float]:
        """The numbers of one measurement. Raises RuntimeError when the process has died of it."""
        assert self._process.stdin is not None
        print(json.dumps({"what": what, **arguments}), file=self._process.stdin, flush=True)
        return self.answer()

    def answer(self) -> dict[str, float]:
        """The next line that the process writes; its first one is there when it is ready."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args} ended")
        return dict(json.loads(line))


def versions() -> dict[str, str]:
    """What is measured, by name, of build/peers only if that is there."""
    found = {name: metadata.version(name) for name in ("openai", "anthropic", "ollama")}
    code = "import sys, importlib.metadata as m; [print(n, m.version(n)) for n in sys.argv[1:]]"
    if _PEERS.exists():
        done = subprocess.run(
            [_PEERS, "-c", code, *_MEASURED], capture_output=True, text=True, check=False
        )
        found |= dict(line.split() for line in done.stdout.splitlines())
    return found


def clean_environment() -> dict[str, str]:
    """This one's, without keys, addresses and proxies; nothing reports or looks for versions."""
    kept = {name: value for name, value in os.environ.items() if not _OUTSIDE.search(name)}
    quiet = {"LANGSMITH_TRACING": "false", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    return kept | quiet | {"PYTHONPATH": TESTS, "NO_PROXY": "*"}


@contextmanager
def working(ways: Mapping[str, Way], urls: Sequence[str]) -> Iterator[dict[str, Worker]]:
    """A worker for each of the ways that are installed; they end with the block."""
    with ExitStack() as stack:
        started = {}
        for name, way in ways.items():
            options = {"urls": list(urls), "seconds": _SECONDS, **way.options}
            command = ["benchmarks.worker", way.module, json.dumps(options)]
            if process := start(name, way, command, stack):
                started[name] = Worker(process)
        yield {name: worker for name, worker in started.items() if ready(name, worker, ways[name])}


def start(
    name: str, way: Way, command: Sequence[str], stack: ExitStack
) -> subprocess.Popen[str] | None:
    """A process of the way, with a pipe to either side; None, and a line, where it cannot run."""
    if not way.python.exists():
        print(f"  {name} is left out: there is no build/peers", file=sys.stderr)
        return None
    home = stack.enter_context(tempfile.TemporaryDirectory())
    process = subprocess.Popen(
        [way.python, "-m", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=None if way.ours else subprocess.DEVNULL,
        text=True,
        env={**clean_environment(), "ORCH_HOME": home},
        cwd=home,
    )
    stack.callback(process.communicate)
    return process


def ready(name: str, worker: Worker, way: Way) -> bool:
    """Whether it has started; what is ours must."""
    try:
        worker.answer()
    except RuntimeError:
        if way.ours:
            raise
        print(f"  {name} is left out: it cannot be imported in build/peers", file=sys.stderr)
        return False
    return True


def turn(worker: Worker, what: str, unit: str, **arguments: object) -> Callable[[], float]:
    """One measurement as `figures.side_by_side` wants it: the number called `unit`."""
    return lambda: worker.measure(what, **arguments)[unit]
