"""How people write what a pipeline's parts say, turned into what its grammar has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orch_nb.routing.experts import CAPABILITIES
from orch_nb.routing.requirements import read_size
from orch_nb.settings.strict_yaml import MAX_DEPTH
from orch_nb.types import canonical_task

# The least expected quality, in 0..1, that each word asks for. Chosen: a word is no measurement,
# and the numbers can be written instead (min_accuracy_score).
EXPERTISE: Mapping[str, float] = {
    "low": 0.0,
    "medium": 0.4,
    "medium-high": 0.55,
    "high": 0.7,
    "very-high": 0.85,
}
#: What a kind of input or output needs of a model.
MODALITIES: Mapping[str, frozenset[str]] = {
    "text": frozenset(),
    "image": frozenset({"vision"}),
    "vision": frozenset({"vision"}),
    "json": frozenset({"json"}),
}


def selection(value: object) -> object:
    """A word is the strategy of that name."""
    return {"strategy": value} if isinstance(value, str) else value


def experts(value: object) -> object:
    """A list of one-key maps, or a map; a value that is text is the model."""
    if isinstance(value, list):
        merged: dict[str, object] = {}
        for row in value:
            if not isinstance(row, Mapping) or len(row) != 1:
                raise ValueError("must be a map, or a list of maps with one key each")
            ((name, model),) = row.items()
            if name in merged:
                raise ValueError(f"names {name} twice")
            merged[name] = model
        value = merged
    if isinstance(value, Mapping):
        return {name: expert(model) for name, model in value.items()}
    return value


def expert(value: object) -> object:
    """A text is the model."""
    return {"model": value} if isinstance(value, str) else value


def requirement(value: object) -> object:
    """``none`` is nothing, a list of words is the expertise, any other word one word of it."""
    if value == "none":
        return {}
    if isinstance(value, str | list):
        return {"expertise": value}
    return value


def given(value: object) -> object:
    """What an input is unless it is given: a plain value, or a map with ``default`` and more."""
    keys = {"default", "required", "description"}
    if isinstance(value, Mapping) and value and value.keys() <= keys:
        return value
    return {"default": value} if value is not None else {"required": True}


def budget(value: object) -> object:
    """A number is the limit of the pipeline."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {"pipeline": value}
    return value


def listed(value: object) -> object:
    """One name is a list of one."""
    return [value] if isinstance(value, str) else value


def size(value: object) -> object:
    """Billions of parameters: "7B", "350M", 7."""
    if isinstance(value, str):
        billions = read_size(value)
        if billions is None:
            raise ValueError('must be a size such as "7B"')
        return billions
    return value


def expertise(value: object) -> object:
    """A level, or tags: capabilities and kinds of task."""
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ValueError("must be a level, or a list of tags")
    for word in words:
        if word not in EXPERTISE and word not in CAPABILITIES and canonical_task(word) is None:
            raise ValueError(
                f"{word!r} is none of the levels {', '.join(EXPERTISE)}, no capability "
                f"({', '.join(sorted(CAPABILITIES))}) and no kind of task"
            )
    if sum(word in EXPERTISE for word in words) > 1:
        raise ValueError("has two levels; keep one")
    return words


def least_quality(words: list[str]) -> float | None:
    """The least quality that the level among `words` asks for."""
    levels = [EXPERTISE[word] for word in words if word in EXPERTISE]
    return levels[0] if levels else None


def tagged(words: list[str]) -> tuple[frozenset[str], str | None]:
    """The capabilities among `words`, and the kind of task that the first other tag is."""
    capabilities = frozenset(words) & CAPABILITIES
    others = [w for w in words if w not in capabilities and w not in EXPERTISE]
    return capabilities, canonical_task(others[0]) if others else None


def default(value: Any, depth: int = MAX_DEPTH) -> Any:
    """Plain data only: what YAML and JSON can hold. Arrays and Series become lists."""
    if not depth:
        raise ValueError("is nested too deep")
    if hasattr(value, "tolist") and not isinstance(value, type):  # as of numpy and pandas
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [default(item, depth - 1) for item in value]
    if isinstance(value, Mapping):
        return {str(key): default(item, depth - 1) for key, item in value.items()}
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise ValueError(f"must be plain data, not {type(value).__name__}")
