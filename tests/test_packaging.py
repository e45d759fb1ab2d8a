"""What is built holds all that an installation needs, and what is locked all that it asks for."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
from email import message_from_string
from email.message import Message
from importlib.metadata import packages_distributions
from itertools import pairwise
from pathlib import Path
from zipfile import ZipFile

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import orch_nb

ROOT = Path(__file__).parents[1]
BINDER = ROOT / "binder"
SHARED = "share/jupyter/labextensions/@orch/nb"
NO_PROGRAMS = {"PATH": ""}  # above all no Node
LOCK = ROOT / "requirements.lock"
LOCKS = [LOCK, BINDER / "requirements.txt", ROOT / ".ci" / "requirements.txt"]
PIN = re.compile(r"([a-z0-9-]+)==([a-z0-9.]+)( ; .+)?")
# Numbered by date: the number of a release says nothing of what it breaks.
DATED = {"dask", "xllamacpp"}


def read_pins(lock: Path) -> dict[str, set[str]]:
    """The versions of each package: several where they depend on the machine."""
    pins: dict[str, set[str]] = {}
    for line in lock.read_text(encoding="utf-8").splitlines():
        if pin := PIN.fullmatch(line.removesuffix(" \\")):
            pins.setdefault(pin[1], set()).add(pin[2])
    return pins


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
        *("Makefile", "requirements.lock", "binder/requirements.txt", ".ci/run"),
    } <= names
    assert [name for name in names if "node_modules" in name or "__pycache__" in name] == []


def test_wheel_of_sdist_is_that_of_checkout(wheel: Path, tmp_path: Path) -> None:
    options = ("--wheel", "--no-isolation", "--outdir", str(tmp_path))
    run("-m", "build", *options, str(ROOT), env=NO_PROGRAMS)
    assert (tmp_path / wheel.name).read_bytes() == wheel.read_bytes()


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


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.parent.name)
def test_locks_have_hashes_and_name_no_host(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert "://" not in text
    assert len(read_pins(lock)) > 50
    for line, following in pairwise([*lines, ""]):
        if line.startswith("    "):
            assert re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line), line
        else:
            assert PIN.fullmatch(line.removesuffix(" \\")), line
            assert following.startswith("    --hash="), line


def required(wheel: Path) -> list[Requirement]:
    requirements = map(Requirement, read_metadata(wheel).get_all("Requires-Dist", []))
    return [requirement for requirement in requirements if requirement.name != "orch_nb"]


def test_lock_covers_what_is_required(wheel: Path) -> None:
    pins = read_pins(LOCK)
    for requirement in required(wheel):
        for version in pins[_normal(requirement.name)]:
            assert requirement.specifier.contains(version), requirement


def test_what_users_install_is_bounded_on_both_sides(wheel: Path) -> None:
    for requirement in required(wheel):
        if "test" in str(requirement.marker) or requirement.name in DATED:
            continue
        signs = {bound.operator for bound in requirement.specifier}
        assert signs == {">=", "<"}, requirement


def test_binder_has_what_is_locked(wheel: Path) -> None:
    locked = read_pins(LOCK)
    pins = read_pins(BINDER / "requirements.txt")
    assert {name: locked.get(name) for name in pins} == pins
    plain = {_normal(row.name) for row in required(wheel) if row.marker is None}
    assert plain | {"jupyterlab", "hatchling"} <= pins.keys()
    python = (BINDER / "runtime.txt").read_text().strip().removeprefix("python-")
    assert SpecifierSet(read_metadata(wheel)["Requires-Python"]).contains(python)


def test_binder_has_what_notebooks_import() -> None:
    pins = read_pins(BINDER / "requirements.txt")
    known = packages_distributions()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells  # type: ignore[no-untyped-call]
        code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
        imported = set(re.findall(r"^\s*(?:import|from) (\w+)", code, re.M))
        ours = {file.stem for file in path.parent.glob("*.py")} | {"orch_nb"}
        for name in imported - set(sys.stdlib_module_names) - ours:
            assert any(_normal(package) in pins for package in known[name]), (path.name, name)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_binder_script_is_runnable() -> None:
    script = BINDER / "postBuild"
    assert script.stat().st_mode & 0o100
    subprocess.run(["bash", "-n", str(script)], check=True)
