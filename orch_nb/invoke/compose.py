"""From what a caller wrote to a call, or an error that says what is wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypedDict, Unpack

from orch_nb.errors import InputError, UnknownNameError
from orch_nb.invoke.call import Call
from orch_nb.invoke.form import Form
from orch_nb.invoke.picture import read_image
from orch_nb.invoke.values import count, listed, number, text
from orch_nb.invoke.verdict import TextCheck
from orch_nb.invoke.wants import Check, read_wants
from orch_nb.types import CachePolicy, Effort, Message, Parameters, Request, Tool

_NO_PARAMETERS = Parameters()
_TOKENS = 10**7  # no model writes a tenth of that
_EFFORT: tuple[Effort, ...] = ("low", "medium", "high")
_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


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
    tool: str | Sequence[str] | None
    max_cost: float | Decimal | None
    max_latency: float | None
    min_quality: float | None
    local: bool
    provider: str | Sequence[str] | None
    exclude: str | Sequence[str] | None
    check: Check | None
    verifier: str | None
    thread: str | None
    stream: bool | None


def compose(prompt: str, **options: Unpack[Options]) -> Call:
    """A call for `prompt`. Raises `InputError`."""
    for name in options.keys() - Options.__annotations__.keys():
        raise UnknownNameError("option", name, Options.__annotations__)
    _check_prompt(prompt)
    system = options.get("system")
    if system is not None:
        text("system prompt", system)
    images = tuple(read_image(source) for source in listed("images", options.get("images")))
    schema = options.get("schema")
    form = None if schema is None else Form(schema)
    request = Request(
        messages=(Message("user", prompt, images),),
        system=system,
        parameters=_parameters(options),
        schema=None if form is None else form.schema,
        tools=_tools(listed("tools", options.get("tools"))),
        wants=read_wants(options),
    )
    return Call(request, form=form, check=_check(options.get("check")))


def with_prompt(call: Call, prompt: str) -> Call:
    """Another call like `call` for `prompt`: what goes with it is read once for many."""
    _check_prompt(prompt)
    (message,) = call.request.messages
    request = replace(call.request, messages=(replace(message, content=prompt),))
    return Call(request, form=call.form, check=call.check)


def _check_prompt(prompt: str) -> None:
    text("prompt", prompt)
    if not prompt.strip():
        raise InputError("the prompt is empty; write what you want to know")


def _check(given: Check | None) -> TextCheck | None:
    if given is None:
        return None
    # Child processes and arithmetic, which few need.
    from orch_nb.invoke.check import own_check  # noqa: PLC0415

    return own_check(given)


def _parameters(options: Options) -> Parameters:
    if options.keys().isdisjoint(Parameters.__annotations__):
        return _NO_PARAMETERS
    effort = options.get("effort")
    if effort is not None and effort not in _EFFORT:
        raise UnknownNameError("effort", str(effort), _EFFORT)
    return Parameters(
        temperature=number("temperature", options.get("temperature"), 0.0, 2.0),
        max_tokens=count("max_tokens", options.get("max_tokens"), least=1, most=_TOKENS),
        seed=count("seed", options.get("seed"), least=0, most=2**63 - 1),
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
