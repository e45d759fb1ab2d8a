"""What is built holds all that an installation needs, and Binder is asked for what is here."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
from email import message_from_string
from email.message import Message
from importlib.metadata import version
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import orch_nb

ROOT = Path(__file__).parents[1]
BINDER = ROOT / "binder"
SHARED = "share/jupyter/labextensions/@orch/nb"
NO_PROGRAMS = {"PATH": ""}  # above all no Node
PINS = [
    line
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]


def run(*arguments: str, env: dict[str, str] | None = None) -> None:
    result = subprocess.run(
        [sys.executable, *arguments], env=env, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an sdist, and of a wheel that was made from that sdist."""
    folder = tmp_path_factory.mktemp("built")
    run("-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT), env=NO_PROGRAMS)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (path,) = built.glob("*.whl")
    return path


def read_metadata(wheel: Path) -> Message:
    with ZipFile(wheel) as archive:
        text = archive.read(f"orch_nb-{orch_nb.__version__}.dist-info/METADATA").decode()
    return message_from_string(text)


def test_wheel_serves_every_machine(wheel: Path) -> None:
    assert wheel.name == f"orch_nb-{orch_nb.__version__}-py3-none-any.whl"


def test_wheel_holds_package_and_labextension_once(wheel: Path) -> None:
    shared = f"orch_nb-{orch_nb.__version__}.data/data/{SHARED}/"
    names = ZipFile(wheel).namelist()
    assert "orch_nb/py.typed" in names
    assert f"{shared}package.json" in names
    assert f"{shared}install.json" in names
    built = ROOT / "orch_nb" / "labextension"
    for path in built.rglob("*"):
        if path.is_file():
            assert f"{shared}{path.relative_to(built).as_posix()}" in names
    package = {name for name in names if name.startswith("orch_nb/")}
    ours = ROOT / "orch_nb"
    data = ("help/*.md", "registry/*.json", "routing/*.json", "workflows/*/*.yaml")
    files = [*ours.rglob("*.py"), *(path for pattern in data for path in ours.glob(pattern))]
    sources = {path.relative_to(ROOT).as_posix() for path in files}
    assert package == sources | {"orch_nb/py.typed"}


def test_sdist_holds_sources_of_all(built: Path) -> None:
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        *("orch_nb/py.typed", "orch_nb/labextension/package.json", "extension/src/index.ts"),
        *("notebooks/quickstart.ipynb", "tests/test_packaging.py", "README.md", "LICENSE"),
        *("Makefile", "constraints.txt"),
    } <= names
    assert [name for name in names if "node_modules" in name or "__pycache__" in name] == []


def test_metadata_shows_readme(wheel: Path) -> None:
    metadata = read_metadata(wheel)
    assert metadata["Description-Content-Type"] == "text/markdown"
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert str(metadata.get_payload()).strip() == readme.strip()
    assert metadata["License-Expression"] == "BSD-3-Clause"


def test_installs_without_node(wheel: Path, tmp_path: Path) -> None:
    options = ("--quiet", "--no-index", "--no-deps", "--target", str(tmp_path))
    run("-m", "pip", "install", *options, str(wheel), env=NO_PROGRAMS)
    assert (tmp_path / SHARED / "package.json").is_file()
    script = "import orch_nb; print(orch_nb.__file__)"
    shown = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.strip() == str(tmp_path / "orch_nb" / "__init__.py")


def test_pins_name_versions_and_no_host() -> None:
    assert [pin for pin in PINS if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", pin)] == []


def test_pins_cover_what_is_required(wheel: Path) -> None:
    pinned = {_normal(pin.partition("==")[0]): pin.partition("==")[2] for pin in PINS}
    for line in read_metadata(wheel).get_all("Requires-Dist", []):
        requirement = Requirement(line)
        if requirement.name == "orch_nb":
            continue
        assert requirement.specifier.contains(pinned[_normal(requirement.name)]), line


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_binder_asks_for_what_is_here(wheel: Path) -> None:
    constraint, *requirements, checkout = (BINDER / "requirements.txt").read_text().splitlines()
    assert (BINDER / constraint.removeprefix("-c ")).resolve() == ROOT / "constraints.txt"
    assert checkout == "."
    for line in requirements:
        requirement = Requirement(line)
        assert requirement.specifier.contains(version(requirement.name))
    python = (BINDER / "runtime.txt").read_text().strip().removeprefix("python-")
    assert SpecifierSet(read_metadata(wheel)["Requires-Python"]).contains(python)


def test_binder_script_is_runnable() -> None:
    script = BINDER / "postBuild"
    assert script.stat().st_mode & 0o100
    subprocess.run(["bash", "-n", str(script)], check=True)
