"""One call as a flat row of numbers and names: what the ledger keeps, and what others read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from orch_nb.sanitize import mask, one_line
from orch_nb.store.account import Spend, payments
from orch_nb.types import Record, Response

# Characters of a message and of a trail: three models with their reasons. Chosen.
_LONGEST = 600


@dataclass(frozen=True, slots=True)
class CallRow:
    """One call, without its texts and without a place on this machine.

    ``at`` is seconds since the epoch. ``call`` is the call's number in the session with the id
    ``session``, from 1 on. ``kind`` is the kind of task; ``strategy`` and ``source`` say what
    chose the model. Money is in dollars: ``cost`` is what the answer is worth, ``billed`` what it
    added to the bill, None where that is unknown; ``known`` and ``estimated`` are the parts of
    the bill as `orch_nb.store.account.Spend` has them; ``unknown`` says that there was more, and
    ``unknown_cost`` up to how much where the price is known.
    Times are in seconds. ``error_type`` is the class of the error, ``error`` its message in one
    line. None is unknown, or does not apply.
    """

    at: float
    session: str
    call: int
    model: str | None = None
    kind: str | None = None
    strategy: str | None = None
    source: str | None = None
    simulated: bool | None = None
    cached: bool | None = None
    replayed: bool | None = None
    cost: Decimal | None = None
    billed: Decimal | None = None
    known: Decimal = Decimal(0)
    estimated: Decimal = Decimal(0)
    unknown: bool = False
    unknown_cost: Decimal = Decimal(0)
    seconds: float | None = None
    ttft: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    usage_source: str | None = None
    finish: str | None = None
    error_type: str | None = None
    error: str | None = None
    trail: str = ""


def summarise(record: Record, session: str, call: int, secrets: Collection[str]) -> CallRow:
    """`record` as the row of the call with the number `call`, with `secrets` masked."""

    def clean(text: str) -> str:
        return one_line(mask(text, secrets), _LONGEST) if text else ""

    spend, decision, response = Spend().plus(record), record.decision, record.response
    told = _answer(response) if response is not None else _failure(record, spend)
    told["model"] = told["model"] and clean(told["model"])
    return CallRow(
        record.at,
        session,
        call,
        kind=decision.profile.kind if decision else None,
        strategy=decision.strategy if decision else None,
        source=clean(decision.source) if decision else None,
        known=spend.known,
        estimated=spend.estimated,
        unknown=bool(spend.unknown_calls),
        unknown_cost=spend.unknown,
        error_type=record.error_type,
        error=None if record.error is None else clean(record.error),
        trail=clean(told.pop("trail")),
        **told,
    )


def _failure(record: Record, spend: Spend) -> dict[str, Any]:
    attempts = record.attempts
    return {
        "model": attempts[-1].model if attempts else None,
        "billed": spend.total if payments(record) and not spend.unknown_calls else None,
        "trail": " → ".join(f"{a.model} ({a.cause})" if a.cause else a.model for a in attempts),
    }


def _answer(response: Response) -> dict[str, Any]:
    usage = response.usage
    return {
        "model": response.model,
        "trail": response.trail,
        "simulated": response.simulated,
        "cached": response.cached,
        "replayed": response.replayed,
        "cost": response.cost,
        "billed": response.billed,
        "seconds": response.seconds,
        "ttft": response.ttft,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cached_tokens": usage.cached_tokens,
        "usage_source": usage.source,
        "finish": one_line(response.finish, 40),
    }
