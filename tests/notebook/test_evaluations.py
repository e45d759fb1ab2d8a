"""``%orch eval`` in a shell: the plan, the table, the chart, and what it changes."""

from __future__ import annotations

import base64
import json
import re
import time

import pytest

import orch_nb
from notebook.test_commands import failure, row
from notebook.test_kernel import Stop
from orch_nb.charts.bundle import PLOTLY
from orch_nb.errors import InputError, UnknownNameError
from orch_nb.workflows.evaluation import Evaluation
from shells.here import Cell, Shell
from shells.kernel import SECONDS, Kernel, Ran
from stub.client import Stub
from stub.spec import write

LINE = "%orch eval items --models alpha:stub-small,alpha:stub-large"
BIASED = "<img src=x onerror=alert(1)>\x1b[2J"


@pytest.fixture
def items(shell: Shell, alpha: Stub) -> Shell:
    """A shell with 12 ``items``; the large model answers them rightly, the small one does not."""
    alpha.rule("alpha", write("ok", text="41"), model="stub-small")
    alpha.rule("alpha", write("ok", text="The answer is 42."), model="stub-large")
    shell.run("items = [(f'What is {n} plus 0?', 42) for n in range(12)]")
    return shell


def outputs(cell: Cell) -> list[dict[str, object]]:
    assert cell.error is None, cell.error
    return [dict(output.data) for output in cell.outputs]


def test_plan_chart_and_table(items: Shell, alpha: Stub) -> None:
    plan, chart, table = outputs(items.run(f"{LINE} -o made"))
    assert "12 prompts × 2 models = 24 answers; about $" in str(plan["text/plain"])
    text = str(table["text/plain"])
    assert row(text, "alpha:stub-large")[1:4] == ["1.00", "0.76 to 1.00", "12"]
    assert row(text, "alpha:stub-small")[1:4] == ["0.00", "0.00 to 0.24", "12"]
    assert "best: alpha:stub-large" in text
    assert set(chart) == {PLOTLY, "text/html", "text/plain"}
    made = items.ip.user_ns["made"]
    assert isinstance(made, Evaluation)
    cost = orch_nb.session().ledger.by_model()["alpha:stub-large"].cost
    assert f"billed {orch_nb.figures.dollars(made.billed)}" in text
    points = json.loads(json.dumps(chart[PLOTLY]))["data"][1]
    assert points["x"][1] == pytest.approx(float(cost) / 12)
    assert points["y"] == [0, 1]
    (shown,) = outputs(items.run("display(made)"))
    assert "<img alt=" in str(shown["text/html"])
    assert str(shown["text/plain"]) == text
    assert len(alpha.bill()) == 2


def test_a_dry_run_asks_nobody(items: Shell, alpha: Stub) -> None:
    plan, table = outputs(items.run(f"{LINE} --dry-run --repeats 2"))
    assert "12 prompts × 2 models × 2 repeats = 48 answers" in str(plan["text/plain"])
    assert "alpha:stub-large" in str(table["text/plain"])
    assert alpha.bill() == {}


def test_a_function_of_the_notebook_and_a_judge(items: Shell, alpha: Stub) -> None:
    items.run("def short(text, expected): return len(text) < 5")
    *_, table = outputs(items.run(f"{LINE} --check short"))
    assert row(str(table["text/plain"]), "alpha:stub-small")[1] == "1.00"
    alpha.models("alpha", ["stub-small", "stub-large", "grader"])
    alpha.rule("alpha", write("ok", text="2"), model="grader")
    *_, table = outputs(items.run(f"{LINE} --judge alpha:grader"))
    text = str(table["text/plain"])
    assert row(text, "alpha:stub-small")[1] == row(text, "alpha:stub-large")[1] == "0.50"
    assert "graded by alpha:grader" in text
    assert "a tie" in text


def test_what_is_voted_on_has_no_names_and_is_harmless(items: Shell, alpha: Stub) -> None:
    alpha.rule("alpha", write("ok", text=BIASED), model="stub-small")
    *_, shown = outputs(items.run(f"{LINE} --check human -o made"))
    assert "stub-small" not in json.dumps(shown)
    assert "<img" not in str(shown["text/html"])
    assert "\x1b" not in json.dumps(shown)
    items.run("for i, b in made.ballots.items(): made.vote(i, 'A')")
    (table,) = outputs(items.run("display(made)"))
    assert row(str(table["text/plain"]), "alpha:stub-small")[3] == "12"


def test_an_earlier_one_is_shown_once_more(items: Shell, alpha: Stub) -> None:
    assert "nothing was evaluated yet" in str(failure(items, "%orch eval"))
    items.run(f"{LINE} --dry-run")
    items.run("%orch probe alpha:stub-large --for json")
    items.run(LINE)
    *_, voted = outputs(items.run(f"{LINE} --check human -o v"))
    asked = alpha.bill()
    said, chart, table = outputs(items.run("%orch eval -2"))
    assert "evaluation 1 of 2: 12 prompts × 2 models" in str(said["text/plain"])
    assert PLOTLY in chart
    assert row(str(table["text/plain"]), "alpha:stub-large")[1:4] == ["1.00", "0.76 to 1.00", "12"]
    assert outputs(items.run("%orch eval"))[-1] == voted
    items.run("for i, b in v.ballots.items(): v.vote(i, 'A')")
    *_, table = outputs(items.run("%orch eval 2"))
    assert row(str(table["text/plain"]), "alpha:stub-large")[3] == "12"
    assert "there is no evaluation 3; take 1 to 2" in str(failure(items, "%orch eval 3"))
    assert alpha.bill() == asked


def test_errors_are_rows(items: Shell, alpha: Stub) -> None:
    alpha.rule("alpha", "500", model="stub-small")
    *_, table = outputs(items.run(LINE))
    text = str(table["text/plain"])
    assert row(text, "alpha:stub-small")[1] == "—"
    assert row(text, "alpha:stub-small")[-1] == "12"
    assert "first error: alpha:stub-small, item 0: " in text


@pytest.mark.parametrize(
    ("line", "kind", "said"),
    [
        (
            "eval --jobs 1",
            InputError,
            "the following arguments are required: ITEMS; use `%orch eval",
        ),
        ("eval itms", UnknownNameError, "did you mean items"),
        ("eval items --check shrt", UnknownNameError, "unknown check 'shrt'"),
        ("eval items --jobs many", InputError, "invalid int value: 'many'"),
        ("eval items --frobnicate", InputError, "unrecognized arguments: --frobnicate"),
        ("eval items -o a.b", InputError, "a.b is no name of a variable"),
        ("eval items --max-cost 0", InputError, "is more than max_cost=0"),
    ],
)
def test_a_wrong_line_spends_nothing(
    items: Shell, alpha: Stub, line: str, kind: type[Exception], said: str
) -> None:
    error = failure(items, f"%orch {line}")
    assert isinstance(error, kind)
    assert said in str(error)
    assert alpha.bill() == {}


def test_the_picture_is_one(items: Shell) -> None:
    _, chart, _ = outputs(items.run(LINE))
    (data,) = re.findall(r"base64,([\w+/=]+)", str(chart["text/html"]))
    assert base64.b64decode(data).startswith(b"<svg")


def test_the_stop_button_keeps_what_is_done(kernel: Kernel, stub: Stub) -> None:
    stub.rule("alpha", write("ok", text="42"), model="stub-small")
    stub.rule("alpha", "hang", model="stub-large")
    kernel.run("items = [(f'What is {n} plus 0?', 42) for n in range(6)]")

    def both_hang(ran: Ran) -> bool:
        if not ran.of("display_data"):
            return False
        deadline = time.monotonic() + SECONDS
        while sum(entry.model == "stub-large" for entry in stub.log()) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return True

    ran = kernel.run(f"{LINE} --jobs 2", Stop(kernel, both_hang))
    assert (ran.reply["status"], ran.reply["ename"]) == ("error", "EvaluationStopped")
    assert "answers are kept" in ran.reply["evalue"]
    assert "alpha:stub-small" in ran.saved[-1]["text/plain"]
    stub.wait_idle()
    stub.rule("alpha", write("ok", text="41"), model="stub-large")
    paid = stub.bill()["alpha:stub-small"]["calls"]
    ran = kernel.run(LINE)
    assert ran.reply["status"] == "ok"
    assert stub.bill()["alpha:stub-small"]["calls"] == 6
    assert 0 < paid <= 6
