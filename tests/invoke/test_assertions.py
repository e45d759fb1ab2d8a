"""What a model's code can do when it is run against assertions, in real child processes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import tempfile
import threading
from pathlib import Path

import psutil
import pytest

from orch_nb.errors import InputError
from orch_nb.invoke.assertions import Assertions, code_blocks
from orch_nb.invoke.limited_run import RunLimits
from orch_nb.invoke.verdict import Verdict

if sys.platform == "win32":
    pytest.skip("Windows has no limits for a child process", allow_module_level=True)

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


# -- what passes, and what does not


def test_what_holds_passes() -> None:
    assert check(ADD) == Verdict(True, "assertions hold")


def test_what_does_not_hold_is_named() -> None:
    verdict = check(
        "def add(a, b):\n    return a * b", "assert add(2, 2) == 4\nassert add(1, 2) == 3"
    )
    assert verdict == Verdict(False, "assert add(1, 2) == 3 failed")


def test_what_raises_is_named() -> None:
    assert check("x = 1").reason == (
        "assert add(2, 2) == 4 raised NameError: name 'add' is not defined"
    )
    assert check("1 / 0").reason == "its code raised ZeroDivisionError: division by zero"


def test_a_function_of_the_assertions_names_its_line() -> None:
    block = "def hold(f):\n    assert f(1, 1) == 2\n    assert f(1, 2) == 4\nhold(add)"
    assert check(ADD, block).reason == "assert f(1, 2) == 4 failed"


def test_what_is_no_python_fails() -> None:
    assert "no Python in the answer" in check("def add(a, b: return").reason
    assert not asyncio.run(Assertions(HOLDS)("I would rather not.")).passed


@pytest.mark.parametrize("code", ["(" * 90_000, "x = " + "-" * 200_000 + "1", "a" + ".b" * 99_999])
def test_what_exhausts_a_parser_fails(code: str) -> None:
    assert not with_add(code).passed


def test_what_was_said_is_one_short_harmless_line() -> None:
    reason = check("raise ValueError('a\\n\\x1b[2J\\u202e' + 'x' * 10_000)").reason
    assert reason.startswith("its code raised ValueError: a \\x1b[2J\\u202exxx")
    assert len(reason) <= 160


# -- faking success


@pytest.mark.parametrize(
    "fake",
    [
        "import sys; sys.exit(0)",
        "raise SystemExit(0)",
        "import os; os._exit(0)",
        "print('passed'); import os; os._exit(0)",
        "import atexit, os; atexit.register(os._exit, 0)",
        "import os\nfor n in range(64):\n    try: os.write(n, b'0')\n    except OSError: pass",
        "import os\nos.closerange(1, 64)",
        "import builtins; builtins.AssertionError = builtins.Exception = SystemExit",
        "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
        "import sys; sys.modules['__main__'].described = lambda *_: None",
    ],
)
def test_success_cannot_be_faked(fake: str) -> None:
    assert not check(f"def add(a, b): return 5\n{fake}").passed


def test_nothing_is_waited_for_after_the_last_assertion() -> None:
    assert with_add("import atexit, time; atexit.register(time.sleep, 3600)").passed


# -- taking too much


def test_an_endless_loop_ends() -> None:
    assert check("while True: pass", seconds=0.5).reason == "its code took longer than 0.5 s"


def test_a_long_sleep_that_swallows_everything_ends() -> None:
    code = "import signal, time; signal.alarm(0)\nwhile True:\n    try: time.sleep(3600)\n"
    code += "    except BaseException: pass"
    assert check(code, seconds=0.5).reason == "its code took longer than 0.5 s"


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has no limit of memory")
@pytest.mark.parametrize("code", ["[0] * 10**10", "x = []\nwhile True: x.append(bytes(10**7))"])
def test_much_memory_is_not_given(code: str) -> None:
    assert with_add(code).reason == "its code raised MemoryError"


def test_endless_output_goes_nowhere() -> None:
    endless = check("while True: print('x' * 10**6)", seconds=0.5)
    assert endless.reason == "its code took longer than 0.5 s"
    assert with_add(
        "import sys\nfor _ in range(200): print('x' * 10**6); sys.stderr.write('x')"
    ).passed


def test_a_large_file_is_cut() -> None:
    assert "File too large" in with_add("open('x', 'wb').write(bytes(2**21))").reason


def test_many_files_are_refused() -> None:
    assert "not allowed" in with_add("for n in range(1000): open(str(n), 'w').close()").reason


def test_a_deep_recursion_is_a_failure() -> None:
    assert "RecursionError" in with_add("def f(): f()\nf()").reason


# -- reaching out


@pytest.mark.parametrize(
    "code",
    [
        # At most 64 processes, should they be allowed.
        "import os\nfor _ in range(6): os.fork()",
        "import os; os.posix_spawn('/bin/true', ['true'], {})",
        "import os; os.execv('/bin/true', ['true'])",
        "import os; os.system('true')",
        "import pty; pty.fork()",
        "import subprocess; subprocess.run(['true'])",
        "import multiprocessing as m; m.get_context('fork').Process(target=print).start()",
        "import _posixsubprocess as p; p.fork_exec()",
        "import sys, os\ndel sys.modules['_posixsubprocess']\nimport _posixsubprocess",
        "import os; os.kill(os.getppid(), 0)",
        "import os; os.setsid()",
        "import ctypes",
        "import _ctypes",
        "import gc; gc.get_objects()",
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (99, 99))",
        "import socket; socket.socket()",
        "import socket; socket.getaddrinfo('localhost', 80)",
        "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9/')",
        "import sqlite3; sqlite3.connect('/tmp/x.db')",
    ],
)
def test_no_other_process_and_no_network(code: str) -> None:
    reason = with_add(code).reason
    assert "not allowed" in reason or "No module named" in reason, reason


@pytest.mark.parametrize("family", ["AF_INET", "AF_UNIX"])
def test_a_listener_hears_nothing(family: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        address = ("127.0.0.1", 0) if family == "AF_INET" else f"{folder}/s"
        with socket.socket(getattr(socket, family)) as listener:
            listener.bind(address)
            listener.listen()
            listener.setblocking(False)
            code = (
                f"import socket; socket.socket(socket.{family}).connect({listener.getsockname()!r})"
            )
            assert "not allowed" in with_add(code).reason
            with pytest.raises(BlockingIOError):
                listener.accept()


def test_no_keys_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-personal")
    monkeypatch.setenv("ORCH_HOME", "/elsewhere")
    monkeypatch.setenv("PYTHONSTARTUP", "x.py")
    code = "import os; raise ValueError(sorted(os.environ))"
    assert with_add(code).reason == "its code raised ValueError: ['HOME', 'LC_ALL', 'TMPDIR']"


def outside(tmp_path: Path) -> list[str]:
    place = str(tmp_path / "secret")
    return [
        f"open({place!r})",
        f"open({place!r}, 'a')",
        f"open({place.encode()!r})",
        f"open('/tmp/../' + {place!r})",
        f"import os; open(os.path.relpath({place!r}))",
        f"import io; io.FileIO({place!r})",
        f"import os; os.open({place!r}, os.O_RDONLY)",
        f"import os; os.remove({place!r})",
        f"import os; os.rename({place!r}, 'mine')",
        f"import os; os.truncate({place!r}, 0)",
        f"import os; os.chmod({place!r}, 0)",
        f"import os; os.link({place!r}, 'mine')",
        f"import os; os.symlink({place!r}, 'mine'); open('mine')",
        f"import os; os.mkfifo({place!r} + '2')",
        f"import shutil; shutil.rmtree({str(tmp_path)!r})",
        f"import os; os.listdir({str(tmp_path)!r})",
        f"import os; os.chdir({str(tmp_path)!r})",
        f"import pathlib; pathlib.Path({place!r}).write_text('x')",
        f"import mmap; open({place!r}, 'r+b')",
        f"import os; os.devnull = {place!r}; open({place!r})",
        # A path that says it is another when it is looked at, and a check without its tools.
        "class P(str):\n    def __eq__(s, o): return True\n    def __hash__(s): return 0\n"
        "    def startswith(s, *a): return False\n    def __add__(s, o): return 'x'\n"
        f"    def __str__(s): return 'x'\n    def split(s, *a): return []\nopen(P({place!r}))",
        f"import builtins; true = isinstance; builtins.isinstance = lambda *a: True\n"
        f"try: open({place!r})\nfinally: builtins.isinstance = true",
        # A library's folder is read and not written, not even through its descriptor.
        "import os; open(os.__file__, 'a')",
        "import os; at = os.open(os.path.dirname(os.__file__), os.O_RDONLY)\n"
        "os.open('x', os.O_WRONLY | os.O_CREAT, dir_fd=at)",
    ]


def test_files_outside_are_neither_read_nor_touched(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("theirs", encoding="utf-8")
    before = sorted(tmp_path.iterdir())
    for code in outside(tmp_path):
        reason = with_add(code).reason
        assert "not allowed" in reason, (code, reason)
    assert secret.read_text(encoding="utf-8") == "theirs"
    assert sorted(tmp_path.iterdir()) == before


def test_the_working_folder_is_its_own(tmp_path: Path) -> None:
    Path("mine.txt").write_text("theirs", encoding="utf-8")
    code = "import os, shutil\nassert os.listdir() == []\nshutil.rmtree(os.getcwd())"
    assert with_add(code).passed
    assert Path("mine.txt").exists()


def test_native_code_that_it_wrote_is_not_loaded() -> None:
    code = "open('m.so', 'wb').write(b'x'); import sys; sys.path.append('.'); import m"
    assert "import of m is not allowed" in with_add(code).reason


def test_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "work"))
    assert with_add("open('x', 'w').write('x'); import os; os.mkdir('d', 0)").passed
    check("while True: pass", seconds=0.3)
    assert list((tmp_path / "work").iterdir()) == []
    assert running() == []


def test_a_stop_ends_the_child() -> None:
    async def stop() -> None:
        work = asyncio.create_task(
            Assertions(HOLDS, RunLimits(seconds=60))("```\nwhile True: pass\n```")
        )
        while not running():
            await asyncio.sleep(0.01)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

    asyncio.run(stop())
    assert running() == []


def test_runs_on_the_loop_of_another_thread() -> None:
    verdicts: list[Verdict] = []
    thread = threading.Thread(target=lambda: verdicts.append(check(ADD)))
    thread.start()
    thread.join()
    assert verdicts == [Verdict(True, "assertions hold")]


# -- what ordinary answers need


@pytest.mark.parametrize(
    "code",
    [
        "import asyncio\nasync def f(): await asyncio.sleep(0)\nasyncio.run(f())",
        "import dataclasses\n@dataclasses.dataclass\nclass D:\n    a: 'int'\nD(1)",
        "import collections; collections.namedtuple('N', 'a')(1)",
        "import re, math, json, decimal, fractions, statistics, random, string, typing, enum",
        "import functools\n@functools.cache\ndef f(n): return n < 2 or f(n - 1)\nf(50)",
        "import zoneinfo, datetime; datetime.datetime.now(datetime.UTC)",
        "import tempfile\nwith tempfile.NamedTemporaryFile('w') as f: f.write('x')",
        "import pathlib; p = pathlib.Path('x'); p.write_text('x'); p.read_text(); p.unlink()",
        "import os\nwith open(os.devnull, 'w') as f: print(1, file=f)",
        "import unittest, logging, uuid, hashlib, secrets, pickle, copy, csv, textwrap, itertools",
        "if __name__ == '__main__':\n    raise ValueError('a script is not started')",
    ],
)
def test_the_standard_library_works(code: str) -> None:
    assert with_add(code) == Verdict(True, "assertions hold")


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("Here:\n```python\nx = 1\n```\nand\n```py\ny = 2\n```", ["x = 1\n", "y = 2\n"]),
        ("```bash\npip install x\n```\n```Python\nx = 1\n```\n```\n1\n```", ["x = 1\n"]),
        ("```\nx = 1\n```", ["x = 1\n"]),
        ("1. So:\n\n   ```python\n   x = 1\n   ```\n", ["x = 1\n"]),
        ("```python\nx = 1", ["x = 1"]),
        ("x = 1\n", ["x = 1\n"]),
        ("```json\n{}\n```", ["```json\n{}\n```"]),
    ],
)
def test_the_code_in_an_answer(text: str, blocks: list[str]) -> None:
    assert code_blocks(text) == blocks


def test_several_blocks_are_one_module() -> None:
    text = f"```python\n{ADD}```\nUse it:\n```python\nprint(add(1, 2))\n```"
    assert asyncio.run(Assertions(HOLDS)(text)).passed
    assert asyncio.run(Assertions(HOLDS)(f"```python\n{ADD}```\n```python\n>>> add\n```")).passed


# -- what the user wrote


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("", "assert nothing"),
        ("add(2, 2) == 4", "assert nothing"),
        ("assert add(", "no Python"),
        ("assert '\x00'", "no Python"),
        ([3], "are text"),
        (["assert True", "assert ("], "no Python"),
    ],
)
def test_bad_assertions_are_told_before_anything_is_sent(source: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Assertions(source)


def test_several_assertions() -> None:
    several = Assertions(["x = add(1, 1)", "assert x == 2", "assert x == 3"])
    assert asyncio.run(several(ADD)).reason == "assert x == 3 failed"


def test_windows_is_refused() -> None:
    with pytest.raises(InputError, match="Windows has no limits"):
        Assertions(HOLDS, platform="win32")
