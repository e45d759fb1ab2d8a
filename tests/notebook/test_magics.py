"""What the magics send, show and leave behind, in a shell of this process."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import orch_nb
from orch_nb.notebook.commands import COMMANDS
from orch_nb.notebook.magics import ORCH
from orch_nb.types import Decision, Response
from shells.here import Shell
from stub.client import Stub
from stub.spec import write
from stub.state import Entry


def asked(stub: Stub) -> list[Entry]:
    """The requests that a real provider would charge for."""
    return [entry for entry in stub.log() if entry.wire != "models"]


def body(stub: Stub) -> dict[str, Any]:
    """The body of the only request."""
    (entry,) = asked(stub)
    return dict(entry.body)


# -- options


def test_a_cell_is_a_prompt(shell: Shell, alpha: Stub) -> None:
    response = shell.run("%%orch\nName three rivers.\n\nIn Asia.\n").value
    assert isinstance(response, Response)
    assert asked(alpha)[0].prompt == "Name three rivers.\n\nIn Asia."
    assert shell.ip.user_ns["_"] is response
    assert shell.run("_.model").value == response.model


@pytest.mark.parametrize(
    ("flags", "key", "value"),
    [
        ("-m alpha:stub-large", "model", "stub-large"),
        ("--model=stub-large", "model", "stub-large"),
        ("-m alpha:new:8b", "model", "new:8b"),
        ("--strategy cost", "model", "stub-small"),
        ("--temperature 0", "temperature", 0.0),
        ("--max-tokens 17", "max_tokens", 17),
        ("--no-stream", "stream", True),
    ],
)
def test_options_reach_the_wire(
    shell: Shell, alpha: Stub, flags: str, key: str, value: object
) -> None:
    shell.run(f"%%orch {flags}\nhi").result.raise_error()
    assert body(alpha)[key] == value


def test_what_is_not_given_is_not_sent(shell: Shell, alpha: Stub) -> None:
    shell.run("%orch hi").result.raise_error()
    assert {"temperature", "max_tokens"} & set(body(alpha)) == set()
    assert [message["role"] for message in body(alpha)["messages"]] == ["user"]


def test_system(shell: Shell, alpha: Stub) -> None:
    shell.run('%%orch --system "Be brief, it\'s late"\nhi').result.raise_error()
    roles = [(m["role"], m["content"]) for m in body(alpha)["messages"]]
    assert roles == [("system", "Be brief, it's late"), ("user", "hi")]


def test_out_and_quiet(shell: Shell, alpha: Stub) -> None:
    cell = shell.run("%%orch -o answer --quiet --explain\nhi")
    assert (cell.value, cell.printed, cell.outputs) == (None, "", [])
    assert shell.ip.user_ns["answer"].text.startswith("echo ")


@pytest.mark.parametrize(
    "line",
    [
        "%orch --quiet hi",
        "%orch --compare alpha:stub-small,alpha:stub-large --quiet hi",
        "%orch_run --quiet p.yaml",
    ],
)
def test_what_is_quiet_shows_nothing_and_gives_what_it_is_assigned_to(
    shell: Shell, alpha: Stub, line: str
) -> None:
    Path("p.yaml").write_text('steps: [{id: a, prompt: "hi"}]\n')
    bare = shell.run(line)
    assert (bare.value, bare.printed, bare.outputs) == (None, "", [])
    cell = shell.run(f"given = {line}")
    assert (cell.value, cell.printed, cell.outputs) == (None, "", [])
    assert type(shell.ip.user_ns["given"]).__name__ in ("Response", "Comparison", "Run")
    assert shell.run("given").printed


def test_a_dry_run_sends_nothing(shell: Shell, alpha: Stub) -> None:
    shell.ip.user_ns["name"] = "Ada"
    cell = shell.run("%%orch --dry-run -o answer\nhi {{ name }}")
    assert cell.value is None
    assert "answer" not in shell.ip.user_ns
    assert asked(alpha) == []
    (shown,) = cell.outputs
    assert shown.data["text/plain"].startswith("hi Ada\n")
    assert "alpha:stub-small" in shown.data["text/html"]
    shell.run("%orch --dry-run -m alpha:stub-large hi").result.raise_error()
    assert asked(alpha) == []


def test_explain_stands_under_the_answer(shell: Shell, alpha: Stub) -> None:
    alpha.rule("alpha", write("ok", text="the answer"))
    printed = shell.run("%orch --explain --no-stream hi").printed
    order = ["the answer", " tokens\n", "model  ", "alpha:stub-large", "not sim:large"]
    assert sorted(order, key=printed.index) == order
    assert "model  " not in shell.run("%orch --no-cache --no-stream hi").printed


def test_cache_policies(shell: Shell, alpha: Stub) -> None:
    first = shell.run("%orch hi").value
    again = shell.run("%orch hi").value
    assert (first.cached, again.cached) == (False, True)
    assert (again.cost, again.billed) == (first.cost, Decimal(0))
    assert "cached" in shell.run("%orch hi").printed
    assert len(asked(alpha)) == 1
    alpha.rule("alpha", write("ok", text="other"))
    assert shell.run("%orch --no-cache hi").value.text == "other"
    assert shell.run("%orch hi").value.text == first.text
    assert shell.run("%orch --refresh hi").value.text == "other"
    assert shell.run("%orch hi").value.text == "other"
    assert len(asked(alpha)) == 3


def test_policies_exclude_each_other(shell: Shell, alpha: Stub) -> None:
    error = shell.run("%orch --no-cache --refresh hi").error
    assert str(error) == "--no-cache and --refresh exclude each other; give one of them"


# -- prompts


def test_templates_are_filled_once(shell: Shell, alpha: Stub) -> None:
    shell.ip.user_ns |= {"first": "{{ second }}", "second": "no", "x": "X"}
    text = 'A {{ first }} {x} ${x} $x {"a": {"b": 1}} {% raw %} {{ x * 2 }}'
    shell.run(f"%%orch\n{text}").result.raise_error()
    shell.run(f"%orch {text}").result.raise_error()
    filled = 'A {{ second }} {x} ${x} $x {"a": {"b": 1}} {% raw %} XX'
    assert body(alpha)["messages"][0]["content"] == filled
    assert shell.ip.user_ns["_"].cached  # a cell and a line give the same prompt


def test_an_unknown_name_is_an_error_before_any_request(shell: Shell, alpha: Stub) -> None:
    shell.ip.user_ns["frame"] = 1
    assert "did you mean frame?" in str(shell.run("%orch {{ fraem }}").error)
    assert alpha.log() == []


def test_in_loops_and_functions(shell: Shell, alpha: Stub) -> None:
    shell.run("def ask(n):\n    r = %orch -m stub-small What is {{ n }}?\n    return r")
    shell.ip.user_ns["n"] = "outer"
    shell.run("answers = []\nfor n in 'ab':\n    answers.append(ask(n))").result.raise_error()
    shell.run("for n in 'cd':\n    %orch -o last {{ n }}").result.raise_error()
    assert [entry.prompt for entry in asked(alpha)] == ["What is a?", "What is b?", "c", "d"]
    assert shell.run("answers[0].text != answers[1].text").value is True


def test_assignment_and_later_display(shell: Shell, alpha: Stub) -> None:
    """A terminal prints the answer while it arrives, once, and in full when asked again."""
    alpha.rule("alpha", write("ok", text="the answer"))
    assert shell.run("x = %orch hi").printed == "the answer\n"
    later = shell.run("x").printed
    assert later.count("the answer") == 1
    assert " tokens" in later
    assert shell.run("%orch hi").printed.count("the answer") == 1


# -- usage


@pytest.mark.parametrize(
    "code", ["%orch", "%orch help", "%%orch", "%%orch\n", "%%orch -s cost\n  \n", "%orch?"]
)
def test_usage(shell: Shell, alpha: Stub, code: str) -> None:
    printed = shell.run(code).printed
    assert all(f"%orch {name}" in printed for name in COMMANDS)
    assert all(flag in printed for flag in ORCH.flags)
    assert alpha.log() == []


@pytest.mark.parametrize("code", ["%orch_select help", "%%orch_select\n", "%orch_select?"])
def test_usage_of_select(shell: Shell, alpha: Stub, code: str) -> None:
    assert "rank the models for a prompt, ask none" in shell.run(code).printed
    assert alpha.log() == []


def test_text_behind_a_cell_magic_is_refused(shell: Shell, alpha: Stub) -> None:
    error = shell.run("%%orch hello\nthere").error
    assert str(error) == "'hello' is no option; the prompt stands in the cell below the line"


# -- select and settings


def test_select_ranks_and_asks_none(shell: Shell, alpha: Stub) -> None:
    for code in ("%orch_select -s cost hi", "%%orch_select -s cost\nhi"):
        decision = shell.run(code).value
        assert isinstance(decision, Decision)
        assert [c.model for c in decision.ranking] == ["alpha:stub-small", "alpha:stub-large"]
    assert asked(alpha) == []


def test_select_sets_and_shows_defaults(shell: Shell, alpha: Stub) -> None:
    assert shell.run("%orch_select").printed.startswith("strategy balanced · weights cost=1")
    changed = shell.run("%orch_select --strategy cost --weights cost=6,speed=2").printed
    assert changed.startswith("strategy cost · weights cost=6, quality=1, speed=2")
    assert shell.run("%orch hi").value.decision.strategy == "cost"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("%orch_select --strategy cosst", "unknown strategy 'cosst'; did you mean cost?"),
        ("%orch_select --weights cost=1 hi", "give it without a prompt"),
        ("%orch_select -m alpha:stub-large", "--model holds for one prompt"),
        ("%orch_select --max-tokens 5", "--max-tokens holds for one prompt"),
        ("%orch_select --weights cost=-1", "weights.cost"),
    ],
)
def test_wrong_defaults_change_nothing(shell: Shell, alpha: Stub, code: str, message: str) -> None:
    before = shell.run("%orch_select").printed
    assert message in str(shell.run(code).error)
    assert shell.run("%orch_select").printed == before


def strategy_of(shell: Shell, flags: str = "") -> str:
    made = shell.run(f"%orch_select {flags} hi").value
    return str(made.strategy)


def test_the_nearer_setting_wins(shell: Shell, alpha: Stub) -> None:
    """orch.yaml < traits < %orch_select < the cell."""
    with open("orch.yaml", "a") as file:  # noqa: PTH123
        file.write("strategy: cost\n")
    shell.run("%reload_ext orch_nb")
    assert strategy_of(shell) == "cost"
    shell.run("%config OrchMagics.strategy = 'performance'").result.raise_error()
    assert strategy_of(shell) == "performance"
    shell.run("%orch_select --strategy balanced").result.raise_error()
    assert strategy_of(shell) == "balanced"
    assert strategy_of(shell, "-s weighted") == "weighted"


def test_traits_are_weaker_than_python(shell: Shell, alpha: Stub) -> None:
    shell.run("%config OrchMagics.strategy = 'performance'")
    with orch_nb.Session(
        config={"strategy": "cost"}, traits={"strategy": "performance"}
    ) as session:
        assert session.strategy == "cost"


def test_config_refuses_what_does_not_exist(shell: Shell, alpha: Stub) -> None:
    shell.run("%config OrchMagics.strategy = 'cost'")
    shell.run("%config OrchMagics.strategy = 'cosst'")
    assert shell.run("%config OrchMagics.strategy").value == "cost"
    assert strategy_of(shell) == "cost"
    shell.run("%config OrchMagics.stream = False")
    assert orch_nb.session().settings.stream is False
