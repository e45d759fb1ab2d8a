"""What may be spent, what was, and what another hour like the last one would cost."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from html import escape
from typing import Any

from orch_nb.figures import dollars
from orch_nb.notebook import render
from orch_nb.notebook.budget import show_budget
from orch_nb.notebook.tables import QUIET, Bundle
from orch_nb.panels.controls import Controls, offer
from orch_nb.panels.panel import Panel, panel
from orch_nb.session import Session
from orch_nb.store.tally import Period, Spent

_WHAT: dict[Period, str] = {
    "task": "for one call with all its attempts",
    "pipeline": "for one run of a pipeline",
    "session": "for this session",
    "hour": "for the last hour of all your sessions here",
}
# Blues and greys that are told apart on white and on black, and by their pattern of brightness.
_COLOURS = {
    "known": "#3b82c4",
    "estimated": "#d9822b",
    "unknown": "#9a9a9a",
    "reserved": "rgba(128,128,128,.35)",
}
_UNPRICED = {"refuse": "are not asked", "allow": "may be asked"}


@panel("budget")
class Budget(Panel):
    """A bar a period, limits that can be edited, and what is projected."""

    def still(self) -> Bundle:
        """Limits and what was spent, and the projection."""
        said, projected = show_budget([], self.session), projection(self.session)
        return {
            "text/html": f"{said['text/html']}<div {QUIET}>{render.escape(projected)}</div>",
            "text/plain": f"{said['text/plain']}\n{projected}",
        }

    def build(self, controls: Controls) -> Sequence[Any]:
        """Bars, and a field for each limit."""
        self._bars = controls.html()
        self._limits = {
            period: controls.text(
                f"per {period}", f"dollars {what}", partial(self._set, period), hint="no limit"
            )
            for period, what in _WHAT.items()
        }
        self._unpriced = controls.dropdown(
            "of unknown price", "models whose price is unknown, while there is a limit", self._allow
        )
        hint = f"<div {QUIET}>dollars; an empty field is no limit, 0 is free models only</div>"
        return (
            self._bars,
            controls.row(*self._limits.values()),
            controls.row(self._unpriced),
            controls.html(hint),
        )

    def refresh(self) -> None:
        """Draw the bars, and show the limits as they are."""
        limits = self.session.settings.budget
        for period, field in self._limits.items():
            limit: Decimal | None = getattr(limits, period)
            field.value = "" if limit is None else f"{limit.normalize():f}"
        offer(self._unpriced, tuple(_UNPRICED.values()), _UNPRICED[limits.unpriced])
        spent = self.session.budget.spent()
        bars = [bar(period, getattr(limits, period), one) for period, one in spent.items()]
        projected = f"<div {QUIET}>{render.escape(projection(self.session))}</div>"
        legend = _legend() if any(getattr(limits, period) is not None for period in spent) else ""
        self._bars.value = "".join(bars) + legend + projected

    def _set(self, period: Period, limit: str) -> None:
        show_budget([f"{period}={limit.strip() or 'none'}"], self.session)

    def _allow(self, said: str) -> None:
        value = next(name for name, words in _UNPRICED.items() if words == said)
        show_budget([f"unpriced={value}"], self.session)


def projection(session: Session) -> str:
    """What the next hour costs if it is like the last, and when a limit would be reached."""
    spent, limits = session.budget.spent(), session.settings.budget
    rate = spent["hour"].settled
    said = f"the last 60 minutes cost {dollars(rate)}; so would the next, if it is like them"
    left = None if limits.session is None else limits.session - spent["session"].total
    if left is not None and left <= 0:
        return f"{said}; nothing is left for this session"
    if left is not None and rate:
        said += f"; the session's limit would be reached in {float(left / rate):.1f} h"
    if limits.hour is not None and rate:
        said += f"; {float(100 * rate / limits.hour) if limits.hour else 100:.0f} % of the hour's"
        said += " limit are used at that rate"
    return said


def bar(period: str, limit: Decimal | None, spent: Spent) -> str:
    """What was spent in `period` against its `limit` in dollars, as HTML that says it in words.

    Without a limit it is the words alone.
    """
    amounts = {name: getattr(spent, name) for name in _COLOURS}
    of = ", no limit" if limit is None else f" of {dollars(limit)}"
    words = ", ".join(f"{dollars(a)} {name}" for name, a in amounts.items() if a)
    said = f"{period}: {dollars(spent.total)}{of}{f' ({words})' if words else ''}"
    label = render.escape(said)
    if limit is None:  # a part of what: a full bar would say that nothing is left
        return f'<div style="margin:.3em 0">{label}</div>'
    whole = max(limit, spent.total)
    parts = "".join(
        f'<span style="width:{100 * amount / whole:.2f}%;background:{_COLOURS[name]}"></span>'
        for name, amount in amounts.items()
        if whole and amount
    )
    return (
        f'<div style="margin:.3em 0">{label}<div role="img" aria-label="{escape(said)}" '
        'style="display:flex;height:.8em;max-width:40em;border-radius:3px;overflow:hidden;'
        'border:1px solid var(--jp-border-color1,rgba(128,128,128,.6))">'
        f"{parts}</div></div>"
    )


def _legend() -> str:
    dots = "".join(
        f'<span style="margin-right:1em"><span style="display:inline-block;width:.8em;height:.8em;'
        f'background:{colour};border-radius:2px;margin-right:.3em"></span>{name}</span>'
        for name, colour in _COLOURS.items()
    )
    return f"<div {QUIET}>{dots}</div>"
