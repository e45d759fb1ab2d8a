"""The same request once more, with changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol, TypeVar, Unpack

from orch_nb.errors import InputError
from orch_nb.invoke.call import Call
from orch_nb.invoke.compose import Options, compose
from orch_nb.types import Request, Wants

T = TypeVar("T", bound=Any)

# The fields of `Parameters`, `Wants` and `Requirements`, by the options that they are read from.
_PARAMETERS = {name: name for name in ("temperature", "max_tokens", "seed", "effort")}
_WANTS = {
    "model": "models",
    "strategy": "strategy",
    "task": "task",
    "cache": "cache",
    "deadline": "deadline",
    "tool": "tools",
    "verifier": "verifier",
    "check": "checked",
    "stream": "stream",
}
_REQUIRES = {
    "max_cost": "max_cost",
    "max_latency": "max_latency",
    "min_quality": "min_quality",
    "local": "local",
    "provider": "providers",
    "exclude": "exclude",
}


class Composer(Protocol):
    """What makes a call of a prompt and its options: `compose`, or a session's."""

    def __call__(self, prompt: str, /, **options: Unpack[Options]) -> Call:
        """The call. Raises `InputError`."""


def recompose(
    request: Request, composer: Composer = compose, /, **changes: Unpack[Options]
) -> Call:
    """A call for what `request` asked, but for `changes`, as `composer` makes it.

    A tool among the changes brings along what `composer` knows of it, around what was written: what
    another tool had put around that is gone.
    It belongs to no thread, but sees what `request` saw of one. Who chooses anew, by a strategy or
    a tool, is not held to the models that were named. A class that an answer was to have, and a
    check, are of their call: the answer gets its form, but is validated only if the class is given
    again. Raises `InputError`, also where a check would be left out.
    """
    call = composer(request.wants.written or request.prompt, **changes)
    made = call.request
    if request.wants.checked and "check" not in changes:
        raise InputError("its answer was checked, and no check is kept; give one again")
    *before, last = request.messages
    wants = _wants(request.wants, made.wants, changes)
    if "tool" in changes and made.wants.tools != request.wants.tools:
        last = replace(last, content=made.prompt)
        wants = replace(wants, written=made.wants.written)
    if "images" in changes:
        last = replace(last, images=made.messages[-1].images)
    call.request = replace(
        request,
        messages=(*before, last),
        system=made.system if "system" in changes else request.system,
        parameters=_changed(request.parameters, made.parameters, _PARAMETERS, changes),
        schema=made.schema if "schema" in changes or made.schema else request.schema,
        tools=made.tools if "tools" in changes or made.tools else request.tools,
        wants=wants,
    )
    return call


def _wants(before: Wants, made: Wants, changes: Options) -> Wants:
    wants = _changed(before, made, _WANTS, changes)
    if "model" not in changes and changes.keys() & {"strategy", "tool", "check", "verifier"}:
        wants = replace(wants, models=())
    if "check" in changes or "verifier" in changes:
        wants = replace(wants, strategy=made.strategy)
    requires = _changed(before.requires, made.requires, _REQUIRES, changes)
    return replace(wants, requires=requires, thread=None)


def _changed(before: T, made: T, fields: Mapping[str, str], changes: Options) -> T:
    """`before` with those fields of `made` whose options are among the changes."""
    taken = {field: getattr(made, field) for name, field in fields.items() if name in changes}
    return replace(before, **taken)
