"""What the record of one call teaches about its models."""

from __future__ import annotations

from collections.abc import Iterator

from orch_nb.store.account import NOT_ASKED
from orch_nb.types import Attempt, Decision, Observation, Record, Response

# What says whether an answer is right, and not only whether two models say the same.
_TELLING = frozenset({"function", "assertions"})


def observations(record: Record) -> Iterator[Observation]:
    """One observation for each attempt that reached for a model and ended by itself.

    A simulated answer teaches nothing, and what was replayed, kept, or is an equal call's, nothing
    new: it was observed when it was made.
    """
    response, decision = record.response, record.decision
    if decision is None or record.replayed:
        return
    if response is not None and (response.simulated or response.replayed):
        return
    for attempt in record.attempts:
        if attempt.shared or attempt.cause in NOT_ASKED:
            continue
        if attempt.error is not None:
            yield Observation(record.at, attempt.model, decision.profile.kind, "call", ok=False)
        elif decision.cascade is None and response is not None:
            yield _answer(record, decision, response)
        else:
            yield _stage(record, attempt, decision)


def _stage(record: Record, attempt: Attempt, decision: Decision) -> Observation:
    """An attempt of a cascade; what the user's own check said of a draft is its quality."""
    cascade, response = decision.cascade, record.response
    passed: float | None = None
    if (
        cascade is not None
        and response is not None
        and cascade.check in _TELLING
        and attempt.model == cascade.drafts[0]
        and attempt.cause
    ):
        passed = float(not attempt.cause.startswith("check failed"))
    return Observation(
        record.at,
        attempt.model,
        decision.profile.kind,
        "call" if passed is None else "evaluation",
        ok=True,
        quality=passed,
        seconds=attempt.seconds,
    )


def _answer(record: Record, decision: Decision, response: Response) -> Observation:
    profile, usage = decision.profile, response.usage
    known = usage.source == "known"
    # An image, a schema or tools are tokens too, which nobody estimated from a text.
    plain = known and not profile.needs
    return Observation(
        record.at,
        response.model,
        profile.kind,
        "call",
        ok=True,
        seconds=response.seconds,
        ttft=response.ttft,
        output_tokens=usage.output_tokens if known else None,
        estimated_tokens=profile.input_tokens if plain else None,
        input_tokens=usage.input_tokens if plain else None,
    )
