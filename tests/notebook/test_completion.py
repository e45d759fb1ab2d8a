"""Tab on the magics' lines, through IPython's completer and a kernel's."""

from __future__ import annotations

from pathlib import Path

import pytest

from orch_nb import session
from orch_nb.notebook.commands import COMMANDS
from orch_nb.notebook.magics import ORCH, SELECT
from orch_nb.notebook.manual import topics
from shells.here import Shell
from shells.kernel import Kernel
from stub.client import Stub

MODELS = ["alpha:stub-large", "alpha:stub-small", "stub-large", "stub-small"]
STRATEGIES = [
    *("adaptive", "balanced", "cascade", "cost", "fallback", "fastest", "least_busy"),
    *("performance", "round_robin", "task", "weighted"),
]
TOOLS = ["context", "executor", "json", "planner", "reviewer", "sql", "tools", "vision"]


OFFERED = {
    "%orch --mo": ["--model"],
    "%%orch --dry-run --no": ["--no-cache", "--no-stream"],
    "x = %orch --str": ["--strategy"],
    "  %orch_select --w": ["--weights"],
    "%orch ": [*ORCH.flags, *COMMANDS, "help"],
    "%orch help ": topics(),
    "%orch help set": ["settings"],
    "%%orch ": list(ORCH.flags),
    "%orch mod": ["models"],
    "%orch models alpha:stub-s": MODELS[1:2],
    "%orch models alpha:stub-s ": ["--refresh", "add", *MODELS],
    "%orch keys ": ["set", "remove", "test", "--keyring", "alpha", "anthropic", "openai"],
    "%orch doctor ": [""],
    "%orch_select -": list(SELECT.flags),
    "%orch -s ": STRATEGIES,
    "%orch --strategy=c": ["cascade", "cost"],
    "%orch --system 'two words' -s p": ["performance"],
    "%orch -m ": MODELS,
    "%orch -m alpha:": MODELS[:2],
    "%%orch --model=alpha:stub-s": MODELS[1:2],
    "%%orch -m stub-": MODELS[2:],
    "if True:\n    %orch -m alpha:stub-l": MODELS[:1],
    "x = 1\n\n%orch -s cost -m alpha:stub-l": MODELS[:1],
    "%orch -o my_": ["my_answer", "my_data"],
    "%orch --image my_": ["my_answer", "my_data"],
    "%orch --image my_data --image=my_a": ["my_answer"],
    "%%orch --schema ": ["MyPlace"],
    "%orch_select --schema=My": ["MyPlace"],
    "%orch --effort ": ["low", "medium", "high"],
    "%orch --effort h": ["high"],
    "%orch --tool ": TOOLS,
    "%orch --provider al": ["alpha"],
    "%orch --exclude=alpha:stub-s": MODELS[1:2],
    "%orch --compare alpha:stub-large,alpha:stub-s": MODELS[1:2],
    "%orch --compare=alpha:stub-large,alpha:stub-s": MODELS[1:2],
    "%orch_select --unpin s": ["sql"],
    "%orch --check my_a": ["my_answer"],
    "%orch --task c": ["chat", "code", "creative"],
    # nothing to offer, and nothing from Python
    "%orch -s zzz": ["zzz"],
    "%orch -m zzz": ["zzz"],
    "%orch --max-tokens ": [""],
    "%orch --system pri": ["pri"],
    "%orch --system 'pri": ["'pri"],
    "%orch my_": ["my_"],
    "%orch Tell me about my_": ["my_"],
    "%orch Tell me ": [""],
    "%orch Tell --m": ["--m"],
}
PYTHON = ("%%orch\nabout my_", "my_", "%orchid my_", "print(my_")


def test_what_is_offered(shell: Shell, alpha: Stub) -> None:
    shell.ip.user_ns |= {"my_answer": 1, "my_data": 2, "MyPlace": type("MyPlace", (), {})}
    session().tool("sql")
    assert {code: shell.complete(code) for code in OFFERED} == OFFERED
    assert alpha.log() == []


def test_elsewhere_nothing_changes(bare: Shell, alpha: Stub) -> None:
    bare.ip.user_ns |= {"my_answer": 1, "orch": 1, "orch_select": 1}
    before = {code: set(bare.complete(code)) for code in PYTHON}
    assert "my_answer" in before["my_"]
    bare.run("%load_ext orch_nb")
    assert {code: set(bare.complete(code)) for code in PYTHON} == before


def test_the_cursor_may_stand_within_the_line(shell: Shell) -> None:
    code = "%orch --str cost What is it?"
    assert shell.complete(code, code.index(" cost")) == ["--strategy"]


def test_listed_models_are_offered_if_they_can_be_typed(shell: Shell, alpha: Stub) -> None:
    names = ["qwen3:8b", "org/model@2", "<img src=x>", "two words", "bidi\u202e", "red\x1b[31m"]
    alpha.models("alpha", names)
    assert shell.complete("%orch -m alpha:q") == ["alpha:q"]
    shell.run("%orch_select hi").result.raise_error()
    known = [name for name in shell.complete("%orch -m ") if "stub" not in name]
    assert known == ["alpha:org/model@2", "alpha:qwen3:8b", "org/model@2", "qwen3:8b"]


def test_a_damaged_list_of_recorded_models_offers_none(
    bare: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(".orch/recording")
    folder.mkdir(parents=True)
    (folder / "models.json").write_text("{")
    monkeypatch.setenv("ORCH_MODE", "replay")
    bare.run("%load_ext orch_nb")
    assert bare.complete("%orch -m ") == [""]
    assert bare.complete("%orch models ") == ["--refresh", "add"]
    assert "damaged" in str(bare.run("%orch models").error)


@pytest.mark.parametrize(
    ("code", "whole"),
    [
        ("%orch --mod", "%orch --model"),
        ("%orch -m alpha:stub-l", "%orch -m alpha:stub-large"),
        ("x = 1\n%orch --model=alpha:stub-l", "x = 1\n%orch --model=alpha:stub-large"),
        ("%%orch -s cos", "%%orch -s cost"),
    ],
)
def test_a_front_end_replaces_the_right_characters(kernel: Kernel, code: str, whole: str) -> None:
    reply = kernel.complete(code)
    (match,) = reply["matches"]
    assert code[: reply["cursor_start"]] + match + code[reply["cursor_end"] :] == whole
