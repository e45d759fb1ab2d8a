"""``%orch why``: the choice behind a call of this session, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from orch_nb.figures import dollars, seconds
from orch_nb.notebook import tables
from orch_nb.notebook.calls import find_call
from orch_nb.notebook.decisions import decision
from orch_nb.notebook.display import below, quiet, summary
from orch_nb.notebook.tables import Bundle
from orch_nb.sanitize import one_line
from orch_nb.session import Session
from orch_nb.store.account import payments
from orch_nb.types import Attempt, Decision, Estimate, Record, Response

_USAGE = "use `%orch why [N]`; a prompt that begins with why comes after --"
_HEAD = ["asked", "what came of it", "expected cost", "billed", "expected time", "took"]
_NOTHING = Estimate(None, None)


def show_why(words: list[str], session: Session) -> Bundle:
    """The decision behind the last call, or the one with that number, and how the call went.

    Calls are counted from 1, or from the last with -1. Raises `InputError`.
    """
    number, record = find_call(words, session, _USAGE)
    record = record.as_recorded()
    title = f"call {number} of {len(session.ledger)}: {record.request.prompt}"
    made = record.decision
    if made is None:
        return quiet([one_line(title), "no model was chosen", *_end(record, {})])
    asked = {attempt.model for attempt in record.attempts}
    expected = _expected(made, asked)
    shown = below(quiet([one_line(title)]), decision(made)[0])
    if record.attempts:
        rows = [_row(record, attempt, expected) for attempt in record.attempts]
        shown = below(shown, tables.table(_HEAD, rows))
    return below(shown, quiet([*_end(record, expected)]))


def _expected(made: Decision, asked: set[str]) -> dict[str, Estimate]:
    """What was expected of each of the models in `asked`."""
    return {choice.model: choice.estimate for choice in made.ranking if choice.model in asked}


def _row(record: Record, attempt: Attempt, expected: dict[str, Estimate]) -> list[str]:
    estimate = expected.get(attempt.model, _NOTHING)
    return [
        attempt.model,
        _outcome(record, attempt),
        dollars(estimate.cost),
        _billed(record, attempt),
        seconds(estimate.seconds),
        seconds(attempt.seconds),
    ]


def _outcome(record: Record, attempt: Attempt) -> str:
    if attempt.cause is not None:
        return attempt.cause
    if record.response is not None and record.response.cached:
        return "from the cache"
    return "answered"


def _billed(record: Record, attempt: Attempt) -> str:
    """Dollars of one attempt; "" where nothing was billed, as for most that failed."""
    response = record.response
    if attempt.usage is not None:
        about = {"known": "", "estimated": "~", "unknown": "up to "}[attempt.usage.source]
        return (about if attempt.cost else "") + dollars(attempt.cost)
    apart = any(one.usage is not None for one in record.attempts)
    if response is None or apart or attempt is not record.attempts[-1]:
        return ""
    about = "" if response.usage.source == "known" or not response.billed else "~"
    return about + dollars(response.billed)


def _end(record: Record, expected: dict[str, Estimate]) -> Iterator[str]:
    """How it ended, and how far off the estimates were."""
    response = record.response
    if response is not None:
        yield summary(response)
        if not response.cached:
            yield _compared(record, response, expected)
    if record.error is not None:
        stopped = record.error == "interrupted"
        yield "you stopped it" if stopped else one_line(f"failed: {record.error}", 600)


def _compared(record: Record, response: Response, expected: dict[str, Estimate]) -> str:
    paid = [expected.get(payment.model, _NOTHING) for payment in payments(record)]
    costs = [estimate.cost for estimate in paid]
    known = [cost for cost in costs if cost is not None]
    cost = sum(known, Decimal(0)) if len(known) == len(costs) else None
    # Drafts of a cascade run side by side, so that their seconds do not add up.
    time = paid[0].seconds if len(paid) == 1 else None
    profile, usage = response.decision.profile, response.usage
    return (
        f"expected {dollars(cost)}, {seconds(time)}, {profile.input_tokens}→"
        f"{profile.output_tokens} tokens; it was {dollars(response.billed)}, "
        f"{seconds(response.seconds)}, {usage.input_tokens}→{usage.output_tokens}"
    )
