"""One call on its way, from the request to what is left of it when it ends early."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from orch_nb.invoke.fallback import Trail
from orch_nb.invoke.form import Form
from orch_nb.invoke.verdict import TextCheck
from orch_nb.store.tally import Tally
from orch_nb.types import Decision, Record, Request, Response


@dataclass(slots=True)
class Call:
    """One call on its way. What is in it when it ends early goes into the record.

    ``periods`` is what it is a part of, besides the session: the sums of a pipeline. ``replayed``
    says that what is in it was recorded. ``recorded`` is what the ledger has of it when it is over.
    """

    request: Request
    show: Callable[[str], None] | None = None
    form: Form | None = None
    check: TextCheck | None = None
    decision: Decision | None = None
    trail: Trail = field(default_factory=Trail)
    partial: Response | None = None
    periods: tuple[Tally, ...] = ()
    replayed: bool = False
    recorded: Record | None = None

    def record(
        self,
        at: float,
        response: Response | None,
        error: str | None,
        error_type: str | None = None,
    ) -> Record:
        """The call as the ledger keeps it; `at` is seconds since the epoch."""
        attempts = tuple(self.trail.attempts)
        if response is not None:
            decision: Decision | None = response.decision
        elif self.decision is not None:
            decision = self.decision.kept({attempt.model for attempt in attempts})
        else:
            decision = None
        return Record(
            at, self.request, decision, attempts, response, error, error_type, self.replayed
        )
