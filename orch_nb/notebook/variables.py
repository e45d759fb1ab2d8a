"""The notebook's variables, as options name them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from orch_nb.errors import UnknownNameError

# What IPython puts among the variables itself.
_SHELL = frozenset({"In", "Out", "exit", "get_ipython", "open", "quit"})


def public(variables: Mapping[str, object]) -> list[str]:
    """The names that are nobody's secret and that the user gave, sorted."""
    return sorted(name for name in variables if name not in _SHELL and not name.startswith("_"))


def classes(variables: Mapping[str, object]) -> list[str]:
    """The names of classes, sorted."""
    return [name for name in public(variables) if isinstance(variables[name], type)]


def find_variable(name: str, variables: Mapping[str, object]) -> object:
    """The variable called `name`. Raises `UnknownNameError`."""
    if name not in public(variables):
        raise UnknownNameError("variable", name, public(variables))
    return variables[name]


def find_image(text: str, variables: Mapping[str, object]) -> object:
    """The variable called `text`, or else the path that it is.

    Raises `UnknownNameError` when it looks like a name and is neither.
    """
    if text in variables:
        return variables[text]
    if text.isidentifier() and not Path(text).exists():
        raise UnknownNameError("image", text, public(variables))
    return text


def find_check(text: str, variables: Mapping[str, object]) -> object:
    """The function or the list of assertions called `text`, or else the assertion that it is.

    Raises `UnknownNameError` when it looks like a name and is none.
    """
    if text.isidentifier():
        if text not in variables:
            raise UnknownNameError("check", text, public(variables))
        return variables[text]
    return text


def find_class(name: str, variables: Mapping[str, object]) -> object:
    """The class called `name`. Raises `UnknownNameError`."""
    if name not in classes(variables):
        hint = "; define or import the class in a cell first" if not classes(variables) else ""
        raise UnknownNameError("schema", name, classes(variables), hint)
    return variables[name]
