"""The documents say what the code does: all of it, and nothing else."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import os
import pkgutil
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import is_dataclass, replace
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest

import orch_nb
from documents import (
    CONTRIBUTING,
    DOCUMENTS,
    FOR_USERS,
    PACKAGE,
    PAGES,
    README,
    ROOT,
    blocks,
    codes,
    rows,
)
from orch_nb import Decision, Response, Session, errors, workflows
from orch_nb.errors import Interrupted
from orch_nb.invoke.compose import Options
from orch_nb.notebook.commands import COMMANDS
from orch_nb.notebook.option_tables import ASKING, PIPELINES, SELECTING
from orch_nb.notebook.options import Option
from orch_nb.providers import built_in_types, known_types
from orch_nb.routing import strategies
from orch_nb.routing.report import parser as fitting
from orch_nb.settings import Settings, load, strict_yaml, user_home

# -- what there is, and what the pages say there is


def flags(options: Sequence[Option]) -> set[str]:
    return {flag for option in options for flag in option.flags}


@pytest.mark.parametrize(("magic", "options"), [("%orch", ASKING), ("%orch_select", SELECTING)])
def test_options(magic: str, options: Sequence[Option]) -> None:
    documented = {
        code.split()[0]
        for cells in rows(PAGES["magics"])
        if cells[1] in ("both", f"`{magic}`")
        for code in codes(cells[0])
    }
    assert documented == flags(options)


def test_no_other_options_anywhere() -> None:
    mentioned = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", FOR_USERS))
    assert mentioned
    of_commands = {word for command in COMMANDS.values() for word in command.completes}
    of_fitting = set(re.findall(r"--[a-z-]+", fitting().format_help()))
    of_scripts = {"--data", "--tables", "--check"}  # of tests/, which only the figures need
    of_magics = flags(ASKING) | flags(SELECTING) | flags(PIPELINES)
    assert mentioned <= of_magics | of_commands | of_fitting | of_scripts
    assert {flag for flag in flags(PIPELINES) if flag.startswith("--")} <= mentioned
    assert of_fitting - {"--help"} <= mentioned


def setting_paths(group: type[Any]) -> Iterator[tuple[str, ...]]:
    for name, annotation in get_type_hints(group).items():
        if name.startswith("__"):
            continue
        kinds = (annotation, *get_args(annotation))
        nested = [kind for kind in kinds if isinstance(kind, type) and is_dataclass(kind)]
        star = ("*",) if get_origin(annotation) is Mapping else ()
        if nested:
            yield from ((name, *star, *path) for path in setting_paths(nested[0]))
        else:
            yield (name,)


def holds(data: Mapping[str, Any], path: Sequence[str]) -> bool:
    name, *rest = path
    found = list(data.values()) if name == "*" else [data[name]] if name in data else []
    return bool(found) and (not rest or any(holds(inner, rest) for inner in found))


def test_settings(tmp_path: Path) -> None:
    (example,) = blocks(PAGES["settings"], "yaml")
    (tmp_path / "orch.yaml").write_text(example, encoding="utf-8")
    settings = load(env=os.environ, directory=tmp_path, known_types=known_types())
    free: dict[str, Any] = {"providers": {}, "models": {}, "experts": {}}
    assert replace(settings, **free) == Settings()

    data: Any = strict_yaml.parse(example.encode(), "settings.md").data
    paths = list(setting_paths(Settings))
    assert ("models", "*", "price", "input") in paths
    missing = [path for path in paths if not holds(data, path)]
    assert missing == [("providers", "*", "api_key")], "only from Python; all others in the example"
    assert "api_key" in codes(PAGES["files"])


class Asked(Mapping[str, str]):
    """An empty environment that knows what it was asked for."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def test_environment_variables(tmp_path: Path) -> None:
    asked = Asked()
    load(env=asked, directory=tmp_path, known_types=known_types())
    user_home(asked)
    documented = {name for cells in rows(PAGES["settings"]) for name in codes(cells[0])}
    assert documented == asked.names


def error_classes() -> list[type[BaseException]]:
    for module in pkgutil.walk_packages(orch_nb.__path__, "orch_nb."):
        importlib.import_module(module.name)
    found: list[type[BaseException]] = [errors.OrchError]
    for kind in found:
        found += [sub for sub in kind.__subclasses__() if sub.__module__.startswith("orch_nb")]
    return found


def test_errors() -> None:
    documented = [name for cells in rows(PAGES["errors"]) for name in codes(cells[0])]
    assert sorted(documented) == sorted([k.__name__ for k in error_classes()] + ["Interrupted"])


def test_errors_are_where_the_page_says() -> None:
    stops = [stop for stop in Interrupted.__subclasses__() if stop.__module__.startswith("orch_nb")]
    for kind in (*error_classes(), *stops):
        place = errors if hasattr(errors, kind.__name__) else workflows
        assert getattr(place, kind.__name__) is kind


def test_drawn_tree_is_the_tree() -> None:
    drawn: dict[str, str] = {}
    line: list[str] = ["Exception"]
    for branch, name in re.findall(r"^    ([│├└─ ]*)([A-Z]\w+)", errors.__doc__ or "", re.M):
        del line[len(branch) // 4 + 1 :]
        drawn[name] = line[-1]
        line.append(name)
    assert drawn == {k.__name__: k.__mro__[1].__name__ for k in error_classes()}


def test_providers() -> None:
    documented = [name for cells in rows(PAGES["providers"]) for name in codes(cells[0])]
    assert sorted(documented) == sorted(built_in_types())


def test_strategies_and_aliases() -> None:
    table = {codes(cells[0])[0]: codes(cells[1]) for cells in rows(PAGES["choosing"])}
    assert set(table) == {*strategies._STRATEGIES, "fallback"}
    documented = {alias: name for name, aliases in table.items() for alias in aliases}
    assert documented == strategies._ALIASES


@pytest.mark.parametrize("kind", [Response, Decision])
def test_values(kind: type[Any]) -> None:
    properties = {name for name, value in vars(kind).items() if isinstance(value, property)}
    names = {field.name for field in dataclasses.fields(kind)} | properties
    assert names <= set(codes(PAGES["python"]))


def test_commands() -> None:
    documented = {code for cells in rows(PAGES["commands"]) for code in codes(cells[0])}
    assert {code.split()[1] for code in documented} == set(COMMANDS)
    for name, command in COMMANDS.items():
        words = {word for word in command.completes if word not in ("model", "provider")}
        assert words <= set(re.findall(r"[\w-]+", " ".join(documented))), name


def test_parameters_of_ask() -> None:
    (signature,) = re.findall(r"`ask\((.*?)\)`", PAGES["python"], re.S)
    names = inspect.signature(Session.ask).parameters.keys() - {"self", "options"}
    documented = re.findall(r"\w+", signature)
    assert sorted(documented) == sorted([*names, *Options.__annotations__])


# -- docstrings, links, paths


def undocumented(path: Path) -> Iterator[str]:
    name = path.relative_to(ROOT).with_suffix("").as_posix()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if ast.get_docstring(tree) is None:
        yield name
    yield from _undocumented(tree, name)


def _undocumented(parent: ast.Module | ast.ClassDef, name: str) -> Iterator[str]:
    for node in parent.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        overload = any(isinstance(d, ast.Name) and d.id == "overload" for d in node.decorator_list)
        if node.name.startswith("_") or overload:
            continue
        if ast.get_docstring(node) is None:
            yield f"{name}:{node.lineno} {node.name}"
        if isinstance(node, ast.ClassDef):
            yield from _undocumented(node, name)


def test_every_public_thing_has_a_docstring() -> None:
    files = [
        path
        for path in sorted(PACKAGE.rglob("*.py"))
        if not any(
            part.startswith("_") and part != "__init__.py"
            for part in path.relative_to(PACKAGE).parts
        )
    ]
    assert PACKAGE / "session.py" in files
    assert [thing for path in files for thing in undocumented(path)] == []


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_length(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert text.count("\n") <= (150 if document.name == "README.md" else 300)
    if document.stem in PAGES:
        assert text.startswith("# ")
        assert len(text) < 20_000, "longer ones are folded in a notebook"
        assert f"](orch_nb/help/{document.name})" in README


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8")):
        if target.startswith(("https://", "http://")):
            continue
        path, _, anchor = target.partition("#")
        file = document.parent / path if path else document
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


def test_paths_and_targets_exist() -> None:
    text = FOR_USERS + CONTRIBUTING
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.S | re.M)
    paths = {
        code for code in codes(prose) if re.match(r"(orch_nb|tests|notebooks|extension)/", code)
    }
    assert "orch_nb/panels/cache.py" in paths
    assert {path for path in paths if not (ROOT / path).exists()} == set()
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"`make (\w+)`", prose))
    assert targets <= set(re.findall(r"^([\w-]+):", makefile, re.M))
