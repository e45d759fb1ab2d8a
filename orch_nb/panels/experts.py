"""Which model answers when a tool is named: chosen among those that can do it, and locked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from orch_nb.errors import InputError, OrchError, SelectionError
from orch_nb.listeners import Change
from orch_nb.notebook import render, tables
from orch_nb.notebook.tables import QUIET, Bundle
from orch_nb.panels.controls import Controls
from orch_nb.panels.panel import Panel, panel
from orch_nb.sanitize import one_line
from orch_nb.session import Session
from orch_nb.store.records import NEWEST
from orch_nb.types import Choice, Decision, Message, Rejection, Request, Wants

# A panel is saved with its notebook: so many names, shared by all rows, which are found by writing
# a part of one; and so many reasons.
_OFFERED = 200
_REASONS = 3
_ROWS = 12
_HINT = "write a part of a name, take a model from the list, then lock it; unlock it to change it"
_HOW = "`%orch_select --pin sql=provider:model` pins, `--unpin sql` takes the pin away"


@dataclass(frozen=True, slots=True)
class ToolExperts:
    """A tool and who can do it: ``models`` best first, ``missing`` are why others are not there.

    ``advice`` is who did best at such tasks, with what that is known from; "" where nothing is.
    """

    name: str
    pinned: str | None
    models: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    advice: str = ""
    best: str = ""
    error: str = ""

    @property
    def note(self) -> str:
        """What there is to say of it, in one line."""
        said = [self.error, self.advice]
        if self.missing:
            shown = "; ".join(self.missing[:_REASONS])
            more = len(self.missing) - _REASONS
            said.append(f"not offered: {shown}{f'; and {more} more' if more > 0 else ''}")
        return one_line(" · ".join(filter(None, said)), 400)


@panel("experts")
class Experts(Panel):
    """A row a tool: its model, a lock, and why others are missing."""

    listens: ClassVar[frozenset[Change]] = frozenset({"settings", "calls", "models", "experience"})

    def still(self) -> Bundle:
        """The tools and their experts."""
        rows = [[t.name, t.pinned or "—", str(len(t.models)), t.note] for t in self.tools()]
        return tables.table(["tool", "expert", "can do it", ""], rows, _HOW)

    def build(self, controls: Controls) -> Sequence[Any]:
        """One row for each tool, as far as they are few, and a place for another tool."""
        self._controls = controls
        self._rows: dict[str, tuple[Any, Any, Any]] = {}
        self._page = controls.grid("auto auto 1fr")
        self._more = controls.html()
        self._new = controls.text(
            "new tool", "makes a name such as sql a tool", self._add, hint="sql"
        )
        return self._page, self._more, self._new

    def refresh(self) -> None:
        """Show who is pinned, and who may be."""
        tools = self.tools()
        shown = tools[:_ROWS]
        for tool in shown:
            if tool.name not in self._rows:
                self._rows[tool.name] = self._row(tool.name)
            choice, lock, note = self._rows[tool.name]
            locked = tool.pinned is not None
            written = "" if locked else choice.value.strip().lower()
            found = [model for model in tool.models if written in model.lower()]
            options = tuple(found[: _OFFERED // len(shown)])
            if choice.options != options:
                choice.options = options
            if locked:
                choice.value = tool.pinned
            choice.placeholder = tool.best
            choice.disabled, lock.value = locked, locked
            lock.icon = "lock" if locked else "unlock"
            lock.description = "locked" if locked else "lock"
            note.value = f"<div {QUIET}>{render.escape(tool.note)}</div>"
        rows = tuple(one for tool in shown for one in self._rows[tool.name])
        if self._page.children != rows:
            self._page.children = rows
        more = [tool.name for tool in tools[_ROWS:]]
        said = f"and {', '.join(more)}: {_HOW}" if more else _HINT
        self._more.value = f"<div {QUIET}>{render.escape(one_line(said, 400))}</div>"

    def _row(self, tool: str) -> tuple[Any, Any, Any]:
        controls = self._controls
        choice = controls.combobox(tool, f"the model that is asked for {tool}", _nothing)
        lock = controls.toggle("lock", f"ask this model for {tool}", partial(self._lock, tool))
        return choice, lock, controls.html()

    def _lock(self, tool: str, locked: bool) -> None:
        if not locked:
            self.session.experts.unpin(tool)
            if tool not in self.session.tools:  # a pin alone had made it one
                self.session.tool(tool)
            return
        choice = self._rows[tool][0]
        model = choice.value.strip() or choice.placeholder
        if not model:
            raise InputError(f"choose a model for {tool} first")
        self.session.experts.pin({tool: model})

    def _add(self, name: str) -> None:
        if name.strip():
            self.session.tool(name.strip())
            self._new.value = ""

    def tools(self) -> list[ToolExperts]:
        """The session's tools by name, with who can do them."""
        session = self.session
        tools = dict(sorted(session.tools.items()))
        kinds = _kinds(session)
        # Not by the name of the tool: who can do it does not depend on who is pinned to it.
        requests = [
            Request((Message("user", name),), wants=Wants(needs=needs, task=kinds.get(name)))
            for name, needs in tools.items()
        ]
        said = session.preview(requests)
        return [_tool(name, one, session) for name, one in zip(tools, said, strict=True)]


def _kinds(session: Session) -> dict[str, str]:
    """The kind of task that each tool was asked for most often in the last 500 calls."""
    seen = Counter(
        (tool, record.decision.profile.kind)
        for record in session.ledger[-NEWEST:]
        if record.decision is not None
        for tool in record.request.wants.tools
    )
    return {tool: kind for (tool, kind), _ in reversed(seen.most_common())}


def _tool(name: str, said: Decision | OrchError, session: Session) -> ToolExperts:
    pinned = session.experts.get(name)
    if isinstance(said, SelectionError):
        missing = _missing(said.rejected, session)
        return ToolExperts(name, pinned, missing=missing, error="no model can do this now")
    if isinstance(said, OrchError):
        return ToolExperts(name, pinned, error=str(said))
    choices = list(said.ranking)
    return ToolExperts(
        name,
        pinned,
        models=tuple(choice.model for choice in choices),
        missing=_missing(said.rejected, session),
        advice=_advice(choices, said.profile.kind, session),
        best=choices[0].model,
    )


def _missing(rejected: Sequence[Rejection], session: Session) -> tuple[str, ...]:
    """Why models cannot be chosen for a tool, but for those that no strategy picks anyway."""
    never = {card.id for card in session.catalog.cards() if card.unranked}
    return tuple(f"{out.model} ({out.reason})" for out in rejected if out.model not in never)


def _advice(choices: Sequence[Choice], kind: str, session: Session) -> str:
    """Who is expected to be best at tasks of `kind`, of those of which something was seen."""
    tracks = session.experience.tracks()
    seen = [c for c in choices if c.model in tracks and kind in tracks[c.model].quality]
    if not seen:
        return ""
    best = max(seen, key=lambda choice: choice.quality)
    counts = tracks[best.model].quality[kind].counts
    said = ", ".join(f"{n} {source}{'s' if n > 1 else ''}" for source, n in sorted(counts.items()))
    return f"best so far at {kind}: {best.model}, quality {best.quality:.2f} after {said}"


def _nothing(_: str) -> None:
    """What is written narrows the list, and is read when it is locked."""
