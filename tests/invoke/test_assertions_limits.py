"""What of the machine a model's code may take and reach while assertions run on it."""

from __future__ import annotations

import socket
import sys
import tempfile
from pathlib import Path

import pytest

from invoke.checked import check, running, with_add

if sys.platform == "win32":
    pytest.skip("Windows has no limits for a child process", allow_module_level=True)


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
