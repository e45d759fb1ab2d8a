"""The child process: llama.cpp's own server around one model file, on a loopback port.

`_llama_server` runs this file as a script, which therefore imports nothing of orch_nb. One line of
JSON comes on stdin; one line with the port goes to stdout. The child ends when its stdin does,
which is when the parent is gone, however it went.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import sys
from typing import Any
from urllib.parse import urlsplit

#: The exit status when llama.cpp did not take the model; what it said is on stderr.
NOT_LOADED = 3

_ERRORS_ONLY = 1


def installed() -> bool:
    """Whether llama.cpp is there, without importing it."""
    return importlib.util.find_spec("xllamacpp") is not None


def main() -> None:
    """Serve until stdin ends."""
    wanted = json.loads(sys.stdin.readline())
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    _end_with_stdin()
    import xllamacpp  # noqa: PLC0415 - the parent reads NOT_LOADED from here

    try:
        server = xllamacpp.Server(_parameters(xllamacpp, wanted))
    except RuntimeError:
        sys.exit(NOT_LOADED)
    print(json.dumps({"port": urlsplit(server.listening_address).port}), file=answer, flush=True)
    sys.stdin.read()
    os._exit(0)


def _parameters(xllamacpp: Any, wanted: dict[str, Any]) -> Any:
    given = xllamacpp.CommonParams()
    given.model.path = wanted["path"]
    given.model_alias = {wanted["name"]}
    given.n_ctx = wanted["context"]
    given.n_parallel = 1  # the context is divided among the slots
    given.cache_ram_mib = 0  # by default another 8 GB, which nobody reserved
    given.cpuparams.n_threads = wanted["threads"]
    given.hostnames = ["127.0.0.1"]
    given.port = 0
    given.api_keys = [wanted["key"]]  # other people on this machine reach the port as well
    given.ui = False
    given.verbosity = _ERRORS_ONLY
    return given


def _end_with_stdin() -> None:
    """Have the kernel end this process when stdin closes, even while a model loads.

    Loading holds Python's lock, so that no thread of ours could do it. Windows has no such signal:
    there the child ends after loading.
    """
    if sys.platform == "win32":
        return
    import fcntl  # noqa: PLC0415 - not on Windows

    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)


if __name__ == "__main__":
    main()
