"""What a front end gets from a real kernel: streaming, interrupts, errors, the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_notebook

from shells.kernel import SECONDS, Kernel, Ran, running
from shells.settings import write_settings
from stub.client import Stub
from stub.spec import write

SLOW = write("ok", words=400, delay=0.02)
THREADS = "import threading; print([t.name for t in threading.enumerate() if 'orch' in t.name])"
THREADS_OF_A_CALL = ["orch_nb", "orch_nb experience.sqlite", "orch_nb ledger.sqlite"]


class Stop:
    """Interrupts the kernel once, when `when` holds."""

    def __init__(self, kernel: Kernel, when: Callable[[Ran], bool]) -> None:
        self._kernel, self._when = kernel, when
        self._pressed = False

    def __call__(self, ran: Ran) -> None:
        if not self._pressed and self._when(ran):
            self._pressed = True
            self._kernel.manager.interrupt_kernel()


def shows_text(ran: Ran) -> bool:
    return len(ran.of("update_display_data")) >= 2


def wait_for_prompt(stub: Stub) -> None:
    deadline = time.monotonic() + SECONDS
    while not any(entry.wire == "chat" for entry in stub.log()):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_an_answer_grows_and_is_saved_once(kernel: Kernel, stub: Stub) -> None:
    stub.rule("alpha", write("ok", words=100, delay=0.02))
    ran = kernel.run("%%orch --no-cache\nhi")
    (place,) = ran.of("display_data")
    looks = [look["data"] for look in ran.of("update_display_data")]
    texts = [look["text/plain"] for look in looks[:-1]]
    assert len(texts) >= 2
    assert all(later.startswith(earlier) for earlier, later in pairwise(texts))
    assert len(looks) <= 15 * ran.seconds + 3
    assert place["data"] == looks[-1] == {}
    assert "text/markdown" not in ran.result["data"]
    assert ran.result["data"]["text/plain"].startswith(texts[-1].rstrip())
    assert ran.result["metadata"]["orch_nb"]["model"] == "alpha:stub-small"


def test_no_stream_shows_once(kernel: Kernel, stub: Stub) -> None:
    ran = kernel.run("%%orch --no-cache --no-stream\nhi")
    kinds = [kind for kind, _ in ran.messages if kind not in ("status", "execute_input")]
    assert kinds == ["execute_result"]


@pytest.mark.parametrize("option", ["", "--no-stream"])
def test_answers_that_are_no_result_stay_too(kernel: Kernel, stub: Stub, option: str) -> None:
    stub.rule("alpha", write("ok", text="one of two", words=2))
    loop = f"for name in 'ab':\n    %orch --no-cache {option} greet {{{{ name }}}}"
    ran = kernel.run(f"{loop}\nkept = %orch --no-cache {option} a third")
    assert not ran.of("execute_result")
    assert [look["text/plain"].split("\n\n")[0] for look in ran.saved] == ["one of two"] * 3
    assert all("alpha:stub-small · " in look["text/plain"] for look in ran.saved)
    shown = [m for k, m in ran.messages if k in ("display_data", "update_display_data")]
    assert [m["metadata"]["orch_nb"]["finish"] for m in shown if m["metadata"]] == ["stop"] * 3


def test_a_cached_answer_is_shown_at_once(kernel: Kernel, stub: Stub) -> None:
    first = kernel.run("%orch remember this")
    again = kernel.run("%orch remember this")
    assert first.reply["status"] == "ok", first.reply
    assert "cached" in again.result["data"]["text/plain"]
    assert again.saved in ([], [{}])


# -- interrupts


def test_interrupt_while_streaming(kernel: Kernel, stub: Stub) -> None:
    stub.rule("alpha", SLOW)
    for _ in range(3):
        ran = kernel.run("%%orch --no-cache\nhi", Stop(kernel, shows_text))
        assert (ran.reply["status"], ran.reply["ename"]) == ("error", "Interrupted")
        assert ran.of("error")[0]["traceback"] == [f"Interrupted: {ran.reply['evalue']}"]
        assert ran.of("execute_result") == []
        (kept,) = ran.saved
        assert kept["text/plain"].startswith("echo ")
        assert kept["text/plain"].endswith("interrupted")
        assert "alpha:stub-small" in kept["text/html"]
    stub.wait_idle()
    heard = [entry for entry in stub.log() if entry.wire == "chat"]
    assert [entry.hung_up is not None for entry in heard] == [True] * 3
    record = kernel.run(
        "import orch_nb; r = orch_nb.session().ledger.last\n"
        "print(r.error, r.response.finish, len(r.response.text) > 5)"
    )
    assert record.stdout == "interrupted interrupted True\n"
    stub.rule("alpha", "ok")
    assert kernel.run("%orch next").reply["status"] == "ok"


def test_interrupt_before_the_first_token(kernel: Kernel, stub: Stub) -> None:
    stub.rule("alpha", "hang_headers")

    def waits(_ran: Ran) -> bool:
        wait_for_prompt(stub)
        return True

    ran = kernel.run("%%orch --no-cache\nhi", Stop(kernel, waits))
    assert ran.reply["ename"] == "Interrupted"
    assert ran.saved == []
    stub.wait_idle()


def test_two_quick_interrupts(kernel: Kernel, stub: Stub) -> None:
    """The second may hit the kernel's own code, which then sends no reply; but it lives."""
    stub.rule("alpha", SLOW)
    kernel.client.execute("%%orch --no-cache\nhi", stop_on_error=False)
    wait_for_prompt(stub)
    for _ in range(2):
        kernel.manager.interrupt_kernel()
        time.sleep(0.001)
    stub.wait_idle()
    assert [entry.hung_up is not None for entry in stub.log() if entry.wire == "chat"] == [True]
    stub.rule("alpha", "ok")
    assert kernel.run("%orch after two").reply["status"] == "ok"


def test_a_loop_is_stopped_too(kernel: Kernel, stub: Stub) -> None:
    """``except Exception`` around a magic swallows no stop."""
    stub.rule("alpha", SLOW)
    code = (
        "for i in range(9):\n    try:\n        %orch --no-cache hi\n"
        "    except Exception:\n        pass"
    )
    ran = kernel.run(code, Stop(kernel, shows_text))
    assert ran.reply["ename"] == "Interrupted"


# -- surroundings


def test_within_a_running_loop(kernel: Kernel, stub: Stub) -> None:
    ran = kernel.run(
        "import asyncio\nawait asyncio.sleep(0)\n"
        "async def f():\n    r = %orch from a coroutine\n    return r\n(await f()).model"
    )
    assert ran.result["data"]["text/plain"] == "'alpha:stub-small'"
    ran = kernel.run("(await orch_nb.session().aask('hello')).model")
    assert ran.result["data"]["text/plain"] == "'alpha:stub-small'"


def test_unloading_ends_the_threads(kernel: Kernel, stub: Stub) -> None:
    kernel.run("%orch hi")
    assert kernel.run(THREADS).stdout == f"{THREADS_OF_A_CALL}\n"
    kernel.run("%unload_ext orch_nb")
    assert kernel.run(THREADS).stdout == "[]\n"
    kernel.run("%load_ext orch_nb")
    assert kernel.run("%orch hi").reply["status"] == "ok"


def test_shutdown_while_streaming(stub: Stub, tmp_path: Path) -> None:
    write_settings(tmp_path, stub)
    stub.rule("alpha", SLOW)
    with running(tmp_path, {}) as kernel:
        kernel.run("%load_ext orch_nb")
        kernel.client.execute("%orch hi")
        wait_for_prompt(stub)
        kernel.manager.shutdown_kernel()
        assert not kernel.manager.is_alive()
    stub.wait_idle()
    assert [e.finished for e in stub.log() if e.wire == "chat"] == [False]


# -- errors


@dataclass(frozen=True)
class Wrong:
    """A cell, what the server does, and the error that has to come of it."""

    code: str
    spec: str
    error: str
    words: str


WRONG = [
    Wrong("%orch --no-cache hi", "401?body=echo_key", "KeyRefused", "key"),
    Wrong("%orch --no-cache hi", "429?retry_after=0", "RateLimited", "429"),
    Wrong("%orch --no-cache hi", "500", "ServerFailed", "500"),
    Wrong("%orch --no-cache hi", "notjson", "BrokenAnswer", "alpha:stub-small"),
    Wrong("%orch --no-cache hi", "close_mid", "Unreachable", "alpha:stub-small"),
    Wrong("%orch --no-cache hi", "no_done", "BrokenAnswer", "cut short"),
    Wrong("%orch -m beta:x hi", "ok", "UnknownNameError", "providers here: alpha, sim"),
    Wrong("%orch --strateg cost hi", "ok", "UnknownNameError", "did you mean --strategy"),
    Wrong("%orch -s cosst hi", "ok", "UnknownNameError", "did you mean cost"),
    Wrong("%orch {{ nobody }}", "ok", "TemplateError", "'nobody' is not defined"),
    Wrong("%orch --temperature 9 hi", "ok", "InputError", "between 0 and 2"),
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: f"{wrong.spec} {wrong.code}")
def test_errors_are_one_line(kernel: Kernel, stub: Stub, wrong: Wrong) -> None:
    stub.rule("alpha", wrong.spec)
    ran = kernel.run(wrong.code)
    (error,) = ran.of("error")
    assert ran.reply["status"] == "error"
    assert error["ename"] == wrong.error
    assert error["traceback"] == [f"{error['ename']}: {error['evalue']}"]
    assert wrong.words in error["evalue"]
    assert len(error["evalue"]) < 700
    assert not {"\n", "\x1b"} & set(error["evalue"])
    stub.rule("alpha", "ok")
    answered = kernel.run(f"%orch after {wrong.spec} {wrong.words}")
    assert answered.result["metadata"]["orch_nb"]["cached"] is False


def test_nothing_is_cached_of_a_broken_answer(kernel: Kernel, stub: Stub) -> None:
    stub.rule("alpha", "close_mid")
    broken = kernel.run("%orch broken once")
    (kept,) = broken.saved
    assert kept["text/plain"].endswith("the answer breaks off here")
    stub.rule("alpha", "ok")
    assert kernel.run("%orch broken once").result["metadata"]["orch_nb"]["cached"] is False


def test_nbclient_stops(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook that is run as a whole ends with our error, which holds no key."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-0123456789")
    monkeypatch.setenv("OPENAI_BASE_URL", stub.url("alpha", "/v1"))
    stub.rule("alpha", "401?body=echo_key")
    cells = [
        new_code_cell(code) for code in ("%load_ext orch_nb", "%orch -m openai:x hi", "print(1)")
    ]
    notebook = new_notebook(cells=cells)
    with pytest.raises(CellExecutionError) as caught:
        NotebookClient(notebook, timeout=120, resources={"metadata": {"path": "."}}).execute()
    assert caught.value.ename == "KeyRefused"
    (error,) = notebook.cells[1].outputs
    assert error.traceback == [f"KeyRefused: {error.evalue}"]
    assert "OPENAI_API_KEY" in error.evalue
    assert notebook.cells[2].outputs == []
    assert "secret" not in str(notebook) + str(caught.value)
    assert stub.log()[-1].headers["authorization"] == "Bearer sk-secret-0123456789"


def test_what_cannot_be_reached(stub: Stub, tmp_path: Path) -> None:
    """No server, or no key: the error says where, or which variable to set."""
    (tmp_path / "orch.yaml").write_text(
        f"""\
providers:
  down: {{type: compatible, base_url: "http://127.0.0.1:{stub.dead_port()}/v1", max_retries: 0}}
  keyless: {{type: compatible, base_url: "{stub.url("k", "/v1")}", api_key_env: KEYLESS_KEY}}
  anthropic: {{base_url: "{stub.url("a")}"}}
fallback: fail
"""
    )
    stub.rule("k", "401")
    with running(tmp_path, {}) as kernel:
        loaded = kernel.run("%load_ext orch_nb")
        assert loaded.reply["status"] == "ok", loaded.reply
        down = kernel.run("%orch -m down:x hi").reply
        keyless = kernel.run("%orch -m keyless:x hi").reply
        anthropic = kernel.run("%orch -m anthropic:x hi").reply
    assert (down["ename"], keyless["ename"]) == ("Unreachable", "KeyRefused")
    assert anthropic["ename"] == "KeyRefused"
    assert "down:x: " in down["evalue"]
    assert "KEYLESS_KEY" in keyless["evalue"]
    assert "ANTHROPIC_API_KEY" in anthropic["evalue"]
    assert {entry.provider for entry in stub.log()} == {"k"}
    for reply in (down, keyless, anthropic):
        assert reply["traceback"] == [f"{reply['ename']}: {reply['evalue']}"]
