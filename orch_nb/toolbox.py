"""What the session's tools bring along: a prompt around the user's, a form, a function to name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, cast

from orch_nb.errors import InputError, TemplateError
from orch_nb.invoke.compose import Options
from orch_nb.invoke.values import listed, names, text
from orch_nb.routing.experts import check_tool
from orch_nb.templates.template import Template
from orch_nb.types import Tool

_EXAMPLE = "{{ prompt }}"


@dataclass(frozen=True, slots=True, eq=False)
class Kit:
    """One tool. ``needs`` are the capabilities that its expert must have."""

    needs: frozenset[str]
    prompt: Template | None = None
    schema: Any = None
    tool: Tool | None = None


class Toolbox:
    """The tools of a session by name; what a call that names one is given with it."""

    def __init__(self) -> None:
        self._kits: dict[str, Kit] = {}
        #: The capabilities that each tool needs, by name; changed in place.
        self.needs: dict[str, frozenset[str]] = {}

    def add(
        self,
        name: str,
        *,
        needs: Collection[str] = (),
        prompt: str | None = None,
        schema: Any = None,
        function: Callable[..., Any] | None = None,
    ) -> None:
        """Make `name` a tool, which a prompt, a pipeline's step or a pin can name.

        Parameters
        ----------
        needs
            Capabilities that whoever answers with it must have: vision, json, tools.
        prompt
            What is sent, with ``{{ prompt }}`` where the user's prompt stands.
        schema
            The form of the answer, as in `orch_nb.Session.ask`, unless that says another.
        function
            What the model may ask for in ``Response.calls``, by its signature and docstring. It is
            never called here.

        Raises `InputError` for what no tool can have or be, and changes nothing.
        """
        wanted = check_tool(name, needs)
        template = None if prompt is None else _template(name, prompt)
        tool = None if function is None else described(name, function)
        implied = {"json": schema is not None, "tools": tool is not None}
        wanted |= {capability for capability, needed in implied.items() if needed}
        self._kits[name] = Kit(wanted, template, schema, tool)
        self.needs[name] = wanted

    def equip(self, prompt: str, options: Mapping[str, Any]) -> tuple[str, Options]:
        """`prompt` and `options` with what the tools that they name bring along.

        What the caller says outweighs it; of several tools that bring the same, the one that is
        named first does. Raises `InputError`.
        """
        given = dict(options)
        kits = [self._kits[tool] for tool in names("tool", given.get("tool")) if tool in self._kits]
        if not kits:
            return prompt, cast(Options, given)
        template = next((kit.prompt for kit in kits if kit.prompt is not None), None)
        if template is not None:
            prompt = template.fill({"prompt": text("prompt", prompt)}, whole=True)
        schema = next((kit.schema for kit in kits if kit.schema is not None), None)
        if given.get("schema") is None and schema is not None:
            given["schema"] = schema
        functions = [kit.tool for kit in kits if kit.tool is not None]
        if functions:
            given["tools"] = [*listed("tools", given.get("tools")), *functions]
        return prompt, cast(Options, given)


def described(name: str, function: Callable[..., Any]) -> Tool:
    """`function` as a model is told of it: its docstring, and its parameters as a JSON schema.

    Raises `InputError` for what has no parameters that can be described.
    """
    from pydantic import PydanticUserError, TypeAdapter  # noqa: PLC0415 - loads on first use
    from pydantic.errors import PydanticInvalidForJsonSchema  # noqa: PLC0415

    if not inspect.isroutine(function):
        raise InputError(f"the function of the tool {name} must be a function")
    kind: Any = function  # pydantic describes what a call of it takes
    try:
        schema = TypeAdapter(kind).json_schema()
    except (PydanticUserError, PydanticInvalidForJsonSchema, NameError, ValueError):
        schema = {}
    if schema.get("type") != "object":
        raise InputError(
            f"the function of the tool {name} must have named parameters with types such as str, "
            "int or list[str]"
        )
    return Tool(name, inspect.getdoc(function) or "", schema)


def _template(name: str, prompt: str) -> Template:
    template = Template(text(f"prompt of the tool {name}", prompt))
    if template.names != {"prompt"}:
        raise TemplateError(
            f"the prompt of the tool {name} must hold {_EXAMPLE}, where the user's stands, and no "
            "other name"
        )
    return template
