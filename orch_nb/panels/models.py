"""Which models and providers there are, how they are, and which of them may be asked."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

from orch_nb.figures import seconds
from orch_nb.listeners import Change
from orch_nb.notebook import render, tables
from orch_nb.notebook.cards import count, price
from orch_nb.notebook.tables import QUIET, Bundle
from orch_nb.panels.controls import Controls, show_if
from orch_nb.panels.panel import Panel, panel
from orch_nb.sanitize import one_line
from orch_nb.session import Session
from orch_nb.types import ModelCard, Track

# Rows of a page, and of the still form. Chosen: each row with a box to tick takes a kilobyte in a
# saved notebook.
_PAGE, _STILL = 10, 50
_PROVIDERS = 8
_HEAD = ("health", "$/M in", "$/M out", "window", "p50", "p95", "success")
_COLUMNS = "minmax(11em,2fr) repeat(3,minmax(4.5em,1fr)) repeat(3,minmax(4em,1fr))"
_HOW = 'models and providers are switched by `session.switch("openai:gpt-6-luna", on=False)`'
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

    def build(self, controls: Controls) -> Any:
        """Providers, a filter, and a page of rows."""
        self._controls = controls
        self._page = 0
        self._filter = controls.text(
            "filter", "a part of a name", self._turn_to, hint="a name", growing=True
        )
        self._back = controls.button("Previous", "the models before these", partial(self._go, -1))
        self._next = controls.button("Next", "the models after these", partial(self._go, 1))
        self._where = controls.html(layout="fit")
        self._names = [""] * (_PROVIDERS + _PAGE)
        self._boxes = [
            controls.check("", "may be asked", partial(self._switch, place))
            for place in range(len(self._names))
        ]
        self._cells = [controls.html() for _ in self._names]
        lines = list(zip(self._boxes, self._cells, strict=True))
        head = (controls.html("<b>model</b>"), controls.html(_line(_HEAD, head=True)))
        self._note = controls.html()
        return controls.column(
            controls.pairs(lines[:_PROVIDERS]),
            controls.row(self._filter, self._back, self._next, self._where),
            controls.pairs([head, *lines[_PROVIDERS:]]),
            self._note,
        )

    def refresh(self) -> None:
        """Fill the rows of the page."""
        session = self.session
        states = providers(session)
        wanted = self._filter.value.strip().lower()
        cards = [card for card in shown(session) if wanted in card.id.lower()]
        pages = max(1, -(-len(cards) // _PAGE))
        self._page = min(max(self._page, 0), pages - 1)
        first = self._page * _PAGE
        page = cards[first : first + _PAGE]
        said = list(states.items())[:_PROVIDERS]
        for place in range(_PROVIDERS):
            name, state = said[place] if place < len(said) else ("", "")
            self._fill(place, name, _line([state]), on=state != _OFF)
        for row in range(_PAGE):
            name = page[row].id if row < len(page) else ""
            line = _line(cells(page[row], session)) if name else ""
            self._fill(_PROVIDERS + row, name, line, on=name not in session.settings.off)
        self._back.disabled, self._next.disabled = self._page == 0, self._page == pages - 1
        self._where.value = f"{first + bool(page)}–{first + len(page)} of {len(cards)}"
        never = sum(bool(card.unranked) for card in session.catalog.cards())
        unpicked = f"{never} more models are never picked; `%orch models` says why" if never else ""
        self._note.value = f"<div {QUIET}>{render.escape(unpicked)}</div>" if unpicked else ""

    def _fill(self, place: int, name: str, line: str, *, on: bool) -> None:
        """Let a row be about `name`, and hide it if that is ""."""
        self._names[place] = name
        box, cell = self._boxes[place], self._cells[place]
        show_if(box, bool(name))
        show_if(cell, bool(name))
        box.description, box.tooltip, cell.value = one_line(name, 80), f"{name} may be asked", line
        box.value = on

    def _switch(self, place: int, on: bool) -> None:
        self.session.switch(self._names[place], on=on)

    def _go(self, pages: int) -> None:
        self._page += pages

    def _turn_to(self, _: str) -> None:
        self._page = 0


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


def _line(said: Sequence[str], *, head: bool = False) -> str:
    columns = _COLUMNS if len(said) > 1 else "1fr"
    tag = "b" if head else "span"
    inside = "".join(f"<{tag}>{render.escape(one_line(one, 120))}</{tag}>" for one in said)
    return f'<div class="orch-line" style="grid-template-columns:{columns}">{inside}</div>'
