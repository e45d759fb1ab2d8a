"""The parent's side of a child process that serves one model."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import weakref
from pathlib import Path
from typing import IO, Self

from orch_nb.errors import ProviderError, RequestRefused, ServerFailed, TimedOut
from orch_nb.providers import _llama

# Seconds. A model of 40 GB from a slow disk takes some minutes; what takes longer hangs.
_START_LIMIT = 600.0
# Seconds that a process takes to be gone after its connection broke.
_DYING = 1.0
_WHY = re.compile(rb"error loading model: ([^\r\n]{1,300})")


class LlamaServer:
    """A child that has loaded its model and answers at ``url`` to whoever has ``key``.

    It is ended by `end`, when nobody holds this object any more, and when this process ends.
    """

    def __init__(self, process: subprocess.Popen[bytes], port: int, key: str) -> None:
        self._process = process
        self.url = f"http://127.0.0.1:{port}/v1"
        self.key = key
        self._end = weakref.finalize(self, _end, process)

    @classmethod
    async def start(cls, name: str, path: Path, context: int) -> Self:
        """Load the model at `path` with a context of `context` tokens.

        Raises a `ProviderError` for the model `name`. When cancelled, the child is gone.
        """
        key = secrets.token_urlsafe(32)
        wanted = {
            "path": os.fspath(path),
            "name": name,
            "context": context,
            "threads": _threads(),
            "key": key,  # on stdin, since everybody may read a command line
        }
        with tempfile.TemporaryFile() as said:
            process = _spawn(said)
            try:
                async with asyncio.timeout(_START_LIMIT):
                    port = await asyncio.to_thread(_converse, process, wanted)
            except TimeoutError:
                _end(process)
                raise TimedOut(
                    name, f"{path.name} did not load within {_START_LIMIT:g} s; try a smaller model"
                ) from None
            except BaseException:  # a stop too must leave no child behind
                _end(process)
                raise
            if port is None:
                status = await asyncio.to_thread(process.wait)
                _end(process)
                raise _failure(name, path, status, said)
        return cls(process, port, key)

    @property
    def alive(self) -> bool:
        """Whether the child still runs."""
        return self._process.poll() is None

    async def crash(self, name: str) -> ProviderError | None:
        """The error for a child that died while it answered; None if it lives."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = await asyncio.to_thread(self._process.wait, _DYING)
            return ServerFailed(
                name,
                f"llama.cpp crashed ({_how(status)}) while answering; the next call restarts it",
            )
        return None

    def end(self) -> None:
        """End the child now."""
        self._end()


def _threads() -> int:
    """As many as the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _spawn(stderr: IO[bytes]) -> subprocess.Popen[bytes]:
    # -P: neither the notebook's folder nor ours, with its openai.py, is a place for modules.
    # A session of its own: Ctrl+C in a terminal is for us, and not for the child.
    return subprocess.Popen(  # noqa: S603 - our own script
        [sys.executable, "-P", _llama.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        start_new_session=True,
    )


def _converse(process: subprocess.Popen[bytes], wanted: dict[str, object]) -> int | None:
    """Say what is wanted and return the port, None if the child ended instead."""
    if process.stdin is None or process.stdout is None:
        return None
    with contextlib.suppress(OSError, ValueError, KeyError):
        process.stdin.write(json.dumps(wanted).encode() + b"\n")
        process.stdin.flush()
        return int(json.loads(process.stdout.readline())["port"])
    return None


def _failure(name: str, path: Path, status: int, said: IO[bytes]) -> ProviderError:
    if status != _llama.NOT_LOADED:
        return ServerFailed(name, f"llama.cpp crashed ({_how(status)}) while loading {path.name}")
    said.seek(0)
    found = _WHY.search(said.read(100_000))
    why = found[1].decode("utf-8", "replace") if found else "it does not say why"
    return RequestRefused(name, f"llama.cpp cannot load {path.name}: {why}")


def _how(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    with contextlib.suppress(ValueError):
        return signal.Signals(-status).name
    return f"signal {-status}"


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()  # it has nothing to save
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
