"""What assertions say of a model's code that real child processes run."""

from __future__ import annotations

import asyncio
import sys
import threading

import pytest

from invoke.checked import ADD, HOLDS, check, running, with_add
from orch_nb.errors import InputError
from orch_nb.invoke.assertions import Assertions, code_blocks
from orch_nb.invoke.limited_run import RunLimits
from orch_nb.invoke.verdict import Verdict

if sys.platform == "win32":
    pytest.skip("Windows has no limits for a child process", allow_module_level=True)


# -- what passes, and what does not


def test_what_holds_passes() -> None:
    assert check(ADD) == Verdict(True, "assertions hold")


def test_what_does_not_hold_is_named() -> None:
    verdict = check(
        "def add(a, b):\n    return a * b", "assert add(2, 2) == 4\nassert add(1, 2) == 3"
    )
    assert verdict == Verdict(False, "assert add(1, 2) == 3 does not hold")


def test_what_raises_is_named() -> None:
    assert check("x = 1").reason == (
        "assert add(2, 2) == 4 raised NameError: name 'add' is not defined"
    )
    assert check("1 / 0").reason == "its code raised ZeroDivisionError: division by zero"


def test_a_function_of_the_assertions_names_its_line() -> None:
    block = "def hold(f):\n    assert f(1, 1) == 2\n    assert f(1, 2) == 4\nhold(add)"
    assert check(ADD, block).reason == "assert f(1, 2) == 4 does not hold"


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
    assert asyncio.run(several(ADD)).reason == "assert x == 3 does not hold"


def test_windows_is_refused() -> None:
    with pytest.raises(InputError, match="Windows has no limits"):
        Assertions(HOLDS, platform="win32")
