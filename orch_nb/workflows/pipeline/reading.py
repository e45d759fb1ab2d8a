"""From YAML to a graph, or one error with its line: before anything is sent."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from orch_nb.errors import SettingsError, UnknownNameError
from orch_nb.routing.strategies import canonical
from orch_nb.settings.strict_yaml import KeyPath, parse
from orch_nb.types import TASK_ALIASES, TASKS, canonical_task
from orch_nb.workflows.pipeline.errors import PipelineError, Problem
from orch_nb.workflows.pipeline.graph import Graph, build
from orch_nb.workflows.pipeline.spec import Spec

_UNKNOWN = "extra_forbidden"
_SAID = {
    "missing": "is missing",
    "string_type": "must be text",
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be a map",
    "model_type": "must be a map",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
    "string_pattern_mismatch": "must be a name: letters, digits and _, a letter first",
}


def read(content: bytes, source: str = "pipeline") -> Graph:
    """The pipeline in `content`; `source` names it in errors. Raises `PipelineError`."""
    try:
        document = parse(content, source)
    except SettingsError as error:
        said = str(error).partition(": ")[2] if error.source else str(error)
        raise PipelineError(said, source=source, line=error.line) from None
    if not isinstance(document.data, Mapping):
        raise PipelineError("a pipeline is a map with steps", source=source, line=1)
    try:
        spec = Spec.model_validate(document.data)
        _check_names(spec)
        return replace(build(spec), source=source, lines=document.lines)
    except ValidationError as error:
        problem = _first(error)
    except Problem as found:
        problem = found
    line = _line(document.lines, problem.path)
    raise PipelineError(str(problem), source=source, line=line) from None


def _first(error: ValidationError) -> Problem:
    """The first problem that pydantic found: an unknown key, which may explain the others."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    first = min(found, key=lambda problem: problem["type"] != _UNKNOWN)
    path = first["loc"]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    if first["type"] == _UNKNOWN:
        return Problem(path, _unknown(path) + more)
    if path[-1] == "[key]":
        path = path[:-1]
    said = _SAID.get(first["type"]) or first["msg"].removeprefix("Value error, ")
    return Problem(path, f"{_dotted(path)} {said.replace('Input should be', 'must be')}{more}")


def _unknown(path: KeyPath) -> str:
    *parents, name = path
    choices = sorted(_keys(tuple(parents)))
    near = difflib.get_close_matches(str(name), choices, n=1)
    where = f" in {_dotted(tuple(parents))}" if parents else ""
    return str(UnknownNameError(f"key{where}", str(name), near or choices))


def _keys(path: KeyPath) -> set[str]:
    """The keys that the grammar knows at `path`."""
    kind: Any = Spec
    for part in path:
        models = list(_models(kind))
        if models and isinstance(part, str) and part in _fields(models[0]):
            kind = models[0].model_fields[_fields(models[0])[part]].annotation
    models = list(_models(kind))
    return set(_fields(models[0])) if models else set()


def _fields(model: type[BaseModel]) -> dict[str, str]:
    """The fields of `model` by the names that they have in YAML."""
    return {field.alias or name: name for name, field in model.model_fields.items()}


def _models(kind: Any) -> Iterator[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    for part in get_args(kind):
        yield from _models(part)


def _check_names(spec: Spec) -> None:
    """Raise `Problem` for a strategy, a kind of task or an expert that nobody knows."""
    _check_strategy(spec.selection_schema.strategy, ())
    for place, step in enumerate(spec.steps):
        path: KeyPath = ("steps", place)
        if step.task is not None and canonical_task(step.task) is None:
            near = difflib.get_close_matches(step.task, (*TASKS, *TASK_ALIASES))
            said = str(UnknownNameError("task", step.task, near or TASKS))
            raise Problem((*path, "task"), said)
        if step.expert is not None and step.expert not in spec.experts:
            said = str(UnknownNameError("expert", step.expert, spec.experts))
            raise Problem((*path, "expert"), said)
        if step.expert is not None and step.model:
            raise Problem((*path, "expert"), "names a model, and so does model; keep one")
        if step.selection_schema is not None:
            _check_strategy(step.selection_schema.strategy, path)


def _check_strategy(strategy: str | None, path: KeyPath) -> None:
    if strategy is None:
        return
    try:
        canonical(strategy)
    except UnknownNameError as error:
        raise Problem((*path, "selection_schema", "strategy"), str(error)) from None


def _line(lines: Mapping[KeyPath, int], path: KeyPath) -> int | None:
    """The line of `path`, or of what is nearest above it."""
    if path[:1] == ("experts",) and len(path) > 1 and path not in lines:  # a list of maps
        for place, line in lines.items():
            if len(place) == 3 and place[0] == "experts" and place[2] == path[1]:
                return lines.get((*place, *path[2:]), line)
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None


def _dotted(path: KeyPath) -> str:
    said = ""
    for part in path:
        said += f"[{part}]" if isinstance(part, int) else f".{part}" if said else part
    return said
