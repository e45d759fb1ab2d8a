"""``%orch rerun``: the call once more, what differs in words, dollars and seconds."""

from __future__ import annotations

import re
from typing import Any

import pytest

import orch_nb
from notebook.test_commands import failure, row
from notebook.test_kernel import Stop, shows_text
from orch_nb.errors import InputError, UnknownNameError
from orch_nb.types import Response
from shells.here import Shell
from shells.kernel import Kernel
from stub.client import Stub
from stub.spec import write

PNG = "b'\\x89PNG\\r\\n\\x1a\\n' + b'0' * 20"


@pytest.fixture
def talks(alpha: Stub) -> Stub:
    """The server, whose models answer differently."""
    alpha.rule("alpha", write("ok", text="The Elbe is long."), model="stub-small")
    alpha.rule("alpha", write("ok", text="The Rhine is long."), model="stub-large")
    return alpha


def outputs(shell: Shell, line: str) -> tuple[Any, Any]:
    """The new answer, and what differs."""
    cell = shell.run(line)
    assert cell.error is None, cell.error
    answer, compared = cell.outputs
    return answer, compared


def bodies(stub: Stub) -> list[Any]:
    return [entry.body for entry in stub.log() if entry.wire == "chat"]


def test_another_model_and_what_differs(shell: Shell, talks: Stub) -> None:
    shell.run("%orch -m alpha:stub-small --system Short. --temperature 0.5 Name a river.")
    answer, compared = outputs(shell, "%orch rerun -m alpha:stub-large -o again")
    assert answer.data["text/plain"].startswith("The Rhine is long.")
    assert answer.metadata["orch_nb"]["model"] == "alpha:stub-large"
    text = compared.data["text/plain"]
    assert "call 1: Name a river." in text
    assert "The [-Elbe-] {+Rhine+} is long." in text
    assert ">−</span>Elbe</del>" in compared.data["text/html"]
    old, new = (record.response for record in orch_nb.session().ledger)
    assert old is not None
    assert new is shell.ip.user_ns["again"]
    assert isinstance(new, Response)
    assert old.cost is not None
    assert new.cost is not None
    assert row(text, "difference")[1] == f"+{orch_nb.figures.dollars(new.cost - old.cost)}"
    first, second = bodies(talks)
    assert second == first | {"model": "stub-large"}


def test_without_a_change_it_is_asked_anew(shell: Shell, talks: Stub) -> None:
    shell.run("%orch -m alpha:stub-small Name a river.")
    _, compared = outputs(shell, "%orch rerun")
    assert "the same answer, to the letter" in compared.data["text/plain"]
    assert len(bodies(talks)) == 2
    talks.rule("alpha", write("ok", text="The Oder."), model="stub-small")
    _, compared = outputs(shell, "%orch rerun 1")
    assert "{+Oder+}" in compared.data["text/plain"]


def test_a_tool_brings_along_what_it_has(shell: Shell, talks: Stub) -> None:
    shell.run("%orch -m alpha:stub-small Name a river.")
    session = orch_nb.session()
    session.tool("german", prompt="In German: {{ prompt }}")
    session.experts.pin(german="alpha:stub-large")
    outputs(shell, "%orch rerun --tool german")
    outputs(shell, "%orch rerun --tool german --temperature 0")  # it is there already
    for body in bodies(talks)[1:]:
        assert body["model"] == "stub-large"
        assert body["messages"][-1]["content"] == "In German: Name a river."


def test_another_tool_takes_the_place_of_what_the_earlier_put_around_it(
    shell: Shell, talks: Stub
) -> None:
    session = orch_nb.session()
    session.tool("german", prompt="In German: {{ prompt }}")
    session.tool("french", prompt="In French: {{ prompt }}")
    session.tool("plain")
    shell.run("%orch --tool german Name a river.")
    for options in ("--tool french", "--temperature 0", "--tool plain", "--tool german"):
        outputs(shell, f"%orch rerun {options}")
    assert [body["messages"][-1]["content"] for body in bodies(talks)] == [
        "In German: Name a river.",
        "In French: Name a river.",
        "In French: Name a river.",
        "Name a river.",
        "In German: Name a river.",
    ]


def test_parameters_and_numbers(shell: Shell, talks: Stub) -> None:
    shell.run("%orch -m alpha:stub-small --temperature 0.5 Name a river.")
    shell.run("%orch -m alpha:stub-large Name a lake.")
    outputs(shell, "%orch rerun 1 --temperature 0 --max-tokens 50")
    assert bodies(talks)[-1]["temperature"] == 0
    assert bodies(talks)[-1]["max_tokens"] == 50
    assert bodies(talks)[-1]["messages"][-1]["content"] == "Name a river."
    _, compared = outputs(shell, "%orch rerun -2 --system Long.")
    assert "call 2: Name a lake." in compared.data["text/plain"]


def test_pictures_and_what_was_said_go_along(shell: Shell, talks: Stub) -> None:
    shell.run(f"picture = {PNG}")
    shell.run("%orch -m alpha:stub-small --image picture What is this?")
    outputs(shell, "%orch rerun -m alpha:stub-large")
    first, second = bodies(talks)
    assert second["messages"] == first["messages"]
    shell.run("%orch -m alpha:stub-small --thread t One.")
    shell.run("%orch --thread t Two.")
    outputs(shell, "%orch rerun -m alpha:stub-large")
    said = [turn["content"] for turn in bodies(talks)[-1]["messages"]]
    assert said == ["One.", "The Elbe is long.", "Two."]
    assert list(orch_nb.session().threads["t"]) == ["alpha:stub-small"]


def test_a_class_is_not_kept_and_that_is_said(shell: Shell, talks: Stub) -> None:
    talks.rule("alpha", write("ok", text='{"km": 1}'))
    shell.run("from dataclasses import dataclass\n@dataclass\nclass River:\n    km: int")
    shell.run("%orch -m alpha:stub-small --schema River How long?")
    _, compared = outputs(shell, "%orch rerun -m alpha:stub-large")
    assert "give --schema to have it validated" in compared.data["text/plain"]
    assert bodies(talks)[-1]["response_format"] == bodies(talks)[0]["response_format"]
    _, compared = outputs(shell, "%orch rerun 1 -m alpha:stub-large --schema River -o made")
    assert "give --schema" not in compared.data["text/plain"]
    assert shell.ip.user_ns["made"].parsed.km == 1


def test_a_call_that_failed_has_nothing_to_compare_with(shell: Shell, talks: Stub) -> None:
    talks.plan("alpha", "500")
    shell.run("%orch -m alpha:stub-small Name a river.")
    answer, compared = outputs(shell, "%orch rerun")
    assert "The Elbe" in answer.data["text/plain"]
    assert "it has no answer to compare with" in compared.data["text/plain"]


def test_hostile_answers_are_harmless(shell: Shell, talks: Stub) -> None:
    hostile = "<script>alert(1)</script> <img src=x onerror=alert(1)> \x1b[2J \u202e $x$"
    talks.rule("alpha", write("ok", text=hostile), model="stub-large")
    shell.run("%orch -m alpha:stub-small Name <script>a</script> river.")
    _, compared = outputs(shell, "%orch rerun -m alpha:stub-large")
    assert not re.search("<script|<img", compared.data["text/html"])
    assert not re.search("[\x1b\u202e]", "".join(compared.data.values()))


@pytest.mark.parametrize(
    ("words", "kind", "said"),
    [
        ("9", InputError, "there is no call 9; take 1 to 1"),
        ("1 with another model", InputError, "with another model is no option; use `%orch rerun"),
        ("the last cell", InputError, "the last cell is no option"),
        ("--modle x", UnknownNameError, "did you mean --model"),
        ("--thread t", UnknownNameError, "unknown option '--thread'"),
        ("--no-cache --refresh", InputError, "exclude each other"),
        ("--temperature 9", InputError, "temperature must be"),
    ],
)
def test_a_wrong_line_spends_nothing(
    shell: Shell, talks: Stub, *, words: str, kind: type[Exception], said: str
) -> None:
    shell.run("%orch -m alpha:stub-small Name a river.")
    error = failure(shell, f"%orch rerun {words}")
    assert isinstance(error, kind)
    assert said in str(error)
    assert len(bodies(talks)) == 1


def test_there_must_be_a_call(shell: Shell) -> None:
    assert "nothing was asked yet" in str(failure(shell, "%orch rerun"))


def test_it_grows_in_its_place_and_can_be_stopped(kernel: Kernel, stub: Stub) -> None:
    kernel.run("%orch -m alpha:stub-small Name a river.")
    stub.rule("alpha", write("ok", words=40, delay=0.02))
    ran = kernel.run("%orch rerun")
    answer, compared = ran.saved
    assert "tokens" in answer["text/plain"]
    assert "{+" in compared["text/plain"]
    assert len(ran.of("update_display_data")) >= 3
    stub.rule("alpha", write("ok", words=400, delay=0.05))
    ran = kernel.run("%orch rerun 1", Stop(kernel, shows_text))
    assert ran.reply["ename"] == "Interrupted"
    assert ran.saved[-1]["text/plain"].endswith("interrupted")
    stub.wait_idle()
