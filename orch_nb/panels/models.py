"""Which models and providers there are, how they are, and which of them may be asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import Any, ClassVar

from orch_nb.figures import seconds
from orch_nb.listeners import Change
from orch_nb.notebook import render, tables
from orch_nb.notebook.cards import count, price
from orch_nb.notebook.tables import QUIET, Bundle
from orch_nb.panels.controls import Controls
from orch_nb.panels.panel import Panel, panel
from orch_nb.sanitize import one_line
from orch_nb.session import Session
from orch_nb.types import ModelCard, Track

# Rows of a page, and of the still form. Chosen: each row with a box to tick takes a kilobyte in a
# saved notebook.
_PAGE, _STILL = 10, 10
_HEAD = ("health", "$/M in", "$/M out", "window", "p50", "p95", "success")
_HOW = 'models and providers are switched by `orch_nb.session().switch("provider:model", on=False)`'
_NO_TRACK = Track()
_OFF = "off"


@panel("models")
class Models(Panel):
    """A page of models with their health, figures and switches; a box filters by name."""

    listens: ClassVar[frozenset[Change]] = frozenset({"settings", "calls", "models", "experience"})

    def still(self) -> Bundle:
        """The models that may be picked, and those that are off."""
        cards = shown(self.session)
        rows = [[card.id, *cells(card, self.session)] for card in cards[:_STILL]]
        more = [f"and {len(cards) - _STILL} more models"] if len(cards) > _STILL else []
        names = [f"{name}: {state}" for name, state in providers(self.session).items()]
        note = " · ".join([*more, *names, _HOW])
        return tables.table(["model", *_HEAD], rows, note)

    def build(self, controls: Controls) -> Sequence[Any]:
        """Providers, a filter, and a page of rows."""
        self._controls = controls
        self._page = 0
        self._filter = controls.text(
            "filter", "a part of a name", self._turn_to, hint="a name", growing=True
        )
        self._back = controls.button("Previous", "the models before these", partial(self._go, -1))
        self._next = controls.button("Next", "the models after these", partial(self._go, 1))
        self._where = controls.html(layout="fit")
        self._note = controls.html()
        head = controls.html("<b>model</b>"), controls.html(_line(_HEAD, "b"))
        self._providers = _Lines(controls, self._switch)
        self._models = _Lines(controls, self._switch, *head)
        return (
            self._providers.grid,
            controls.row(self._filter, self._back, self._next, self._where),
            self._models.grid,
            self._note,
        )

    def refresh(self) -> None:
        """Fill the rows of the page."""
        session = self.session
        wanted = self._filter.value.strip().lower()
        cards = [card for card in shown(session) if wanted in card.id.lower()]
        pages = max(1, -(-len(cards) // _PAGE))
        self._page = min(max(self._page, 0), pages - 1)
        first = self._page * _PAGE
        page = cards[first : first + _PAGE]
        self._providers.show(
            [
                (name, f"<span>{render.escape(one_line(state))}</span>", state != _OFF)
                for name, state in providers(session).items()
            ]
        )
        off = session.settings.off
        self._models.show([(c.id, _line(cells(c, session)), c.id not in off) for c in page])
        self._back.disabled, self._next.disabled = self._page == 0, self._page == pages - 1
        self._where.value = f"{first + bool(page)}–{first + len(page)} of {len(cards)}"
        never = sum(bool(card.unranked) for card in session.catalog.cards())
        unpicked = f"{never} more models are never picked; `%orch models` says why" if never else ""
        self._note.value = f"<div {QUIET}>{render.escape(unpicked)}</div>" if unpicked else ""

    def _switch(self, name: str, on: bool) -> None:
        self.session.switch(name, on=on)

    def _go(self, pages: int) -> None:
        self._page += pages

    def _turn_to(self, _: str) -> None:
        self._page = 0


class _Lines:
    """Lines of a box to tick and a text, under `head`; as many as there ever were names."""

    def __init__(self, controls: Controls, switch: Callable[[str, bool], None], *head: Any) -> None:
        self.grid = controls.grid("minmax(12em,1fr) 3fr", *head)
        self.names: list[str] = []
        self.lines: list[tuple[Any, Any]] = []
        self._controls, self._switch, self._head = controls, switch, head

    def show(self, rows: Sequence[tuple[str, str, bool]]) -> None:
        """Show a name, safe HTML, and whether the box is ticked, for each of `rows`."""
        for place in range(len(self.lines), len(rows)):
            box = self._controls.check("", "may be asked", partial(self._ticked, place))
            self.lines.append((box, self._controls.html()))
        self.names = [name for name, _, _ in rows]
        for (name, text, on), (box, cell) in zip(rows, self.lines, strict=False):
            box.description, box.tooltip = one_line(name, 80), one_line(f"{name} may be asked")
            box.value, cell.value = on, text
        children = (*self._head, *chain.from_iterable(self.lines[: len(rows)]))
        if self.grid.children != children:
            self.grid.children = children

    def _ticked(self, place: int, on: bool) -> None:
        self._switch(self.names[place], on)


def shown(session: Session) -> list[ModelCard]:
    """The models that a strategy may pick, and those that are switched off, in the usual order."""
    off = session.settings.off
    return [card for card in session.catalog.cards() if not card.unranked or card.id in off]


def providers(session: Session) -> dict[str, str]:
    """How each provider is: reachable, down, or off."""
    down = {row.model: row.reason for row in session.catalog.unreachable()}
    listed = session.catalog.listings()
    off = {name for name, row in session.settings.providers.items() if not row.enabled}
    said = dict.fromkeys(sorted(off), _OFF)
    for name in sorted(filter(session.catalog.takes_part, session.connections)):
        row = listed.get(name)
        asked = row is not None and row.at is not None
        said[name] = f"down: {down[name]}" if name in down else "ok" if asked else "not asked yet"
    return said


def cells(card: ModelCard, session: Session) -> list[str]:
    """The figures of one model, for `_HEAD`."""
    track = session.experience.tracks().get(card.id, _NO_TRACK)
    return [
        health(card, session),
        price(card.prices, "input"),
        price(card.prices, "output"),
        count(card.context),
        seconds(track.p50),
        seconds(track.p95),
        f"{100 * track.successes / track.calls:.0f} %" if track.calls else "—",
    ]


def health(card: ModelCard, session: Session) -> str:
    """Whether the model may be asked now, and why not."""
    if card.id in session.settings.off:
        return _OFF
    benched = session.breakers.benched(card.id)
    if benched is not None:
        return benched.reason
    down = {row.model for row in session.catalog.unreachable()}
    return "its provider is down" if card.provider in down else "ok"


def _line(said: Sequence[str], tag: str = "span") -> str:
    inside = "".join(f"<{tag}>{render.escape(one_line(one, 120))}</{tag}>" for one in said)
    return f'<div class="orch-line">{inside}</div>'
