"""``--background`` in a real kernel: the cell ends at once, the answer comes into its place."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from queue import Empty
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from notebook.test_kernel import THREADS, THREADS_OF_A_CALL
from orch_nb.errors import InputError
from shells.here import Shell
from shells.kernel import SECONDS, Kernel, Ran
from shells.settings import write_settings
from stub.client import Stub
from stub.spec import write

WIDGET = "application/vnd.jupyter.widget-view+json"
SLOW = write("ok", words=60, delay=0.05)


class Outputs:
    """What a notebook holds now: the last look of every place, also of those drawn later."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self.looks: dict[str, dict[str, Any]] = {}
        self.closed: list[str] = []

    def ran(self, code: str) -> Ran:
        """Run a cell, and take its displays in."""
        ran = self._kernel.run(code)
        for kind, content in ran.messages:
            self._take(kind, content)
        return ran

    def wait(self, holds: Callable[[str], bool]) -> str:
        """Take what comes until a look of an answer `holds`, and give that look."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            for look in self.looks.values():
                if holds(text := look.get("text/plain", "")):
                    return str(text)
            try:
                message = self._kernel.client.get_iopub_msg(timeout=0.2)
            except Empty:
                continue
            self._take(message["msg_type"], message["content"])
        raise AssertionError(self.looks)

    def _take(self, kind: str, content: dict[str, Any]) -> None:
        if "display_id" in content.get("transient", ()):
            self.looks[content["transient"]["display_id"]] = content["data"]
        if kind == "comm_close":
            self.closed.append(content["comm_id"])


@pytest.fixture
def outputs(kernel: Kernel, stub: Stub) -> Iterator[Outputs]:
    yield Outputs(kernel)
    kernel.run("%orch cancel")


def is_answer(text: str) -> bool:
    return "tokens" in text and "so far" not in text and "background" not in text


def test_the_cell_ends_while_the_answer_is_under_way(outputs: Outputs, stub: Stub) -> None:
    stub.rule("alpha", SLOW)
    begun = outputs.ran("%%orch --background -o a --no-cache\nhi")
    assert begun.reply["status"] == "ok"
    assert begun.of("execute_result") == []
    assert outputs.ran("a.done").result["data"]["text/plain"] == "False"
    seen = outputs.wait(lambda text: "so far" in text)
    assert seen.startswith("in the background · alpha:stub-small · ")
    assert seen.endswith("tokens so far · `%orch cancel` stops it")
    assert sum(WIDGET in look for look in outputs.looks.values()) == 1
    answer = outputs.wait(is_answer)
    assert answer.startswith("echo ")
    assert "alpha:stub-small · $" in answer
    # The button left no line behind, and its models are closed.
    assert sorted(map(bool, outputs.looks.values())) == [False, True]
    assert len(outputs.closed) == 5
    text = outputs.ran("print(a.result().text, end='')").stdout
    assert answer.startswith(text)
    assert outputs.ran(THREADS).stdout.strip() == str(THREADS_OF_A_CALL)


def test_several_at_once_share_the_budget(outputs: Outputs, stub: Stub) -> None:
    stub.rule("alpha", SLOW)
    for name in "ab":
        outputs.ran(f"%orch --background -o {name} --no-cache tell {name}")
    outputs.ran("a.result(), b.result()")
    assert stub.stats("alpha").max_inflight == 2
    outputs.ran("import orch_nb; s = orch_nb.session()")
    spent = outputs.ran("s.budget.spent()['session'].known == s.ledger.spent.known > 0").result
    assert spent["data"]["text/plain"] == "True"
    outputs.ran("%orch budget session=0")
    refused = outputs.ran("%orch --background -o c --no-cache tell c\nc.result()")
    outputs.ran("%orch budget session=none")
    assert refused.reply["status"] == "error"
    assert "budget" in refused.reply["evalue"]


def test_cancel_stops_them_and_keeps_what_had_arrived(outputs: Outputs, stub: Stub) -> None:
    stub.rule("alpha", write("ok", words=2000, delay=0.02))
    outputs.ran("%orch --background -o a --no-cache one")
    outputs.ran("%orch --background -o b --no-cache two")
    outputs.wait(lambda text: "so far" in text)
    assert stub.stats("alpha").inflight == 2
    said = outputs.ran("%orch cancel").of("display_data")[-1]["data"]["text/plain"]
    assert said == "2 answers stopped"
    kept = outputs.wait(
        lambda text: text.endswith("Interrupted: stopped; the connection is closed")
    )
    assert kept.startswith("echo ")
    assert outputs.ran("a.result()").reply["ename"] == "Interrupted"
    stub.wait_idle()
    again = outputs.ran("%orch cancel").of("display_data")[-1]["data"]["text/plain"]
    assert again == "nothing is under way"
    assert outputs.ran(THREADS).stdout.strip() == str(THREADS_OF_A_CALL)


def test_what_fails_is_one_line_in_its_place_and_raised(outputs: Outputs, stub: Stub) -> None:
    stub.rule("alpha", write("quota"))
    outputs.ran("%orch --background -o a --no-cache fails")
    line = outputs.wait(lambda text: text.startswith("QuotaSpent: alpha:"))
    assert "\n" not in line
    failed = outputs.ran("a.result()").reply
    assert (failed["ename"], failed["status"]) == ("QuotaSpent", "error")
    outputs.ran("orch_nb.session().reload()")  # which nobody is benched after


def test_bad_input_fails_the_cell(outputs: Outputs, stub: Stub) -> None:
    assert outputs.ran("%orch --background --temperature 9 x").reply["ename"] == "InputError"
    assert stub.bill() == {}


def test_a_notebook_that_nobody_looks_at_waits(stub: Stub, tmp_path: Any) -> None:
    write_settings(tmp_path, stub)
    stub.rule("alpha", SLOW)
    cells = ["%load_ext orch_nb", "%%orch --background -o a\nhi", "a.done, a.result().model"]
    notebook = new_notebook(cells=[new_code_cell(source) for source in cells])
    NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}).execute()
    nbformat.validate(notebook)
    saved = [out for out in notebook.cells[1].outputs if out.get("data")]
    assert [out.output_type for out in saved] == ["execute_result"]
    assert is_answer(saved[0].data["text/plain"])
    assert notebook.cells[2].outputs[0].data["text/plain"] == "(True, 'alpha:stub-small')"


def test_in_a_terminal_the_answer_follows_a_later_cell(shell: Shell, alpha: Stub) -> None:
    cell = shell.run("%orch --background -o a hi")
    assert cell.printed.startswith("in the background;")
    assert cell.outputs == []
    printed = cell.printed + shell.run("a.wait()").printed
    assert is_answer(printed.partition("ends after it\n")[2])
    assert "ends after it" not in shell.run("1").printed


def test_closing_the_session_ends_them(shell: Shell, alpha: Stub) -> None:
    alpha.rule("alpha", write("ok", words=2000, delay=0.02))
    shell.run("%orch --background -o a --no-cache hi")
    handle = shell.ip.user_ns["a"]
    shell.run("%unload_ext orch_nb")
    assert handle.wait(SECONDS)
    alpha.wait_idle()
    assert "Interrupted" in repr(handle)


def test_cancel_takes_no_words(shell: Shell) -> None:
    assert isinstance(shell.run("%orch cancel that order").error, InputError)
