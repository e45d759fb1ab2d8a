"""Records of calls, answered and failed, and ledgers of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from orch_nb.store.ledger import Ledger
from orch_nb.types import Attempt, Decision, Message, Record, Request, Response, TaskProfile, Usage

REQUEST = Request((Message("user", "a prompt to keep quiet"),))
DECISION = Decision("cost", "strategy", TaskProfile("chat", 5, 5), ())
CENT = Decimal("0.01")


def answered(
    model: str = "a:m", attempts: tuple[Attempt, ...] | None = None, **changes: Any
) -> Record:
    tried = (Attempt(model, 1.0),) if attempts is None else attempts
    fields: dict[str, Any] = {
        "text": "an answer to keep quiet",
        "model": model,
        "usage": Usage(10, 20, 4),
        "cost": CENT,
        "finish": "stop",
        "seconds": 1.5,
        "ttft": 0.25,
        "cached": False,
        "replayed": False,
        "decision": DECISION,
        "attempts": tried,
    }
    error = changes.pop("error", None)
    response = Response(**(fields | changes))
    return Record(1_800_000_000.0, REQUEST, DECISION, tried, response, error)


def failed(*attempts: Attempt) -> Record:
    return Record(1_800_000_001.0, REQUEST, None, attempts, None, "no model answered")


def filled(*records: Record) -> Ledger:
    ledger = Ledger()
    for record in records:
        ledger.add(record)
    return ledger
