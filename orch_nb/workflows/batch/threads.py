"""A batch in one process: a thread waits for each call that is under way."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import wait

from joblib import Parallel, delayed

from orch_nb.errors import OrchError
from orch_nb.workflows.batch.answers import Outcome
from orch_nb.workflows.batch.calls import GRACE, Calls, RowCalls, Starter


def ask_in_threads(
    session: Starter,
    rows: RowCalls,
    n_jobs: int,
    take: Callable[[int, Outcome], None],
    seen: Callable[[Outcome], None],
) -> bool:
    """Ask all `rows`, `n_jobs` at a time; whether they came to their end, or the user stopped.

    `take` gets the outcome of each place in the thread that waited for it, `seen` in this one.
    """
    calls = Calls(session)

    def ask(place: int) -> Outcome | None:
        try:
            outcome: Outcome | None = calls.answer(rows[place])
        except OrchError as error:
            outcome = error
        if outcome is not None:
            take(place, outcome)
        return outcome

    parallel = Parallel(n_jobs, backend="threading", return_as="generator_unordered")
    try:
        for outcome in parallel(delayed(ask)(place) for place in range(rows.count)):
            if outcome is not None:
                seen(outcome)
    except KeyboardInterrupt:
        wait(calls.cancel(), timeout=GRACE)
    return not calls.stopped
