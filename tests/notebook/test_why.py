"""``%orch why`` in a shell, after calls that went well, failed, came from the cache."""

from __future__ import annotations

import re

import pytest

import orch_nb
from orch_nb.errors import InputError
from shells.here import Shell
from stub.client import Stub
from stub.spec import write

HEAD = "asked  "


def why(shell: Shell, number: str = "") -> str:
    cell = shell.run(f"%orch why {number}")
    assert cell.error is None, cell.error
    (output,) = cell.outputs
    assert set(output.data) == {"text/html", "text/plain"}
    return str(output.data["text/plain"])


def attempts(text: str) -> list[list[str]]:
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(HEAD))
    rows = []
    for line in lines[start + 1 :]:
        if not line:
            break
        rows.append(re.split(r" {2,}", line))
    return rows


def test_the_last_call_is_explained(shell: Shell, alpha: Stub) -> None:
    response = shell.run("%orch -s cost hello there").value
    text = why(shell)
    assert text.startswith("call 1 of 1: hello there\n\ncost (strategy)\n")
    assert "alpha:stub-small (picked)" in text
    assert "alpha:stub-large" in text
    assert "what would change it: " not in text  # no other is cheaper, quicker or better
    (row,) = attempts(text)
    assert row[:2] == ["alpha:stub-small", "answered"]
    assert row[2].startswith("$")
    assert row[3] == orch_nb.figures.dollars(response.billed)
    last = text.splitlines()[-1]
    out = response.usage.output_tokens
    assert last.startswith(f"expected {row[2]}, —, ")
    assert last.endswith(f"{response.usage.input_tokens}→{out}")


def test_a_later_ledger_changes_no_earlier_explanation(shell: Shell, alpha: Stub) -> None:
    shell.run("%orch -s cost one")
    first = why(shell)
    shell.run("%orch -m alpha:stub-large two")
    assert "explicit (explicit model)" in why(shell)
    assert why(shell, "1") == why(shell, "-2") == first.replace("1 of 1", "1 of 2")
    assert why(shell, "2") == why(shell, "-1") == why(shell)


def test_what_failed_on_the_way_is_named(shell: Shell, alpha: Stub) -> None:
    shell.run("import orch_nb")
    shell.run("orch_nb.session().change(fallback='best')").result.raise_error()
    alpha.plan("alpha", "429")
    shell.run("%orch -s cost hello").result.raise_error()
    failed, answered = attempts(why(shell))
    assert failed[:2] == ["alpha:stub-small", "429"]
    assert answered[:2] == ["alpha:stub-large", "answered"]
    assert answered[3].startswith("$")


def test_a_failed_call_is_explained(shell: Shell, alpha: Stub) -> None:
    alpha.plan("alpha", "401")
    assert shell.run("%orch -s cost hello").error is not None
    text = why(shell)
    assert "alpha:stub-small (picked)" in text
    (row,) = attempts(text)
    assert row[:2] == ["alpha:stub-small", "401"]
    assert text.splitlines()[-1].startswith("failed: ")


def test_a_call_without_a_choice_says_why_there_is_none(shell: Shell, alpha: Stub) -> None:
    assert shell.run("%orch --max-latency 0.0001 hello").error is not None
    lines = why(shell).splitlines()
    assert lines[:2] == ["call 1 of 1: hello", "no model was chosen"]
    assert "max_latency" in lines[2]


def test_a_cached_answer_is_said_to_be(shell: Shell, alpha: Stub) -> None:
    shell.run("%orch hello")
    shell.run("%orch hello")
    (row,) = attempts(why(shell))
    assert row[1] == "from the cache"
    assert row[3] == "$0"
    assert "· cached" in why(shell).splitlines()[-1]


def test_a_notice_is_kept(shell: Shell, alpha: Stub) -> None:
    shell.run("%orch -s task,cost hello")
    assert "task found no model, so cost chose" in why(shell)


def test_hostile_words_are_inert(shell: Shell, alpha: Stub) -> None:
    hostile = "x<img src=x onerror=alert(1)>\x1b[2J"
    alpha.models("alpha", [hostile])
    alpha.rule("alpha", write("ok", text="fine"))
    others = ["alpha:stub-small", "alpha:stub-large"]
    response = orch_nb.session().ask(f"{hostile}\n\n<b>", exclude=others)
    assert response.model == f"alpha:{hostile}"
    (output,) = shell.run("%orch why").outputs
    shown = output.data["text/html"] + output.data["text/plain"]
    assert "\x1b" not in shown
    assert "<img" not in output.data["text/html"]
    assert "<b>" not in output.data["text/html"]
    assert "\\x1b[2J" in output.data["text/plain"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("why", "nothing was asked yet"),
        ("why 0", "no call 0"),
        ("why 2", "take 1 to 1"),
        ("why -2", "no call -2"),
        ("why is the sky blue", "comes after --"),
        ("why --last", "use `%orch why [N]`"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(shell: Shell, alpha: Stub, line: str, said: str) -> None:
    if line != "why":
        shell.run("%orch hello")
    before = len(alpha.log())
    error = shell.run(f"%orch {line}").error
    assert isinstance(error, InputError)
    assert said in str(error)
    assert len(alpha.log()) == before
