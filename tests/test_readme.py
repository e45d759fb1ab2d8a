"""What a stranger reads first: short, with pictures and tables that are the project's own."""

from __future__ import annotations

import re
import subprocess

import pytest

from documents import (
    CONTRIBUTING,
    PACKAGE,
    PICTURES,
    PYPROJECT,
    README,
    ROOT,
    blocks,
    codes,
    rows,
    with_providers,
)
from orch_nb import __version__
from orch_nb.routing import strategies

_REPOSITORY = re.compile(r"(?:mybinder\.org/v2/gh|github\.com)/([\w.-]+/orch-nb)\b")
_PICTURE = re.compile(r"^!\[([^\]]*)\]\((\S+)\)$", re.M)


def test_the_first_cell_stands_before_line_30() -> None:
    first = blocks(README, "ipython")[0]
    above = README.partition(first)[0]
    assert above.count("\n") < 30
    assert "make demo" in above
    assert "pip install" in above


def test_the_table_of_providers_is_what_the_code_says() -> None:
    assert with_providers(README) == README, "run `python tests/documents.py --write`"
    assert "`openai`" in README


def test_every_strategy_has_a_row() -> None:
    table = README.partition("| strategy |")[2].partition("\n\n")[0]
    named = [name for cells in rows(f"|\n{table}") for name in codes(cells[0])]
    assert sorted(named) == sorted({*strategies._STRATEGIES, "fallback"})


def test_pictures_are_small_and_say_what_is_in_them() -> None:
    shown = _PICTURE.findall(README)
    assert {path for _, path in shown} == {
        path.relative_to(ROOT).as_posix() for path in PICTURES.glob("*")
    }
    for said, path in shown:
        assert len(said) > 40, "for those who do not see it"
        assert (ROOT / path).stat().st_size <= 150_000, path


def test_the_repository_has_one_address() -> None:
    """Or none yet: then all say OWNER, and CONTRIBUTING says where to put the name."""
    (badge,) = _REPOSITORY.findall(README)
    named = {badge, *_REPOSITORY.findall(str(PYPROJECT["project"].get("urls", "")))}
    assert named == {badge}
    assert ("`OWNER`" in CONTRIBUTING) == badge.startswith("OWNER/")


def test_the_changelog_begins_with_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert (
        re.search(r"^## (\S+) - (unreleased|\d{4}-\d\d-\d\d)$", changelog, re.M)[1] == __version__
    )


# -- CONTRIBUTING


def mapped() -> set[str]:
    """What the tables of CONTRIBUTING name, as paths from the project's folder."""
    tables = re.findall(r"^\| (?:folder|in `(.+)`) \|.*\n(\|-[\s\S]*?)\n\n", CONTRIBUTING, re.M)
    assert len(tables) > 1
    return {
        within + code
        for within, table in tables
        for cells in rows(table)
        for code in codes(cells[0])
    }


def test_every_folder_is_in_the_map() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("this is no checkout")
    folders = {tuple(path.split("/")[:-1]) for path in listed.stdout.splitlines()}
    assert {path for path in mapped() if path.endswith("/")} == {
        "/".join([*folder[:depth], ""]) for folder in folders for depth in (1, 2) if folder
    }


def test_every_module_is_in_the_map() -> None:
    modules = {path.relative_to(ROOT).as_posix() for path in PACKAGE.glob("[!_]*.py")}
    assert {path for path in mapped() if path.endswith(".py")} == modules
