"""The class that a step's answer is validated into, from a schema in YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, create_model

from orch_nb.workflows.pipeline.errors import Problem

_WORDS: Mapping[str, Any] = {
    **dict.fromkeys(("str", "string", "text"), str),
    **dict.fromkeys(("int", "integer"), int),
    **dict.fromkeys(("float", "number"), float),
    **dict.fromkeys(("bool", "boolean"), bool),
}
_KEYWORDS = {"type", "properties", "required", "items", "enum", "description", "title"}
_MOST = 100  # fields of one object: more is no form that a model fills in
_DEPTH = 8
Path = tuple[str | int, ...]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


def answer_class(name: str, schema: Mapping[str, Any], path: Path) -> type[BaseModel]:
    """The class for `schema`: fields and their types in words, or a JSON Schema of an object.

    Words are str, int, float, bool, ``list[…]`` of one of them, or a map of fields. Of JSON Schema
    these keywords are known: type, properties, required, items, enum, description, title. Raises
    `Problem`.
    """
    return _object(name, schema, path, _DEPTH)


def _object(name: str, schema: Mapping[str, Any], path: Path, depth: int) -> type[BaseModel]:
    if depth <= 0:
        raise Problem(path, "the schema is nested too deep")
    fields, required = schema, None
    if isinstance(schema.get("properties"), Mapping) and schema.get("type", "object") == "object":
        _check_keywords(schema, path)
        fields = schema["properties"]
        required = schema.get("required", [])
        path = (*path, "properties")
    if not fields or len(fields) > _MOST:
        raise Problem(path, f"a schema has between 1 and {_MOST} fields")
    made: dict[str, Any] = {}
    for field, said in fields.items():
        if not field.isidentifier() or field.startswith("_"):
            raise Problem((*path, field), f"{field!r} is no name of a field")
        kind = _kind(f"{name}_{field}", said, (*path, field), depth - 1)
        optional = required is not None and field not in required
        made[field] = (kind | None, None) if optional else (kind, ...)
    return create_model(name, __base__=_Answer, **made)


def _kind(name: str, said: object, path: Path, depth: int) -> Any:
    if isinstance(said, str):
        return _word(said, path, depth)
    if not isinstance(said, Mapping):
        raise Problem(path, f"must be a type: {', '.join(_WORDS)}, list[…] or a map of fields")
    if depth < 0:  # lists in lists
        raise Problem(path, "the schema is nested too deep")
    kind = said.get("type")
    if "enum" in said:
        _check_keywords(said, path)
        return _one_of(said["enum"], (*path, "enum"))
    if kind == "array":
        _check_keywords(said, path)
        items = said.get("items", {"type": "string"})
        return list[_kind(name, items, (*path, "items"), depth - 1)]  # type: ignore[misc]
    if isinstance(kind, str) and kind != "object" and "properties" not in said:
        _check_keywords(said, path)
        return _word(kind, (*path, "type"), depth)
    return _object(name, said, path, depth)


def _one_of(values: object, path: Path) -> Any:
    if not isinstance(values, list) or not values:
        raise Problem(path, "must be a list of what may stand here")
    if not all(isinstance(value, str | int | bool) for value in values):
        raise Problem(path, "may hold text and whole numbers")
    return Literal[tuple(values)]


def _word(word: str, path: Path, depth: int) -> Any:
    if depth < 0:
        raise Problem(path, "the schema is nested too deep")
    plain = word.strip()
    if plain.startswith("list[") and plain.endswith("]"):
        return list[_word(plain[5:-1], path, depth - 1)]  # type: ignore[misc]
    if plain == "list":
        return list[str]
    if plain not in _WORDS:
        raise Problem(path, f"{word!r} is no type; choose from {', '.join(_WORDS)}, list[…]")
    return _WORDS[plain]


def _check_keywords(schema: Mapping[str, Any], path: Path) -> None:
    for key in schema:
        if key not in _KEYWORDS:
            known = ", ".join(sorted(_KEYWORDS))
            raise Problem((*path, key), f"{key!r} is no keyword that is known here: {known}")
