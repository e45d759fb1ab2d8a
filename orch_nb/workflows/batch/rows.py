"""The rows of a batch, and the prompt that a template makes of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orch_nb.errors import InputError, TemplateError
from orch_nb.templates.template import Template

Scope = Callable[[int], Mapping[str, object]]
_EXAMPLE = '"About {{ item }}"'


@dataclass(frozen=True, slots=True)
class Rows:
    """What a template is filled with, by place from 0.

    ``index`` are the labels that the answers get, as a pandas index; None where `items` was a list.
    """

    count: int
    scope: Scope
    index: Any = None


def read_rows(items: Any, template: Template) -> Rows:
    """The rows of `items`: a list, or whatever else can be iterated; a Series; a DataFrame.

    A template calls an item ``item`` and, where it has them, its fields by their names; of a
    DataFrame it calls the columns by their names, and the whole row ``row``. Raises `InputError`
    for what has no rows, and `TemplateError` where the template does not speak of them.
    """
    if isinstance(items, str | bytes | Mapping) or not isinstance(items, Iterable):
        raise InputError(
            f"items must be a list, a Series or a DataFrame, not {type(items).__name__}"
        )
    try:
        iter(items)
    except TypeError:  # an array of no dimension
        raise InputError("items must be several; put the one into a list") from None
    if not template.names:
        raise TemplateError(
            f"the template says nothing of the items: write {_EXAMPLE}, or a column's name"
        )
    if hasattr(items, "columns") and hasattr(items, "iloc"):
        return _frame(items, template)
    index = getattr(items, "index", None)
    if hasattr(items, "iloc"):
        label = getattr(items, "name", None)
        return _listed(list(items), index, "item" if label is None else str(label))
    return _listed(list(items))


def _listed(values: Sequence[object], index: Any = None, name: str = "item") -> Rows:
    def scope(place: int) -> Mapping[str, object]:
        value = values[place]
        fields = value if isinstance(value, Mapping) else {}
        return {**fields, name: value, "item": value}

    return Rows(len(values), scope, index)


def _frame(frame: Any, template: Template) -> Rows:
    if not frame.columns.is_unique:
        raise InputError("two columns of the DataFrame have the same name; rename one")
    names = {str(column): column for column in frame.columns}
    whole = names.keys() if "row" in template.names - names.keys() else template.names
    # Only what the template speaks of: a list of what is there is no copy of it.
    columns = {name: frame[names[name]].tolist() for name in whole if name in names}

    def scope(place: int) -> Mapping[str, object]:
        values = {name: column[place] for name, column in columns.items()}
        missing = dict.fromkeys(names.keys() - values.keys())  # for the hint in errors alone
        return {"row": values} | missing | values

    return Rows(len(frame), scope, frame.index)


class Prompts:
    """The prompt of each row.

    Parameters
    ----------
    rows
        What there is.
    template
        What is made of it.
    """

    def __init__(self, rows: Rows, template: Template) -> None:
        self.rows, self._template = rows, template

    def __getitem__(self, place: int) -> str:
        """The prompt at `place`. Raises `InputError` where a value is missing from the table."""
        scope = self.rows.scope(place)
        for name in sorted(self._template.names & scope.keys()):
            if _missing(scope[name]):
                raise InputError(f"row {place}: {name} is missing")
        return self._template.fill(scope, whole=True)

    def check(self) -> None:
        """Fill every row once. Raises `TemplateError` with the place of the first that fails."""
        for place in range(self.rows.count):
            try:
                self[place]
            except TemplateError as error:
                raise TemplateError(f"row {place}: {error}") from None
            except InputError:
                continue  # is its row's own failure


def _missing(value: object) -> bool:
    """Whether `value` stands for nothing: None, NaN, NaT or pandas' NA."""
    if value is None:
        return True
    try:
        return bool(value != value)  # noqa: PLR0124 - what NaN and NaT are known by
    except (TypeError, ValueError):  # pandas' NA says that it does not know; an array, that it is
        return type(value).__name__ == "NAType"
