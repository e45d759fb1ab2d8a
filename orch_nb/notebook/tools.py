"""``%orch tools``: what a prompt may name with ``--tool``, and who answers then."""

from __future__ import annotations

from orch_nb.errors import InputError
from orch_nb.notebook.tables import Bundle, table
from orch_nb.panels.experts import Experts, ToolExperts
from orch_nb.session import Session

_NAMED = 4  # of the models that can do a tool: the first in the ranking
_HOW = (
    "`%orch_select --pin TOOL=MODEL` pins, `--unpin TOOL` takes the pin away; "
    "`orch_nb.session().tool(name, needs=[…])` makes a tool"
)


def show_tools(words: list[str], session: Session) -> Bundle:
    """Every tool: what it needs, its expert, and which models can do it, best first."""
    if words:
        raise InputError("use `%orch tools`; a prompt that begins with tools comes after --")
    needs = session.tools
    rows = [
        [
            tool.name,
            ", ".join(sorted(needs.get(tool.name, ()))) or "nothing",
            tool.pinned or "none",
            _able(tool),
        ]
        for tool in Experts(session).tools()
    ]
    return table(["tool", "needs", "expert", "can do it, best first"], rows, _HOW)


def _able(tool: ToolExperts) -> str:
    if not tool.models:
        return tool.error or "no model"
    more = len(tool.models) - _NAMED
    return ", ".join(tool.models[:_NAMED]) + (f" and {more} more" if more > 0 else "")
