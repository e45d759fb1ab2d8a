"""From what a caller wrote to a call, or an error that says what is wrong with it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any, TypedDict, Unpack

from orch_nb.errors import InputError, UnknownNameError
from orch_nb.invoke.call import Call
from orch_nb.invoke.form import Form
from orch_nb.invoke.picture import read_image
from orch_nb.types import (
    TASK_ALIASES,
    TASKS,
    CachePolicy,
    Effort,
    Message,
    Parameters,
    Request,
    Tool,
    Wants,
    canonical_task,
)

_TOKENS = 10**7  # no model writes a tenth of that
_LARGEST = 1e9  # nothing that is given here can sensibly be more
_CACHE: tuple[CachePolicy, ...] = ("use", "bypass", "refresh")
_EFFORT: tuple[Effort, ...] = ("low", "medium", "high")
_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SURROGATE = re.compile("[\ud800-\udfff]")


class Options(TypedDict, total=False):
    """What may be said about a prompt; see `orch_nb.Session.ask`."""

    model: str | Sequence[str] | None
    strategy: str | None
    task: str | None
    system: str | None
    temperature: float | None
    max_tokens: int | None
    seed: int | None
    effort: Effort | None
    images: Sequence[object]
    schema: Any
    tools: Sequence[Tool]
    cache: CachePolicy
    deadline: float | None


def compose(prompt: str, **options: Unpack[Options]) -> Call:
    """A call for `prompt`. Raises `InputError`."""
    for name in options.keys() - Options.__annotations__.keys():
        raise UnknownNameError("option", name, Options.__annotations__)
    _text("prompt", prompt)
    if not prompt.strip():
        raise InputError("the prompt is empty; write what you want to know")
    system = options.get("system")
    if system is not None:
        _text("system prompt", system)
    images = tuple(read_image(source) for source in _list("images", options.get("images")))
    schema = options.get("schema")
    form = None if schema is None else Form(schema)
    request = Request(
        messages=(Message("user", prompt, images),),
        system=system,
        parameters=_parameters(options),
        schema=None if form is None else form.schema,
        tools=_tools(_list("tools", options.get("tools"))),
        wants=_wants(options),
    )
    return Call(request, form=form)


def _parameters(options: Options) -> Parameters:
    effort = options.get("effort")
    if effort is not None and effort not in _EFFORT:
        raise UnknownNameError("effort", str(effort), _EFFORT)
    return Parameters(
        temperature=_number("temperature", options.get("temperature"), 0.0, 2.0),
        max_tokens=_count("max_tokens", options.get("max_tokens"), least=1, most=_TOKENS),
        seed=_count("seed", options.get("seed"), least=0, most=2**63 - 1),
        effort=effort,
    )


def _tools(tools: Sequence[object]) -> tuple[Tool, ...]:
    for tool in tools:
        if not isinstance(tool, Tool) or not _TOOL_NAME.fullmatch(tool.name):
            raise InputError("a tool is a Tool whose name has letters, digits, _ and - only")
        try:
            json.dumps([tool.description, tool.parameters], allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            raise InputError(f"the parameters of the tool {tool.name} are no JSON schema") from None
    return tuple(tool for tool in tools if isinstance(tool, Tool))


def _wants(options: Options) -> Wants:
    model = options.get("model")
    models = (model,) if isinstance(model, str) else _list("model", model)
    names = tuple(_text("model", name) for name in models)
    if model is not None and not names:
        raise InputError("the list of models is empty; name one, or leave model out")
    if odd := next((name for name in names if not name.isprintable() or " " in name), None):
        raise InputError(f"{odd!r} is no name of a model: it holds spaces or control characters")
    cache = options.get("cache", "use")
    if cache not in _CACHE:
        raise UnknownNameError("cache policy", str(cache), _CACHE)
    task = options.get("task")
    if task is not None:
        _text("task", task)
        task = canonical_task(task)
        if task is None:
            raise UnknownNameError("task", str(options.get("task")), (*TASKS, *TASK_ALIASES))
    deadline = _number("deadline", options.get("deadline"), 0.001, math.inf)
    strategy = options.get("strategy")
    if strategy is not None:
        _text("strategy", strategy)
    return Wants(names, strategy, task, cache, deadline)


def _text(what: str, text: object) -> str:
    if not isinstance(text, str):
        raise InputError(f"the {what} must be text, not {type(text).__name__}")
    if found := _SURROGATE.search(text):
        code = f"U+{ord(found[0]):04X}"
        raise InputError(
            f"the {what} holds half a character ({code}) at position {found.start()}; remove it"
        )
    return text


def _list(what: str, value: object) -> Sequence[object]:
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise InputError(f"{what} must be a list, not {type(value).__name__}")
    return value


def _number(what: str, value: object, least: float, most: float) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{what} must be a number, not {type(value).__name__}")
    if not least <= value <= min(most, _LARGEST):
        bounds = f"at least {least:g}" if most == math.inf else f"between {least:g} and {most:g}"
        raise InputError(f"{what} must be {bounds}, not {value}")
    return float(value)


def _count(what: str, value: object, least: int, most: int) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(f"{what} must be a whole number of at least {least}, not {value!r}")
    if value > most:
        raise InputError(f"{what} must be at most {most}")
    return value
