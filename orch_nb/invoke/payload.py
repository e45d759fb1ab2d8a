"""An answer as plain JSON, as it is kept on disk, and the response that it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from decimal import Decimal
from typing import Any

from orch_nb.errors import BrokenAnswer
from orch_nb.invoke.attempt import Answer
from orch_nb.invoke.bill import estimate, price
from orch_nb.invoke.call import Call
from orch_nb.types import Decision, ModelCard, Request, Response, ToolCall, Usage

_USAGE = tuple(field.name for field in fields(Usage))


def payload_of(answer: Answer, request: Request, card: ModelCard) -> dict[str, object]:
    """What is kept of an answer on disk: plain JSON, with the dollars that were paid for it."""
    usage = answer.usage or estimate(answer.text, request)
    cost = price(card, usage)
    return {
        "text": answer.text,
        "usage": {name: getattr(usage, name) for name in _USAGE},
        "cost": None if cost is None else str(cost),
        "finish": answer.finish,
        "seconds": answer.seconds,
        "ttft": answer.ttft,
        "calls": [asdict(call) for call in answer.calls],
    }


def response(
    payload: Mapping[str, Any], card: ModelCard, call: Call, decision: Decision, *, cached: bool
) -> Response:
    """The response that `payload` is to `call`."""
    return Response(
        text=payload["text"],
        model=card.id,
        usage=Usage(**payload["usage"]),
        cost=None if payload["cost"] is None else Decimal(payload["cost"]),
        finish=payload["finish"],
        seconds=payload["seconds"],
        ttft=payload["ttft"],
        cached=cached,
        decision=decision,
        attempts=tuple(call.trail.attempts),
        simulated=card.simulated,
        parsed=_parsed(payload, card, call),
        calls=tuple(ToolCall(**made) for made in payload["calls"]),
    )


def still_fits(payload: Mapping[str, Any], card: ModelCard, call: Call) -> bool:
    """Whether a kept answer passes the class as it is now: its checks are no part of the key."""
    try:
        _parsed(payload, card, call)
    except BrokenAnswer:
        return False
    return True


def _parsed(payload: Mapping[str, Any], card: ModelCard, call: Call) -> Any:
    if call.form is None or payload["finish"] in ("tool", "interrupted"):
        return None
    return call.form.read(card.id, payload["text"])
