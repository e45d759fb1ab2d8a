"""A batch on a cluster: its workers ask, and this process keeps the accounts."""

from __future__ import annotations

import asyncio
import pickle
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from math import ceil, inf
from queue import Empty, SimpleQueue
from uuid import uuid4

from distributed import Client, KilledWorker, get_client
from distributed.protocol import pickle as sending
from joblib import Parallel, delayed, parallel_config

from orch_nb.errors import InputError, OrchError
from orch_nb.invoke.call import Call
from orch_nb.sanitize import one_line
from orch_nb.store.account import payments
from orch_nb.workflows.batch import remote
from orch_nb.workflows.batch.answers import Ended
from orch_nb.workflows.batch.calls import GRACE, RowCalls

# Rows that a worker gets at a time, for each that it asks side by side: a message costs the
# scheduler about 1 ms, and the more rows the later they are seen. Chosen.
_ROWS = 4
# Seconds between looks for a KeyboardInterrupt, where a wait cannot be interrupted.
_POLL = 0.1


class Cluster:
    """The workers of the current client, ready to ask models for `session`.

    Raises `InputError` where there are none, or one of them cannot.
    """

    def __init__(self, session: remote.Sender) -> None:
        try:
            self._client: Client = get_client()
        except ValueError:
            raise InputError(
                'backend="dask" needs a cluster: make a client first, as in '
                "client = distributed.Client()"
            ) from None
        self._session = session
        self._told = remote.Remote.of(session)
        found = self._client.run(remote.prepare, self._told, on_error="return")
        for worker, said in found.items():
            if isinstance(said, ImportError):
                said = "orch-nb is not installed there, or in another version"  # noqa: PLW2901
            if said:
                raise InputError(f"the worker {worker} cannot work for this session: {said}")
        self._run, self._stopped = uuid4().hex, False
        self._ended: SimpleQueue[Ended] = SimpleQueue()

    def ask(
        self,
        rows: RowCalls,
        n_jobs: int,
        take: Callable[[int, Ended], None],
        seen: Callable[[Ended], None],
    ) -> bool:
        """As `orch_nb.workflows.batch.threads.ask_in_threads`, but `take` is called in one thread.

        Raises `OrchError` where the cluster failed.
        """
        _check_sendable(rows.pattern)
        self._session.budget.shared = True
        # A stop is heard in this thread, and must not end what keeps the accounts.
        collector = ThreadPoolExecutor(1, "orch_nb batch")
        collecting = collector.submit(self._collect, rows, n_jobs, take)
        collector.shutdown(wait=False)
        try:
            self._show(seen, collecting)
            collecting.result()
        except KeyboardInterrupt:
            self._cancel()
            self._show(seen, collecting, at_most=2 * GRACE)
        except (KilledWorker, CancelledError, OSError) as error:
            reason = one_line(str(error), 200) or type(error).__name__
            raise OrchError(
                f"the cluster failed: {reason}; what was answered is kept: run it again"
            ) from None
        return not self._stopped

    def _cancel(self) -> None:
        self._stopped = True
        run = self._client.run
        run(remote.cancel, self._told, self._run, wait=False, on_error="ignore")
        if self._threads() == 1:  # joblib does the work of a single thread itself
            asyncio.run(remote.cancel(self._told, self._run))

    def _threads(self) -> int:
        cores: dict[str, int] = self._client.ncores()  # type: ignore[no-untyped-call]
        return sum(cores.values()) or 1

    def _show(
        self, seen: Callable[[Ended], None], collecting: Future[None], at_most: float = inf
    ) -> None:
        """Have what arrives `seen`, until all has, or `at_most` so many seconds have passed."""
        end = time.monotonic() + at_most
        while time.monotonic() < end:
            over = collecting.done()  # nothing is put after this
            try:
                seen(self._ended.get(timeout=0 if over else _POLL))
            except Empty:
                if over:
                    return

    def _collect(self, rows: RowCalls, n_jobs: int, take: Callable[[int, Ended], None]) -> None:
        def keep(reply: remote.Reply) -> None:
            if reply.record is not None:
                self._session.budget.include(payments(reply.record))
                self._session.ledger.add(reply.record, written=reply.written)
            if (outcome := reply.outcome) is not None:
                ended = Ended(outcome, reply.record)
                take(reply.place, ended)
                self._ended.put(ended)

        with parallel_config(backend="dask"):  # which joblib knows by this name only here
            for replies in self._parallel(rows, n_jobs):
                for reply in replies:
                    keep(reply)

    def _parallel(self, rows: RowCalls, n_jobs: int) -> Iterator[list[remote.Reply]]:
        threads = self._threads()
        together = min(n_jobs, threads)
        width = n_jobs // together
        size = max(1, min(_ROWS * width, ceil(rows.count / together)))
        # One more than it works on for each thread, where all threads are to work.
        dispatched = together if together < threads else 2 * threads
        parallel = Parallel(
            n_jobs=threads,
            batch_size=1,
            pre_dispatch=dispatched,
            return_as="generator_unordered",
        )
        chunks = (
            range(start, min(start + size, rows.count)) for start in range(0, rows.count, size)
        )
        tasks = (
            delayed(remote.answer)(self._told, _chunk(rows, places, self._run, width))
            for places in chunks
            if not self._stopped
        )
        return parallel(tasks)  # type: ignore[no-any-return]


def _chunk(rows: RowCalls, places: range, run: str, width: int) -> remote.Chunk:
    """The rows at `places`; one that has no call is the error why not."""
    made: list[tuple[int, Call | remote.Failure]] = []
    for place in places:
        try:
            made.append((place, rows[place]))
        except OrchError as error:
            made.append((place, remote.Failure.of(error)))
    return remote.Chunk(run, width, tuple(made))


def _check_sendable(call: Call) -> None:
    try:
        sending.dumps(call)  # type: ignore[no-untyped-call]
    except (pickle.PicklingError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"schema or check cannot be sent to the workers: {one_line(str(error), 200)}; define "
            "them at the top of the notebook or of a module, and without what is open"
        ) from None
