"""The tabs of one session's panels, and what keeps them and the session the same."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from orch_nb.errors import OrchError
from orch_nb.listeners import Change
from orch_nb.notebook import render
from orch_nb.notebook.tables import LIGHT
from orch_nb.panels.controls import Controls
from orch_nb.panels.panel import Panel, title
from orch_nb.panels.throttle import Later, Throttle, after
from orch_nb.sanitize import mask, one_line
from orch_nb.session import Session

_WIDTH = 400  # characters of an error
# JupyterLab's variables follow its theme; the fallbacks are readable on white and on black.
_STYLE = (
    """<style>
.orch-panel{color:var(--jp-content-font-color1,inherit)}
.orch-panel .orch-hidden{display:none!important}
.orch-panel table{border-collapse:collapse;font-size:var(--jp-ui-font-size1,13px);
 line-height:1.4;margin:.3em 0}
.orch-panel :is(td,th){padding:.15em .6em;border-bottom:1px solid
 var(--jp-border-color2,rgba(128,128,128,.4))}
.orch-panel th{font-weight:600;text-align:left;vertical-align:bottom}
.orch-panel .orch-said{color:var(--jp-error-color1,#c62828);min-height:1.4em}
.orch-panel .widget-html-content{line-height:1.45}
.orch-panel .widget-label{color:inherit}
.orch-panel .orch-line{display:grid;gap:0 .6em;align-items:baseline;grid-template-columns:
 minmax(11em,2fr) repeat(3,minmax(4.5em,1fr)) repeat(3,minmax(4em,1fr))}
"""
    + f"{LIGHT}</style>"
)


class Frame:
    """Tabs that follow `session`, and that it follows.

    A page is built when it is first in front. What the user does is done in the thread that brings
    it, what happens elsewhere is shown by a thread of its own, four times a second at most; the two
    take turns. While nobody sees the tabs nothing is drawn. When the session is closed the tabs go:
    who loads the extension anew has another session.

    Parameters
    ----------
    panels
        By name, in the order of their tabs.
    front
        The name of the one in front, "" for the first.
    clock
        Seconds that only grow.
    later
        Calls a function after so many seconds.
    """

    def __init__(
        self,
        session: Session,
        panels: Mapping[str, Panel],
        *,
        front: str = "",
        clock: Callable[[], float],
        later: Later = after,
    ) -> None:
        self._panels = tuple(panels.items())
        self._built: set[int] = set()
        self._stale: set[int] = set()
        self._lock = threading.RLock()
        self._drawing = False
        self._acting: int | None = None
        self._controls = Controls(self._act)
        self._said = self._controls.html(_STYLE)
        titles = [title(name, made) for name, made in self._panels]
        self._tabs = self._controls.tabs(titles, self._turn)
        #: The widget that is displayed.
        self.widget = self._controls.column(self._tabs, self._said)
        self.widget.add_class("orch-panel")
        self.widget.add_class("orch-light")
        self._throttle = Throttle(_weakly(self._draw), clock=clock, later=later)
        self._subscribe = session.subscribe
        self._leave: weakref.finalize[..., Frame] | None = None
        self._follow()
        first = list(panels).index(front) if front else 0
        self._drawing = True
        self._tabs.selected_index = first
        self._drawing = False
        self._act(self._turn, first)
        # Front ends count what they show of a widget whose count is not None.
        self.widget._view_count = 0
        self.widget.observe(self._seen, "_view_count")
        self.widget.observe(self._closed, "comm")

    @property
    def following(self) -> bool:
        """Whether the tabs hear of the session's changes."""
        return self._leave is not None and self._leave.alive

    def close(self) -> None:
        """Take the tabs away, and hear of no more changes."""
        with self._lock:
            self._unfollow()
            self._controls.close()

    def _follow(self) -> None:
        if self.following:
            return
        frame = weakref.ref(self)

        def listen(change: Change) -> None:
            if (alive := frame()) is not None:
                alive._note(change)

        # A session outlives the tabs that nobody holds any more.
        self._leave = weakref.finalize(self, self._subscribe(listen))
        self._leave.atexit = False

    def _unfollow(self) -> None:
        if self._leave is not None:
            self._leave()

    def _note(self, change: Change) -> None:
        """Remember what must be drawn anew. Called in whatever thread, which must not wait."""
        if change == "closed":
            self.close()
            return
        for index, (_, panel) in enumerate(self._panels):
            if change in panel.listens:
                self._stale.add(index)
        if self._acting != threading.get_ident():  # who acts draws when that is done
            self._throttle.ask()

    def _draw(self) -> None:
        with self._lock:
            if self.following:
                self._refresh()

    def _seen(self, change: Mapping[str, Any]) -> None:
        """Rest while the tabs are nowhere to be seen; they may come back."""
        if change["new"]:
            self._follow()
            self._stale.update(self._built)
            self._throttle.ask()
        elif change["old"]:
            self._unfollow()

    def _closed(self, change: Mapping[str, Any]) -> None:
        if change["new"] is None:
            self.close()

    def _turn(self, index: int | None) -> None:
        if index is not None and index not in self._built:
            page = self._tabs.children[index]
            page.children = tuple(self._panels[index][1].build(self._controls))
            self._built.add(index)

    def _refresh(self) -> None:
        """Draw the page in front, if something has changed. Errors are shown."""
        index = self._tabs.selected_index or 0
        if index not in self._stale or index not in self._built:
            return
        self._stale.discard(index)
        self._drawing = True
        try:
            self._try(self._panels[index][1].refresh)
        finally:
            self._drawing = False

    def _act(self, act: Callable[..., None], *arguments: object) -> None:
        """Do what the user wants, unless it was us who moved the control; then show what is so."""
        with self._lock:
            if self._drawing or self._acting == threading.get_ident():
                return
            self._acting = threading.get_ident()
            try:
                said = self._try(act, *arguments)
            finally:
                self._acting = None
            # What the session did not take is put back.
            self._stale.add(self._tabs.selected_index or 0)
            self._refresh()
            if said:
                self._say(said)

    def _try(self, act: Callable[..., None], *arguments: object) -> str:
        """What went wrong, as one line that is shown, "" if nothing did."""
        said = ""
        try:
            act(*arguments)
        except OrchError as error:
            said = one_line(str(error), _WIDTH)
        except Exception as error:  # noqa: BLE001 - else it is a traceback that nobody sees
            said = one_line(mask(f"{type(error).__name__}: {error}"), _WIDTH)
        self._say(said)
        return said

    def _say(self, said: str) -> None:
        shown = f'<div class="orch-said" role="status">{render.escape(said)}</div>'
        self._said.value = _STYLE + shown


def _weakly(act: Callable[[], None]) -> Callable[[], None]:
    """`act`, as long as somebody else holds what it is a method of."""
    method = weakref.WeakMethod(act)

    def run() -> None:
        if (alive := method()) is not None:
            alive()

    return run
