"""Which pinned model is the expert of the tools that a prompt names."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from orch_nb.errors import InputError, UnknownNameError
from orch_nb.types import ModelCard

# Tools that are named like a capability need it, whether anybody said so or not.
CAPABILITIES = frozenset({"vision", "json", "tools"})
# The tools that every session has: the roles of chains. They need nothing.
ROLES = ("planner", "context", "executor", "reviewer")


@dataclass(frozen=True, slots=True)
class Pin:
    """A tool and the model that is its expert. ``notice`` says which other pins it outweighs."""

    tool: str
    model: str
    notice: str = ""


def all_tools(
    known: Mapping[str, frozenset[str]], experts: Mapping[str, str | None]
) -> dict[str, frozenset[str]]:
    """What each tool needs: the registered, the pinned, the capabilities and the roles of chains.

    `known` are the needs of the session's tools by name.
    """
    pinned = (tool for tool, model in experts.items() if model)
    names = {*known, *pinned, *CAPABILITIES, *ROLES}
    return {name: needs_of(name, known) for name in sorted(names)}


def tool_needs(
    tools: Sequence[str],
    experts: Mapping[str, str | None],
    known: Mapping[str, frozenset[str]],
) -> frozenset[str]:
    """The capabilities that all of `tools` need together.

    `known` are the needs of the session's tools by name. Raises `UnknownNameError` for a tool that
    is neither registered nor pinned nor named like a capability or a role.
    """
    needs = all_tools(known, experts)
    for tool in tools:
        if tool not in needs:
            raise UnknownNameError("tool", tool, needs)
    return frozenset().union(*(needs[tool] for tool in tools))


def needs_of(tool: str, known: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The capabilities that an expert for `tool` must have."""
    return known.get(tool, frozenset()) | (CAPABILITIES & {tool})


def expert_for(tools: Sequence[str], experts: Mapping[str, str | None]) -> Pin | None:
    """The pin that holds for a prompt with `tools`: that of the tool which was named first.

    Where others are pinned to other models, its ``notice`` says so.
    """
    pins = [(tool, model) for tool in tools if (model := experts.get(tool))]
    if not pins:
        return None
    tool, model = pins[0]
    outweighed = [f"{other} to {pinned}" for other, pinned in pins[1:] if pinned != model]
    notice = ""
    if outweighed:
        notice = f"{', '.join(outweighed)} is pinned too; the tool named first, {tool}, decides"
    return Pin(tool, model, notice)


def check_tool(name: str, needs: Collection[str]) -> frozenset[str]:
    """The capabilities that the tool `name` needs. Raises `InputError`, `UnknownNameError`."""
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", name):
        raise InputError(f"{name!r} is no name of a tool; use letters, digits, '.', '_' and '-'")
    needs = [needs] if isinstance(needs, str) else needs
    for need in needs:
        if need not in CAPABILITIES:
            raise UnknownNameError("capability", need, sorted(CAPABILITIES))
    return frozenset(needs)


def check_pin(tool: str, card: ModelCard, known: Mapping[str, frozenset[str]]) -> None:
    """Raise `InputError` if `card` is known not to be able to do what `tool` needs."""
    if card.capabilities is None:
        return
    if lacking := sorted(needs_of(tool, known) - card.capabilities):
        raise InputError(
            f"{card.id} cannot be the expert of {tool}: it cannot do {', '.join(lacking)}; "
            f"pin another model"
        )
