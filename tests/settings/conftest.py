"""Settings heard in an empty folder, and documents that somebody might put there to do harm."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from orch_nb.settings import Settings, load

_CASES = json.loads((Path(__file__).parents[1] / "data" / "hostile_yaml.json").read_text("utf-8"))


@pytest.fixture(params=_CASES, ids=lambda case: case["id"])
def hostile(request: pytest.FixtureRequest) -> tuple[bytes, bool]:
    """The document, and whether it is plain data as far as YAML goes."""
    case = request.param
    if "repeat" in case:
        before, unit, count, after = case["repeat"]
        text = before + unit * count + after
    else:
        text = case["text"]
    return text.encode("utf-8", "surrogateescape"), case.get("plain", False)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The user's own folder, not made yet."""
    return tmp_path / "data" / "home"


@pytest.fixture
def hear(tmp_path: Path, home: Path) -> Callable[..., Settings]:
    """`load` in an empty folder, with the text of an ``orch.yaml`` if one is given."""
    types = ["anthropic", "compatible", "lmstudio", "ollama", "openai", "sim"]

    def hear(file: str | None = None, env: Mapping[str, str] = {}, **layers: Any) -> Settings:
        if file is not None:
            (tmp_path / "orch.yaml").write_text(file, "utf-8")
        env = {"ORCH_HOME": str(home), **env}
        return load(env=env, directory=tmp_path, known_types=types, **layers)

    return hear
