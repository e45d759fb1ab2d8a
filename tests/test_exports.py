"""What is public is what is named, and importing it costs little."""

from __future__ import annotations

import json
import os
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
    assert loaded(code) == []


def test_a_missing_key_is_told_without_loading_an_sdk() -> None:
    providers: dict[str, object] = {"openai": {}, "anthropic": {}}
    code = f"""
import orch_nb
session = orch_nb.Session(config={{"providers": {providers}, "probe": False}})
session.refresh()
assert "no key" in str([row.error for row in session.catalog.listings().values()])
session.close()"""
    assert not {"openai", "anthropic", "httpx2"} & {*loaded(code)}


def loaded(code: str) -> list[str]:
    """The heavy modules that `code` imports, in a process of its own without keys."""
    script = (
        f"{code}\nimport json, sys\nprint(json.dumps([n for n in {HEAVY!r} if n in sys.modules]))"
    )
    keyless = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=keyless,
    )
    assert done.stderr == ""
    return list(json.loads(done.stdout))
