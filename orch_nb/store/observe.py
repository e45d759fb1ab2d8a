"""What the record of one call teaches about its models."""

from __future__ import annotations

from collections.abc import Iterator

from orch_nb.types import Attempt, Observation, Record, Response


def observations(record: Record) -> Iterator[Observation]:
    """One observation for each attempt that reached for a model and ended by itself.

    A simulated answer teaches nothing, and a cached one nothing new: its attempts were observed
    when they were made.
    """
    response, decision = record.response, record.decision
    if decision is None or (response is not None and (response.cached or response.simulated)):
        return
    kind = decision.profile.kind
    for attempt in record.attempts:
        if response is not None and attempt is record.attempts[-1] and attempt.error is None:
            yield _answered(record, attempt, response)
        elif attempt.error is not None and attempt.cause == "interrupted":
            continue  # the user stopped it: that says nothing about the model
        else:
            yield Observation(record.at, attempt.model, kind, "call", ok=attempt.error is None)


def _answered(record: Record, attempt: Attempt, response: Response) -> Observation:
    assert record.decision is not None
    profile, usage = record.decision.profile, response.usage
    # An image, a schema or tools are tokens too, which nobody estimated from a text.
    plain = not profile.needs and usage.source == "known"
    return Observation(
        record.at,
        attempt.model,
        profile.kind,
        "call",
        ok=True,
        seconds=response.seconds,
        ttft=response.ttft,
        output_tokens=usage.output_tokens if usage.source == "known" else None,
        estimated_tokens=profile.input_tokens if plain else None,
        input_tokens=usage.input_tokens if plain else None,
    )
