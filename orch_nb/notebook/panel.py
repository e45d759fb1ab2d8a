"""``%orch panel``: what can be set, and what happens, as tabs; without widgets as tables."""

from __future__ import annotations

import time
from importlib.util import find_spec

from IPython.core.getipython import get_ipython

from orch_nb.errors import InputError
from orch_nb.notebook import render
from orch_nb.notebook.buttons import widget_view
from orch_nb.notebook.display import show
from orch_nb.notebook.tables import LIGHT, Bundle, light
from orch_nb.panels.panel import make_panels, panel_names, title
from orch_nb.session import Session

_STILL = "--still"
# The still form is seen where the widget below it is not alive, and instead of its complaint.
_STYLE = (
    """<style>
.jp-OutputArea-child:has(.orch-still):has(+ .jp-OutputArea-child .orch-panel),
.jp-OutputArea-child:has(.orch-still) + .jp-OutputArea-child:not(:has(.orch-panel)){display:none}
"""
    + f"{LIGHT}</style>"
)


def show_panel(words: list[str], session: Session) -> Bundle:
    """All panels, the one that is named in front, below a still form for places without a kernel.

    Where there are no widgets, or ``--still`` wants none, it is the still form alone.
    """
    names = [word for word in words if word != _STILL]
    if len(names) > 1:
        known = ", ".join(panel_names())
        raise InputError(f"use `%orch panel [NAME] [{_STILL}]`; names are {known}")
    session.models()  # asks, once, who was not asked yet
    if _STILL in words or not _has_widgets():
        return still(session, *names)
    # Two outputs: where a notebook is opened again its widgets are gone, and with them every other
    # form of the same output.
    show(still_output(session, *names))
    return view(session, *names)


def still(session: Session, *names: str) -> Bundle:
    """The panels `names`, or all, as tables. Raises `UnknownNameError`."""
    html, text = [], []
    for name, made in make_panels(session, *names).items():
        said, head = made.still(), title(name, made)
        html.append(f"<h4>{render.escape(head)}</h4>{said['text/html']}")
        text.append(f"{head}\n{said['text/plain']}")
    return {"text/html": "".join(html), "text/plain": "\n\n".join(text)}


def still_output(session: Session, *names: str) -> Bundle:
    """`still`, to stand above the `view` of the same panels, and to be seen where that is not."""
    said = still(session, *names)
    html = f"<div class='orch-still orch-light'>{light(said['text/html'])}</div>"
    return {**said, "text/html": _STYLE + html}


def view(session: Session, front: str = "") -> Bundle:
    """A widget with all panels, as what a front end needs to show it."""
    from orch_nb.panels.frame import Frame  # noqa: PLC0415 - most never see one

    frame = Frame(session, make_panels(session), front=front, clock=time.monotonic)
    return widget_view(frame.widget)


def _has_widgets() -> bool:
    return hasattr(get_ipython(), "kernel") and find_spec("ipywidgets") is not None
