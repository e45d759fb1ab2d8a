"""The committed labextension was built from its sources, and JupyterLab sees it."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import orch_nb

ROOT = Path(__file__).parents[1]
EXTENSION = ROOT / "extension"
BUILD = ROOT / "orch_nb" / "labextension"
INSTALLED = Path(sys.prefix, "share", "jupyter", "labextensions", "@orch", "nb")


def _stamp() -> Any:
    spec = importlib.util.spec_from_file_location("stamp", EXTENSION / "stamp.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def test_build_is_of_these_sources() -> None:
    stamp = _stamp()
    assert stamp.STAMP.read_text().strip() == stamp.hash_sources(), "run `make extension`"


def test_hash_sees_content_and_names(tmp_path: Path) -> None:
    hash_sources = _stamp().hash_sources
    for name in ("install.json", "package.json", "tsconfig.json", "yarn.lock"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "src").mkdir()
    seen = {hash_sources(tmp_path)}
    (tmp_path / "src" / "a.ts").write_text("1")
    seen.add(hash_sources(tmp_path))
    (tmp_path / "src" / "a.ts").write_text("2")
    seen.add(hash_sources(tmp_path))
    (tmp_path / "src" / "a.ts").rename(tmp_path / "src" / "b.ts")
    seen.add(hash_sources(tmp_path))
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "a.js").write_text("not a source")
    seen.add(hash_sources(tmp_path))
    assert len(seen) == 4


def test_one_version() -> None:
    assert _read(EXTENSION / "package.json")["version"] == orch_nb.__version__
    assert _read(BUILD / "package.json")["version"] == orch_nb.__version__


def test_build_has_what_it_loads() -> None:
    build = _read(BUILD / "package.json")["jupyterlab"]["_build"]
    assert (BUILD / build["load"]).is_file()
    assert _read(BUILD / "schemas" / "@orch" / "nb" / "plugin.json") == _read(
        EXTENSION / "schema" / "plugin.json"
    )


def test_lock_names_no_host() -> None:
    assert "://" not in (EXTENSION / "yarn.lock").read_text(encoding="utf-8")


def test_jupyterlab_lists_it() -> None:
    listing = subprocess.run(
        [sys.executable, "-m", "jupyterlab.labextensions", "list"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    lines = (listing.stdout + listing.stderr).splitlines()
    (line,) = [line for line in lines if "@orch/nb" in line]
    assert f"v{orch_nb.__version__}" in line
    assert "enabled" in line
    assert "OK" in line


def test_what_is_installed_is_this_build() -> None:
    installed = (INSTALLED / "sources.sha256").read_text()
    assert installed == (BUILD / "sources.sha256").read_text(), "run `pip install -e . --no-deps`"
