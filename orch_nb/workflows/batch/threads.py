"""A batch in one process: a thread waits for each call that is under way."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import wait

from joblib import Parallel, delayed

from orch_nb.errors import OrchError
from orch_nb.invoke.call import Call
from orch_nb.workflows.batch.answers import Ended, Outcome
from orch_nb.workflows.batch.calls import GRACE, Calls, RowCalls, Starter


def ask_in_threads(
    session: Starter,
    rows: RowCalls,
    n_jobs: int,
    take: Callable[[int, Ended], None],
    seen: Callable[[Ended], None],
) -> bool:
    """Ask all `rows`, `n_jobs` at a time; whether they came to their end, or the user stopped.

    `take` gets what came of each place in the thread that waited for it, `seen` in this one.
    """
    calls = Calls(session)

    def ask(place: int) -> Ended | None:
        call: Call | None = None
        try:
            call = rows[place]
            outcome: Outcome | None = calls.answer(call)
        except OrchError as error:
            outcome = error
        if outcome is None:
            return None
        ended = Ended(outcome, None if call is None else call.recorded)
        take(place, ended)
        return ended

    parallel = Parallel(n_jobs, backend="threading", return_as="generator_unordered")
    try:
        for ended in parallel(delayed(ask)(place) for place in range(rows.count)):
            if ended is not None:
                seen(ended)
    except KeyboardInterrupt:
        wait(calls.cancel(), timeout=GRACE)
    return not calls.stopped
