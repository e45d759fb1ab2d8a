"""What loading adds, what unloading takes away, and which input is ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

import orch_nb
from orch_nb.store.report import Report
from orch_nb.types import Decision, Response
from orch_nb.workflows.comparison import Comparison
from orch_nb.workflows.evaluation import Evaluation
from shells.here import Shell
from shells.settings import write_settings
from stub.client import Stub

UNTRUSTED = """\
strategy: cost
providers:
  team: {type: compatible, base_url: "https://models.example.org/v1", api_key_env: TEAM_KEY}
"""

SHOWN = (Response, Decision, Report, Comparison, Evaluation)


def prompts(stub: Stub) -> list[str]:
    return [entry.prompt for entry in stub.log() if entry.wire != "models"]


def traces(shell: Shell) -> dict[str, Any]:
    """Everything in a shell where an extension can leave something."""
    ip = shell.ip
    bundles = ip.display_formatter.mimebundle_formatter
    return {
        "magics": {kind: sorted(names) for kind, names in ip.magics_manager.magics.items()},
        "registry": sorted(ip.magics_manager.registry),
        "configurables": [type(c).__name__ for c in ip.configurables],
        "matchers": list(ip.Completer.custom_matchers),
        "cleanup": list(ip.input_transformers_cleanup),
        "tokens": list(ip.input_transformer_manager.token_transformers),
        "post": list(ip.input_transformers_post),
        "formatters": [bundles.lookup_by_type(kind) for kind in SHOWN if kind in bundles],
        "formatters by name": dict(bundles.deferred_printers),
        "events": {name: list(called) for name, called in ip.events.callbacks.items()},
    }


def test_one_line_says_what_is_there(bare: Shell, alpha: Stub) -> None:
    loaded = bare.run("%load_ext orch_nb").printed
    parts = loaded.rstrip("\n").split(" · ")
    assert parts[:2] == [f"orch_nb {orch_nb.__version__}", "providers: alpha"]
    assert parts[3] == "strategy balanced"
    assert loaded.count("\n") == 1
    assert alpha.log() == []


def test_loading_imports_neither_charts_nor_what_commands_show() -> None:
    code = (
        "import sys\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "shell.run_line_magic('load_ext', 'orch_nb')\n"
        "later = ('charts', 'panels.frame', 'workflows.', 'notebook.cards', 'notebook.report')\n"
        "found = [m for m in sys.modules if m.startswith(tuple(f'orch_nb.{n}' for n in later))]\n"
        "print(*found, *{'numpy', 'plotly', 'ipywidgets'} & {*sys.modules})\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[1:] == [""]


def test_without_settings_sim_is_named(bare: Shell) -> None:
    assert "no provider is configured, sim answers" in bare.run("%load_ext orch_nb").printed
    printed = bare.run("%orch hi").printed
    assert "simulated" in printed
    assert "To connect a model, set OPENAI_API_KEY" in printed


def test_unloading_leaves_nothing(bare: Shell, alpha: Stub) -> None:
    bare.run("%load_ext")  # IPython itself adds this magic with its first use
    before = traces(bare)
    bare.run("%load_ext orch_nb")
    assert traces(bare) != before
    bare.run("%orch hi").result.raise_error()
    bare.run("%unload_ext orch_nb").result.raise_error()
    assert traces(bare) == before
    assert "not found" in bare.run("%orch hi").printed
    assert len(prompts(alpha)) == 1


def test_loading_again_adds_nothing(shell: Shell, alpha: Stub) -> None:
    kinds = ("matchers", "cleanup", "tokens", "configurables")
    before = {kind: len(traces(shell)[kind]) for kind in kinds}
    shell.run("%load_ext orch_nb").result.raise_error()
    orch_nb.load_ipython_extension(shell.ip)
    shell.run("%reload_ext orch_nb").result.raise_error()
    assert {kind: len(traces(shell)[kind]) for kind in kinds} == before
    assert shell.run("%orch What is it?").value.text


def test_wrong_settings_leave_a_way_out(bare: Shell, stub: Stub) -> None:
    Path("orch.yaml").write_text("strategy: balanced\nbugdet: 1\n")
    loaded = bare.run("%load_ext orch_nb")
    assert loaded.error is None
    assert "is loaded, but orch.yaml, line 2: " in loaded.printed
    assert loaded.printed.count("\n") == 1
    assert isinstance(bare.run("%orch hi").error, orch_nb.OrchError)
    assert bare.complete("%orch --str") == ["--strategy"]
    assert bare.complete("%orch -m al") == ["al"]
    write_settings(Path.cwd(), stub)
    assert bare.run("%orch hi").value.model.startswith("alpha:")


def test_trust(bare: Shell, stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM_KEY", "sk-team-123456")
    Path("orch.yaml").write_text(UNTRUSTED)
    loaded = bare.run("%load_ext orch_nb").printed
    assert "models.example.org; run `%orch config trust` if this file is yours" in loaded
    assert isinstance(bare.run("%orch_select").error, orch_nb.OrchError)
    (said,) = bare.run("%orch config trust").outputs
    assert said.data["text/plain"] == "orch.yaml is obeyed from now on"
    assert bare.run("%orch_select").printed.startswith("strategy cost")
    assert bare.run("%reload_ext orch_nb").printed.count("providers: team") == 1
    Path("orch.yaml").write_text(UNTRUSTED.replace("models.", "thieves."))
    assert "thieves.example.org" in bare.run("%reload_ext orch_nb").printed


def test_trust_without_a_file(shell: Shell) -> None:
    Path("orch.yaml").unlink()
    assert str(shell.run("%orch config trust").error) == "there is no orch.yaml here to trust"


def test_the_configuration_file_counts(config: Config, bare: Shell, alpha: Stub) -> None:
    bare.ip.config.OrchMagics.strategy = "cost"
    bare.run("%load_ext orch_nb")
    assert bare.run("%orch hi").value.decision.strategy == "cost"


def test_a_wrong_configuration_file_is_said(bare: Shell, alpha: Stub) -> None:
    bare.ip.config.OrchMagics.strategy = "cosst"
    assert "unknown strategy 'cosst'; did you mean cost?" in bare.run("%load_ext orch_nb").printed
    assert "did you mean cost?" in str(bare.run("%orch hi").error)
    bare.run("%config OrchMagics.strategy = 'cost'")
    assert bare.run("%orch hi").value.decision.strategy == "cost"


# -- input


@pytest.mark.parametrize(
    ("code", "prompt"),
    [
        ("%orch What is it?", "What is it?"),
        ("%orch What is it??", "What is it??"),
        ('x = %orch What\'s "this"?', 'What\'s "this"?'),
        ("%orch (what [is {it?", "(what [is {it?"),
        ("%orch What is \\\nit?", "What is  it?"),
        ("%orch -s cost What is it?  ", "What is it?"),
        ("if True:\n    %orch What?\n", "What?"),
        ("if True:\n    x = %orch What?\n    y = 1", "What?"),
        ("%%orch\nWhat is it?", "What is it?"),
        ("%%orch\n%orch What?\nx = %orch that?\n!ls\n?", "%orch What?\nx = %orch that?\n!ls\n?"),
    ],
)
def test_prompts_with_marks(shell: Shell, alpha: Stub, code: str, prompt: str) -> None:
    shell.run(code).result.raise_error()
    assert prompts(alpha) == [prompt]


FOREIGN = [
    "s = '''\n%orch What?\nx = %orch What?\n'''",
    "s = f(\n  '%orch What?')",
    "# %orch What?",
    "orch = 5; x = 7 %orch",
    "%%bash\n%orch What?\necho",
    "%time x = 1",
    "len?",
    "%orch?",
    "%orchid What?",
    "%%orchid\n",
]


def test_what_is_not_ours_stays(bare: Shell, alpha: Stub) -> None:
    before = [bare.ip.transform_cell(code) for code in FOREIGN]
    bare.run("%load_ext orch_nb")
    assert [bare.ip.transform_cell(code) for code in FOREIGN] == before


def test_a_terminal_knows_a_complete_line(shell: Shell) -> None:
    check = shell.ip.check_complete
    assert check("%orch What is (it?")[0] == "complete"
    assert check("for i in x:\n    %orch What?")[0] == "incomplete"
    assert check("%%orch -s cost")[0] == "incomplete", "its prompt comes in the next line"
    assert check("%%orch -s cost\nName a river")[0] == "incomplete"
    assert check("%%orch -s cost\nName a river\n\n")[0] == "complete"
