"""What JupyterLab is shown of a session, as plain JSON: ``extension/fixtures/messages.json``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from orch_nb._version import __version__
from orch_nb.errors import OrchError
from orch_nb.panels.models import health, shown
from orch_nb.sanitize import mask, one_line, visible
from orch_nb.session import Session
from orch_nb.store.call_row import summarise
from orch_nb.types import Decision, ModelCard, Track

#: The version of these messages; the front end leaves others alone.
VERSION = 1
# Rows: what a sidebar shows without scrolling far, and two milliseconds to make. Chosen.
_MODELS, _CALLS, _RANKED, _REJECTED = 40, 10, 8, 8
_PROMPT = 80
_NO_TRACK = Track()

#: The id of JupyterLab's cell in which the call with this number was made.
CellOf = Callable[[int], str | None]


def state(session: Session, cell_of: CellOf) -> dict[str, Any]:
    """What there is now: costs in dollars, times in seconds, None where nothing is known."""
    from orch_nb.routing.strategies import strategy_names  # noqa: PLC0415 - imports numpy

    settings = session.settings
    rows, more = _models(session)
    weights = asdict(settings.weights)
    whole = sum(weights.values()) or 1.0
    return {
        "package": __version__,
        "mode": settings.mode,
        "strategy": visible(settings.strategy),
        "strategies": sorted(strategy_names()),
        "weights": {name: weight / whole for name, weight in weights.items()},
        "spend": _spend(session),
        "models": rows,
        "more_models": more,
        "tools": [
            {"name": visible(tool), "model": _shown(session.experts.get(tool))}
            for tool in session.tools
        ],
        "calls": _calls(session, cell_of),
        "busy": [
            {"model": visible(model), "calls": calls} for model, calls in session.busy.items()
        ],
    }


def ranking(request: int, found: Decision | OrchError, kind: str = "") -> dict[str, Any]:
    """The ranking of a prompt that is being written; `request` is its number."""
    said: dict[str, Any] = {"type": "ranking", "request": request}
    if isinstance(found, OrchError):
        error = one_line(mask(str(found)), 400)
        return said | {"kind": kind, "rows": [], "rejected": [], "error": error}
    rows = [
        {
            "model": visible(choice.model),
            "score": _number(choice.score),
            "cost": _dollars(choice.estimate.cost),
            "seconds": choice.estimate.seconds,
            "reason": one_line(choice.reason, 200),
        }
        for choice in found.ranking[:_RANKED]
    ]
    rejected = [
        {"model": visible(row.model), "reason": one_line(row.reason, 200)}
        for row in found.rejected[:_REJECTED]
    ]
    kind = found.profile.kind
    return said | {"kind": kind, "rows": rows, "rejected": rejected, "error": ""}


def _spend(session: Session) -> dict[str, Any]:
    spent, limits = session.budget.spent(), session.settings.budget
    here = spent["session"]
    overview = session.report().overview
    return {
        "known": float(here.known),
        "estimated": float(here.estimated),
        "unknown": float(here.unknown),
        "reserved": float(here.reserved),
        "saved": float(overview.saved),
        "limits": {
            period: _dollars(getattr(limits, period))
            for period in ("task", "pipeline", "session", "hour")
        },
        "hour": float(spent["hour"].total),
    }


def _models(session: Session) -> tuple[list[dict[str, Any]], int]:
    """The models that were asked most first, then in their usual order; and how many more."""
    stats, tracks = session.ledger.by_model(), session.experience.tracks()
    cards: Sequence[ModelCard] = shown(session)
    asked = {model: (one.calls, one.cost) for model, one in stats.items()}
    ranked = sorted(cards, key=lambda card: -asked.get(card.id, (0, None))[0])
    off = session.settings.off
    rows = []
    for card in ranked[:_MODELS]:
        calls, cost = asked.get(card.id, (0, Decimal(0)))
        rows.append(
            {
                "id": visible(card.id),
                "on": card.id not in off,
                "health": one_line(health(card, session), 120),
                "p50": tracks.get(card.id, _NO_TRACK).p50,
                "spend": _dollars(cost),
                "calls": calls,
            }
        )
    return rows, max(0, len(cards) - _MODELS)


def _calls(session: Session, cell_of: CellOf) -> list[dict[str, Any]]:
    ledger = session.ledger
    first = max(0, len(ledger) - _CALLS)
    made = []
    for number, record in enumerate(ledger[first:], start=first + 1):
        row = summarise(record, ledger.session, number, ledger.secrets)
        made.append(
            {
                "number": number,
                "cell": cell_of(number),
                "prompt": one_line(mask(record.request.prompt), _PROMPT),
                "model": _shown(row.model),
                "cost": _dollars(row.billed),
                "seconds": row.seconds,
                "cached": bool(row.cached),
                "outcome": row.error_type or "ok",
                "trail": one_line(row.trail or "", 300),
            }
        )
    return made[::-1]


def _shown(model: str | None) -> str | None:
    return None if model is None else visible(model)


def _dollars(amount: Decimal | float | None) -> float | None:
    return None if amount is None else float(amount)


def _number(value: float) -> float | None:
    return value if value == value else None  # noqa: PLR0124 - NaN is no JSON
