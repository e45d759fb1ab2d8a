"""The numbers of one call, from its record or from its row on disk."""

from __future__ import annotations

from dataclasses import replace

from orch_nb.store.account import Payment, payments, reached
from orch_nb.store.call_row import CallRow
from orch_nb.store.overview import CallFigures, Try
from orch_nb.types import Record, Usage


def of_record(record: Record) -> CallFigures:
    """The numbers of `record`; an attempt that the user stopped is none of its tries.

    What is replayed counts as it was recorded, and has no time, so that it is the same each time.
    """
    told = record.as_recorded()
    at = record.at if told is record else None
    record, decision, response = told, told.decision, told.response
    cached = response is not None and response.cached
    timed = response is None or not response.simulated
    tries = [
        Try(
            attempt.model,
            attempt.seconds if timed else None,
            None if attempt.error is None else attempt.cause or "error",
        )
        for attempt in reached(record)
    ]
    return CallFigures(
        None if response is None else response.model,
        at,
        None if decision is None else decision.profile.kind,
        cached=cached,
        saved=response.cost if cached and response is not None else None,
        seconds=response.seconds if timed and response is not None else None,
        payments=payments(record),
        tries=tuple(tries),
    )


def of_row(row: CallRow) -> CallFigures:
    """The numbers of `row`, which names one model: it gets what drafts and failures cost, too.

    So sums over all models are those of the records, and a failure counts where it ended the call.
    """
    answered = row.finish is not None
    seconds = None if row.simulated else row.seconds
    tries: tuple[Try, ...] = ()
    # Who was not reached, or was stopped, did not fail.
    if row.model is not None and not row.cached and row.finish != "interrupted":
        tries = (Try(row.model, seconds, None if answered else row.error_type or "error"),)
    return CallFigures(
        row.model if answered else None,
        row.at,
        row.kind,
        cached=answered and bool(row.cached),
        saved=row.cost if row.cached else None,
        seconds=seconds,
        payments=() if row.model is None else tuple(_payments(row, row.model)),
        tries=tries,
    )


def _payments(row: CallRow, model: str) -> list[Payment]:
    """One payment for each part of the bill; the first has the tokens."""
    tokens = Usage(row.input_tokens or 0, row.output_tokens or 0, row.cached_tokens or 0)
    paid: list[Payment] = []
    if row.known or (row.usage_source == "known" and not (row.cached or row.replayed)):
        paid.append(Payment(model, row.known, tokens))
    if row.estimated:
        usage = Usage(source="estimated") if paid else replace(tokens, source="estimated")
        paid.append(Payment(model, row.estimated, usage))
    if row.unknown:
        usage = Usage(source="unknown") if paid else replace(tokens, source="unknown")
        paid.append(Payment(model, None, usage, row.unknown_cost))
    return paid
