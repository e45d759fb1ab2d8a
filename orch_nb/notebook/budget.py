"""``%orch budget``: what may be spent, what was, and what is left."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from orch_nb.errors import InputError, UnknownNameError
from orch_nb.figures import dollars
from orch_nb.notebook.tables import Bundle, table
from orch_nb.session import Session
from orch_nb.store.tally import PERIODS, Spent

_USAGE = "use `%orch budget [task=0.05] [pipeline=…] [session=1] [hour=2] [unpriced=refuse|allow]`"
_NONE = ("none", "off")


def show_budget(words: list[str], session: Session) -> Bundle:
    """Limits, spent and left by period; first change what `words`, ``period=dollars``, say."""
    if words:
        session.change(budget=_changed(words, session))
    limits = session.settings.budget
    spent = session.budget.spent()
    rows = []
    for period in PERIODS:
        limit: Decimal | None = getattr(limits, period)
        seen = spent.get(period)
        left = None if limit is None else max(Decimal(0), limit - (seen.total if seen else 0))
        rows.append(
            [
                f"per {period}" if seen is None else period,
                "no limit" if limit is None else dollars(limit),
                *([""] * 4 if seen is None else _columns(seen)),
                "—" if left is None else dollars(left),
            ]
        )
    head = ["period", "limit", "known", "estimated", "up to unknown", "reserved", "left"]
    note = _note(spent["session"], limits.unpriced, session.budget.limited)
    if unbilled := session.report().unbilled:
        note = f"{unbilled}; {note}"
    return table(head, rows, note)


def _columns(spent: Spent) -> list[str]:
    return [
        dollars(amount) for amount in (spent.known, spent.estimated, spent.unknown, spent.reserved)
    ]


def _note(spent: Spent, unpriced: str, limited: bool) -> str:
    parts = []
    if limited:
        said = {"refuse": "are not asked", "allow": "may be asked, and are not counted"}
        parts.append(f"models without a known price {said[unpriced]}")
    else:
        parts.append("without a limit other sessions are not counted")
    if spent.unpriced:
        parts.append(f"{spent.unpriced} calls of unknown price in this session")
    parts.append("`%orch budget session=1 hour=none` changes limits, 0 is free models only")
    return "; ".join(parts)


def _changed(words: list[str], session: Session) -> dict[str, object]:
    """All of the budget as it is to be: what is not named stays as it is."""
    limits = session.settings.budget
    changed: dict[str, object] = {name: getattr(limits, name) for name in (*PERIODS, "unpriced")}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise InputError(_USAGE)
        if name not in changed:
            raise UnknownNameError("budget period", name, changed)
        changed[name] = value if name == "unpriced" else _limit(name, value)
    return changed


def _limit(name: str, value: str) -> Decimal | None:
    if value.lower() in _NONE:
        return None
    try:
        return Decimal(value.removeprefix("$"))
    except InvalidOperation:
        raise InputError(f"{name}={value} is no number of dollars; {_USAGE}") from None
