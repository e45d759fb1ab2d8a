"""What is asked in an evaluation: prompts, and what is expected of their answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import isnan
from typing import Any

from orch_nb.errors import InputError
from orch_nb.invoke.values import listed, text

#: Prompts, pairs of a prompt and what is expected, or fields by name; a DataFrame has columns of
#: these names.
Items = Iterable[str | tuple[str, object] | Mapping[str, object]]
_FIELDS = ("prompt", "expected", "task", "images")


@dataclass(frozen=True, slots=True)
class Item:
    """One prompt; ``expected`` is what the check compares with, None where nothing is stated.

    ``task`` is the kind of task, None has the analyser read it from the words. ``images`` go along,
    as `orch_nb.Session.ask` takes them.
    """

    prompt: str
    expected: object = None
    task: str | None = None
    images: tuple[object, ...] = ()


def read_items(items: Any, task: str | None) -> tuple[Item, ...]:
    """`items` as `Items` describes them; `task` is the kind of those that state none.

    Raises `InputError` for what is neither, naming the first by its place.
    """
    if hasattr(items, "columns") and hasattr(items, "to_dict"):
        items = items.to_dict("records")
    if isinstance(items, str | bytes | Mapping) or not isinstance(items, Iterable):
        raise InputError(
            f"items must be a list of prompts or of (prompt, expected), or a DataFrame with these "
            f"columns, not {type(items).__name__}"
        )
    read = tuple(_read(place, item) for place, item in enumerate(items))
    if not read:
        raise InputError("there are no items; give at least one prompt")
    return tuple(replace(item, task=item.task or task) for item in read)


def _read(place: int, item: object) -> Item:
    where = f"prompt of item {place}"
    if isinstance(item, Mapping):
        if "prompt" not in item:
            raise InputError(f"item {place} has no prompt; its fields are {_named(item)}")
        given = {name: _known(item.get(name)) for name in _FIELDS}
        kind = given["task"]
        said = None if kind is None else text(f"task of item {place}", kind)
        images = tuple(listed(f"images of item {place}", given["images"]))
        return Item(text(where, given["prompt"]), given["expected"], said, images)
    if isinstance(item, list | tuple):
        if len(item) != 2:
            raise InputError(f"item {place} has {len(item)} parts; give (prompt, expected)")
        return Item(text(where, item[0]), _known(item[1]))
    return Item(text(where, item))


def _known(value: object) -> object:
    """`value`, None for the NaN that stands in tables where nothing does."""
    return None if isinstance(value, float) and isnan(value) else value


def _named(item: Mapping[Any, object]) -> str:
    return ", ".join(map(str, list(item)[:10]))
