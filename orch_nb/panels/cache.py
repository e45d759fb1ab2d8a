"""What the cache of answers holds, how often it had one, and what that saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, ClassVar

from orch_nb.figures import dollars, size
from orch_nb.listeners import Change
from orch_nb.notebook import tables
from orch_nb.notebook.tables import Bundle
from orch_nb.panels.controls import Controls, show_if
from orch_nb.panels.panel import Panel, panel
from orch_nb.session import Session

_OFF = "the cache is off: every prompt is asked anew"


@panel("cache")
class Cache(Panel):
    """The cache: on or off, its size and use, and an end to all of it."""

    listens: ClassVar[frozenset[Change]] = frozenset({"settings", "calls", "cache"})

    def still(self) -> Bundle:
        """The numbers of the cache."""
        return tables.table(["answers kept", ""], rows(self.session), note(self.session))

    def build(self, controls: Controls) -> Sequence[Any]:
        """A switch, the numbers, and a way to clear that asks first."""
        self._on = controls.check(
            "keep answers", "ends calls under way, and connects anew", self._switch
        )
        self._table = controls.html()
        self._clear = controls.button("Clear …", "forget every answer that is kept", self._ask)
        self._yes = controls.button("Yes, forget them", "cannot be undone", self._forget)
        self._no = controls.button("Keep them", "forget nothing", self._keep)
        self._asking = False
        return (self._on, self._table, controls.row(self._clear, self._yes, self._no))

    def refresh(self) -> None:
        """Show the numbers, and the buttons that there are."""
        kept = self.session.settings.cache.enabled
        self._on.value = kept
        self._table.value = tables.light(self.still()["text/html"])
        show_if(self._clear, kept and not self._asking)
        show_if(self._yes, kept and self._asking)
        show_if(self._no, kept and self._asking)

    def _switch(self, on: bool) -> None:
        kept = asdict(self.session.settings.cache)
        self.session.change(cache={**kept, "enabled": on})

    def _ask(self) -> None:
        self._asking = True

    def _keep(self) -> None:
        self._asking = False

    def _forget(self) -> None:
        self._asking = False
        self.session.clear_cache()


def rows(session: Session) -> list[list[str]]:
    """What is kept, and what came of it in this session."""
    overview = session.ledger.report().overview
    unknown = sum(model.unsaved for model in overview.models)
    more = f", and {unknown} answers of unknown cost" if unknown else ""
    saved = f"{dollars(overview.saved)}{more}"
    settings, said = session.settings.cache, [["saved in this session", saved]]
    if session.cache is not None:
        stats = session.cache.stats()
        looked = stats.hits + stats.misses
        rate = f" ({100 * stats.hits / looked:.0f} %)" if looked else ""
        said = [
            ["entries", str(stats.entries)],
            ["size", f"{size(stats.bytes)} of {size(settings.limit)}"],
            ["hits", f"{stats.hits} of {looked}{rate}"],
            *said,
        ]
    ttl = "ever" if settings.ttl is None else f"{settings.ttl / 86400:g} days"
    return [*said, ["kept for", ttl], ["folder", settings.dir]]


def note(session: Session) -> str:
    """What there is to know of the cache as it is set."""
    return "" if session.settings.cache.enabled else _OFF
