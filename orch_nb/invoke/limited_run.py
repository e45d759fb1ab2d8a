"""Running a model's code together with a user's assertions, in a child process with limits.

What holds the code back:

- Its own process, in a session of its own, that is killed with all its group when the time is
  over, the call is stopped, or it has said how it went.
- Limits of the operating system on processor time, memory (not on macOS), size of files, open
  files, and processes or threads (no second one; root is not bound by that).
- An empty environment, so that it finds no keys; an empty folder, which is removed afterwards; no
  stdin, and what it prints goes nowhere. Of Python there is the standard library alone.
- An audit hook that refuses the network, other processes, signals, ctypes, links, and every file
  but those of the standard library (reading) and of its own folder.

What does not: an audit hook is no sandbox. It sees what Python's own functions do and not what
native code does; a determined attacker who finds a flaw in the interpreter, or a way to the hook
through its objects, runs with the rights of the user. Nor can an assertion be stronger than it
is: an object that says it is equal to everything passes ``==``, and code that searches the
frames of its process can find the word by which success is told. It protects against what models
write by mistake, and against what they write to look right.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

# A script that is not imported: it needs what Windows does not have.
_CHILD = Path(__file__).with_name("_limited_child.py").resolve()
# What the interpreter may need to find its own libraries; nothing else is handed on.
_HANDED_ON = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
# Bytes that a child has for saying what went wrong; it never needs more than a third of it.
_MOST_SAID = 4096


@dataclass(frozen=True, slots=True)
class RunLimits:
    """How much one run may take: ``seconds``, and bytes of ``memory`` and of each ``file``.

    The defaults are chosen: ten seconds and 1 GiB are more than a test of a function needs, and
    little enough to wait for and to lose.
    """

    seconds: float = 10.0
    memory: int = 2**30
    file: int = 2**20


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a run did not succeed. ``kind`` and ``said`` (of an exception) are the code's own words.

    ``where`` is "syntax", "answer", "assertions", "time" (it took too long), or "end" (it ended
    without a word, and ``said`` is how). ``line`` counts from 1 in the assertions, 0 is none.
    """

    where: str
    line: int = 0
    kind: str = ""
    said: str = ""


async def run(blocks: Sequence[str], assertions: str, limits: RunLimits) -> Failure | None:
    """None if all `blocks` of an answer and then the `assertions` ran to their end.

    When cancelled, the child is gone. Raises `OSError` when no process can be started.
    """
    nonce = secrets.token_hex(16)
    job = {
        "blocks": list(blocks),
        "assertions": assertions,
        "nonce": nonce,
        "seconds": math.ceil(limits.seconds),
        "memory": limits.memory,
        "file": limits.file,
    }
    with (
        tempfile.TemporaryDirectory(prefix="orch_nb-", ignore_cleanup_errors=True) as folder,
        tempfile.TemporaryFile() as stdin,
    ):
        stdin.write(json.dumps(job).encode())
        stdin.seek(0)
        ours, its = os.pipe()
        with os.fdopen(ours, "rb", buffering=0) as pipe:
            try:
                process = _spawn(folder, stdin, its)
            finally:
                os.close(its)
            try:
                async with asyncio.timeout(limits.seconds):
                    said = await _listen(pipe)
            except TimeoutError:
                return Failure("time")
            finally:
                status = _end(process)
    return None if said == nonce.encode() else _failure(said, status)


def _spawn(folder: str, stdin: IO[bytes], pipe: int) -> subprocess.Popen[bytes]:
    # -I: no folder but the library's is a place for modules; -S: no installed packages; -B: nothing
    # is written beside the library. A session of its own: Ctrl+C is for us, and a kill for all.
    environment = {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
    own = {"HOME": folder, "TMPDIR": folder, "LC_ALL": "C.UTF-8"}
    options = ["-I", "-S", "-B", "-X", "utf8"]
    return subprocess.Popen(  # noqa: S603 - our own script, which says what it runs under
        [sys.executable, *options, os.fspath(_CHILD), str(pipe)],
        stdin=stdin,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env=environment | own,
        pass_fds=(pipe,),
        start_new_session=True,
    )


async def _listen(pipe: IO[bytes]) -> bytes:
    """What the child says until it ends, or the first of it if that is too much."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    try:
        return await reader.readexactly(_MOST_SAID)
    except asyncio.IncompleteReadError as ended:
        return ended.partial
    finally:
        transport.close()


def _end(process: subprocess.Popen[bytes]) -> int:
    with contextlib.suppress(OSError):  # the group is already gone
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


def _failure(said: bytes, status: int) -> Failure:
    with contextlib.suppress(ValueError, TypeError):
        told = json.loads(said)
        return Failure(str(told["where"]), int(told["line"]), str(told["kind"]), str(told["said"]))
    return Failure("end", said=_how(status))


def _how(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    with contextlib.suppress(ValueError):
        return signal.Signals(-status).name
    return f"signal {-status}"
