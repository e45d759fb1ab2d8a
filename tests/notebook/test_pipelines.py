"""``%%orch_pipeline``, ``%orch_run`` and ``--chain``: shown once, in their place, and refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from notebook.test_commands import failure, row, shown
from orch_nb.errors import InputError
from orch_nb.workflows.pipeline.outcome import PipelineFailed, Run
from shells.here import Shell
from shells.kernel import Kernel, Ran
from stub.client import Stub
from stub.spec import write

PIPELINE = """\
inputs: {topic: rivers}
steps:
  - {id: outline, prompt: "Outline {{ topic }}", model: "alpha:stub-small"}
  - {id: part, prompt: "On {{ outline }}", model: "alpha:stub-large"}
"""


def prompts(stub: Stub) -> list[str]:
    return [entry.prompt for entry in stub.log() if entry.wire == "chat"]


def cell(options: str = "") -> str:
    return f"%%orch_pipeline {options}\n{PIPELINE}"


def test_what_is_the_result_is_shown_as_that_and_what_is_not_in_its_place(
    kernel: Kernel, stub: Stub
) -> None:
    stub.rule("alpha", write("ok", words=40, delay=0.02))
    ran = kernel.run(cell())
    looks = [look["data"] for look in ran.of("update_display_data")]
    assert any("runs" in look["text/plain"] for look in looks if look)
    assert ran.saved == [{}]
    assert "total" in ran.result["data"]["text/plain"]
    ran = kernel.run(
        f"for topic in ('lakes', 'seas'):\n    get_ipython().run_cell_magic("
        f"'orch_pipeline', f'--input topic={{topic}}', {PIPELINE!r})"
    )
    assert not ran.of("execute_result")
    assert ["total" in look["text/plain"] for look in ran.saved] == [True, True]


def test_a_plan_is_shown_as_the_dry_run_shows_it(kernel: Kernel, stub: Stub) -> None:
    (dry,) = kernel.run(cell("--dry-run")).saved
    plan = kernel.run(f"import orch_nb\norch_nb.session().pipeline({PIPELINE!r}).plan()").result
    assert plan["data"] == dry
    assert prompts(stub) == []


def test_a_chain_is_shown_once_too(kernel: Kernel, stub: Stub) -> None:
    stub.rule("alpha", write("ok", words=4, delay=0.02))
    ran = kernel.run("%%orch --chain analysis\nWhy do lakes freeze from the top?")
    assert ran.saved == [{}]
    said = ran.result["data"]["text/plain"]
    assert [row(said, role)[0] for role in ("planner", "context", "executor", "reviewer")]
    assert len(ran.result["metadata"]["orch_nb"]) == 4
    ran = kernel.run("%%orch --chain analysis -o made\nWhy?\n")
    assert ran.result["data"]["text/plain"].count("chain analysis") == 1


@pytest.mark.parametrize(
    "written", [cell("--input topic=moors"), "%%orch --chain default\nHow deep is it?"]
)
def test_a_stop_shows_what_there_was(kernel: Kernel, stub: Stub, written: str) -> None:
    stub.rule("alpha", write("ok", words=400, delay=0.05))
    pressed = list[bool]()

    def press(ran: Ran) -> None:
        looks = [look["data"] for look in ran.of("update_display_data")]
        if not pressed and any("runs" in look["text/plain"] for look in looks if look):
            pressed.append(True)
            kernel.manager.interrupt_kernel()

    ran = kernel.run(written, press)
    assert ran.reply["ename"] == "PipelineStopped"
    (look,) = ran.saved
    assert "stopped before it was answered" in look["text/plain"]
    assert "runs" not in look["text/plain"]
    stub.wait_idle()


def test_a_run_is_in_its_variable_and_can_be_gone_on_with(shell: Shell, alpha: Stub) -> None:
    alpha.rule("alpha", write("400"), model="stub-large")
    assert isinstance(failure(shell, cell("-o made --quiet")), PipelineFailed)
    assert isinstance(shell.ip.user_ns["made"], Run)
    before = len(prompts(alpha))
    alpha.reset()
    made = shell.run(cell("--resume made --input topic=rivers")).value
    assert [result.status for result in made.steps.values()] == ["done", "done"]
    assert before == 2
    assert len(prompts(alpha)) == 1


def test_a_file_is_run_with_inputs_of_the_notebook(shell: Shell, alpha: Stub) -> None:
    Path("rivers.yaml").write_text(PIPELINE)
    shell.run("word = 'lakes'")
    made = shell.run("%orch_run rivers.yaml --input topic={word}").value
    assert list(made.steps) == ["outline", "part"]
    assert prompts(alpha)[0] == "Outline lakes"


def test_a_dry_run_sends_nothing(shell: Shell, alpha: Stub) -> None:
    plan = shown(shell, cell("--dry-run"))
    assert "nothing was sent" in plan
    assert "alpha:stub-large" in plan
    assert prompts(alpha) == []


def test_a_dry_run_of_a_chain_says_who_would_do_what_for_how_much(
    shell: Shell, alpha: Stub
) -> None:
    shell.run("%orch_select --pin executor=alpha:stub-large")
    said = shown(shell, "%orch --chain auto --dry-run Write a Python function that sorts a list.")
    figures, _, asked = said.partition("nothing was sent")
    assert row(figures, "executor")[1:3] == ["alpha:stub-large", "expert of executor"]
    assert row(figures, "planner")[3].startswith("$")
    assert row(figures, "total")[1].startswith("$")
    assert "{{ task }}" in row(asked, "planner")[1]
    assert "chain code, for a task of the kind code" in asked
    assert prompts(alpha) == []


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (cell("--input topic"), "write NAME=VALUE"),
        (cell("--input topic=a --input topic=b"), "given twice"),
        (cell("--resume prompts"), "prompts"),
        (cell("more"), "is no option"),
        ("%orch --chain code --model a:b hi", "--model is for one answer"),
        ("%orch --chain code --format html hi", "--format html is for one answer"),
        ("%orch --priority cost hi", "--priority belongs to --chain"),
    ],
)
def test_what_is_refused_before_anything_is_sent(
    shell: Shell, alpha: Stub, code: str, said: str
) -> None:
    error = failure(shell, code)
    assert isinstance(error, InputError)
    assert said in str(error)
    assert prompts(alpha) == []


def test_an_input_is_what_its_default_is(shell: Shell, alpha: Stub) -> None:
    text = (
        "inputs: {flag: true, n: 3, names: [a, b], who: x}\nsteps:\n"
        '  - {id: a, prompt: "{{ flag }} {{ n + 1 }} {{ names[1] }} {{ who }}", '
        'model: "alpha:stub-small", when: "flag or n > 5"}\n'
    )
    options = "--input flag=false --input n=6.5 --input 'names=[p, q]' --input who=7"
    assert shell.run(f"%%orch_pipeline {options}\n{text}").error is None
    assert prompts(alpha) == ["False 7.5 q 7"]
    skipped = shell.run(f"%%orch_pipeline --input flag=false\n{text}").value
    assert skipped.steps["a"].status == "skipped"
    for wrong in ("flag=0", "n=many", "n=true", "names=p", "n=["):
        error = shell.run(f"%%orch_pipeline --input {wrong}\n{text}").error
        assert isinstance(error, InputError)
        assert "as its default is" in str(error)


@pytest.mark.parametrize(
    "written",
    [cell(), "%%orch --chain code\nAdd two numbers", "%%orch --chain auto -f json\nWhy?"],
)
def test_a_replay_shows_the_same(shell: Shell, alpha: Stub, written: str) -> None:
    alpha.rule("alpha", write("ok", text='```json\n{"a": 1}\n```'))
    assert shell.run("import orch_nb\norch_nb.session().change(mode='record')").error is None
    first = shell.run(written)
    assert first.error is None
    asked = len(prompts(alpha))
    assert asked
    assert shell.run("orch_nb.session().change(mode='replay')").error is None
    again = shell.run(written)
    assert len(prompts(alpha)) == asked
    assert "total" in first.printed
    assert again.printed.partition("\n")[2] == first.printed.partition("\n")[2]


def test_a_name_with_spaces_stands_in_quotes_on_either_side(shell: Shell, alpha: Stub) -> None:
    Path("my rivers.yaml").write_text(PIPELINE)
    for line in (
        "'my rivers.yaml'",
        "--input topic=seas 'my rivers.yaml'",
        '"my rivers.yaml" -o x',
    ):
        assert list(shell.run(f"%orch_run {line}").value.steps) == ["outline", "part"]
    assert "put quotes" in str(failure(shell, "%orch_run my rivers.yaml"))


def test_tab_completes_the_options_and_files_of_pipelines(shell: Shell, alpha: Stub) -> None:
    Path("rivers.yaml").write_text(PIPELINE)
    Path("notes.txt").touch()
    Path("deep").mkdir()
    Path("deep/lakes.yml").touch()
    shell.run("made = 1")
    assert shell.complete("%%orch_pipeline --re") == ["--resume"]
    assert "made" in shell.complete("%%orch_pipeline --resume ")
    assert shell.complete("%%orch_select --unp") == ["--unpin"]
    assert {"--input", "rivers.yaml", "deep/"} <= set(shell.complete("%orch_run "))
    assert shell.complete("%orch_run riv") == ["rivers.yaml"]
    assert shell.complete("%orch_run deep/") == ["deep/lakes.yml"]
    assert "notes.txt" not in shell.complete("%orch_run n")
