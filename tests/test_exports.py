"""What is public is what is named, and importing it costs little."""

from __future__ import annotations

import json
import subprocess
import sys
from types import ModuleType

import pytest

import orch_nb

HEAVY = [
    "openai", "anthropic", "httpx2", "genai_prices",
    "plotly", "pandas", "joblib", "numpy", "IPython", "jinja2", "markdown_it", "yaml",
]  # fmt: skip


def test_all_is_what_is_there() -> None:
    assert len(set(orch_nb.__all__)) == len(orch_nb.__all__) <= 12
    assert all(hasattr(orch_nb, name) for name in orch_nb.__all__)


def test_what_is_not_named_is_private() -> None:
    values = {name: value for name, value in vars(orch_nb).items() if not name.startswith("_")}
    ours = {name for name, value in values.items() if not isinstance(value, ModuleType)}
    imported = {"annotations", "TYPE_CHECKING"}
    assert ours - imported == set(orch_nb.__all__) - {"__version__"}


@pytest.mark.parametrize("code", ["import orch_nb", "import orch_nb; orch_nb.Session().close()"])
def test_importing_and_opening_a_session_load_nothing_heavy(code: str) -> None:
    script = (
        f"{code}\nimport json, sys\nprint(json.dumps([n for n in {HEAVY!r} if n in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == []
    assert done.stderr == ""
