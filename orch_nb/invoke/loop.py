"""One private event loop on a thread of its own, and a synchronous face for it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import os
import selectors
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from orch_nb.errors import InputError
from orch_nb.forking import renew_after_fork
from orch_nb.invoke.job import Inbox, Job

T = TypeVar("T")
P = TypeVar("P")

# Seconds between looks at a running call: how late a KeyboardInterrupt may be noticed on
# platforms where a wait cannot be interrupted.
_POLL = 0.1
# Seconds that a stopped call has for closing its connection and writing its record.
_GRACE = 1.0


class BackgroundLoop:
    """Runs coroutines for synchronous callers; starts with the first, ends with `close`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._inbox: Inbox | None = None
        self._answers: Inbox | None = None  # that of the loop which last waited for one
        self._thread: threading.Thread | None = None
        self._jobs: set[Job[Any]] = set()  # those of this thread, handed over and not ended
        self._selector: selectors.BaseSelector | None = None
        renew_after_fork(self, BackgroundLoop._let_go)

    def submit(self, work: Callable[[], Coroutine[Any, Any, T]]) -> concurrent.futures.Future[T]:
        """Start ``work()`` on the loop. Cancelling the future cancels it there."""
        future: concurrent.futures.Future[T] = concurrent.futures.Future()
        job = Job(work, lambda: job.tell(future))
        future.add_done_callback(lambda done: job.stop() if done.cancelled() else None)
        self._hand_over(job)
        return future

    async def arun(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """`run`, for coroutines on other loops: who is cancelled waits for the clean-up as well."""
        here = asyncio.get_running_loop()
        ended = here.create_future()

        def wake() -> None:
            if not ended.done():
                ended.set_result(None)

        answers = self._answers
        if answers is None or answers.loop is not here:
            answers = self._answers = Inbox(here)

        def over() -> None:
            with contextlib.suppress(RuntimeError):  # a loop that is closed waits for nothing
                answers.put(wake)

        job = Job(work, over)
        self._hand_over(job)
        try:
            await ended
        except asyncio.CancelledError:
            job.stop()
            ended = here.create_future()  # the other one was cancelled as well
            if not job.ended:
                await asyncio.wait({ended}, timeout=_GRACE)
            raise
        return job.result()

    def cancel(self) -> None:
        """Cancel all that is under way, from any thread; the loop goes on."""
        with self._lock:
            _stop(self._jobs)

    def run(self, work: Callable[[], Coroutine[Any, Any, T]], feed: Feed[Any] | None = None) -> T:
        """Run ``work()`` to its end and return its result.

        Meanwhile what `work` puts into `feed` is consumed in this thread. A KeyboardInterrupt,
        or an error of the consumer, cancels the work, waits until it has cleaned up, and is
        raised again. `concurrent.futures.CancelledError` says that the loop was closed. Raises
        `InputError` on the loop itself, which would wait for ever.
        """
        if threading.current_thread() is self._thread:
            raise InputError(
                "a provider, strategy or check cannot wait for the session that runs it; "
                "await its aask(), or use another session"
            )
        waiting = threading.Lock()
        waiting.acquire()

        def over() -> None:
            waiting.release()
            if feed is not None:
                feed.wake()

        job = Job(work, over)
        try:
            self._hand_over(job)
            if feed is not None:
                feed.consume_until(job)
            while not (job.ended or job.stopped):
                waiting.acquire(timeout=_POLL)
            return job.result()
        except asyncio.CancelledError:
            raise concurrent.futures.CancelledError from None
        except KeyboardInterrupt:
            _clean_up(job, waiting)
            if feed is not None:
                feed.consume()
            raise
        finally:
            _clean_up(job, waiting)

    @property
    def running(self) -> bool:
        """Whether the thread has been started and not ended."""
        return self._inbox is not None

    def close(self, last: Callable[[], Coroutine[Any, Any, None]] | None = None) -> None:
        """Cancel what still runs, run ``last()``, end the thread. A later call starts a new one."""
        with self._lock:
            inbox, thread, jobs = self._inbox, self._thread, self._jobs
            self._inbox = self._thread = self._selector = None
            _stop(jobs)  # by this thread: the loop may be busy
        if inbox is None or thread is None:
            return
        loop = inbox.loop

        async def wind_up() -> None:
            await _end_all(besides={job.task for job in jobs})
            if last is not None:
                await last()

        with contextlib.suppress(concurrent.futures.TimeoutError):
            asyncio.run_coroutine_threadsafe(wind_up(), loop).result(timeout=_GRACE)
        loop.call_soon_threadsafe(loop.stop)
        if thread is not threading.current_thread():  # a finalizer may run on the loop itself
            thread.join(_GRACE)  # what others' code keeps busy is left to end by itself

    def _hand_over(self, job: Job[Any]) -> None:
        with self._lock:  # what is handed over before `close` is seen and cancelled by it
            job.hand_over(self._started(), self._jobs)

    def _started(self) -> Inbox:
        if self._inbox is None:
            loop, jobs = self._new_loop(), set[Job[Any]]()
            thread = threading.Thread(
                target=_serve, args=(loop, jobs), name=self._name, daemon=True
            )
            try:
                thread.start()
            except BaseException:  # an interrupt may fall here, and nobody else would end it
                loop.call_soon_threadsafe(loop.stop)
                raise
            self._thread, self._jobs, self._inbox = thread, jobs, Inbox(loop)
        return self._inbox

    def _new_loop(self) -> asyncio.AbstractEventLoop:
        if not hasattr(os, "fork"):
            return asyncio.new_event_loop()
        self._selector = selectors.DefaultSelector()
        return asyncio.SelectorEventLoop(self._selector)

    def _let_go(self) -> None:
        # What watches the sockets (epoll) is the parent's as well: an inherited socket that is
        # closed here would be watched no more there. Nor is there anybody to complain to.
        if self._inbox is not None and self._selector is not None:
            self._selector.close()
            self._selector.__init__()  # type: ignore[misc] # empty, and our own
            self._inbox.loop.set_exception_handler(lambda *_: None)


class Feed(Generic[P]):
    """Pieces, of text mostly, on their way from the loop to the thread that waits."""

    def __init__(self, consumer: Callable[[P], object]) -> None:
        if not callable(consumer):
            raise InputError("on_text must be a function that takes a piece of text")
        self._consumer = consumer
        self._pieces: deque[P] = deque()
        self._news = threading.Lock()  # released when there are some
        self._news.acquire()

    def put(self, piece: P) -> None:
        """Hand over `piece`; called on the loop."""
        self._pieces.append(piece)
        self.wake()

    def wake(self) -> None:
        """Have the waiting thread look."""
        if self._news.locked():
            self._news.release()

    def consume(self) -> None:
        """Pass on what has arrived; called in the waiting thread."""
        while self._pieces:
            self._consumer(self._pieces.popleft())

    def consume_until(self, job: Job[Any]) -> None:
        """Pass on all that arrives until `job`, which wakes this when it has ended, is over."""
        while not (job.ended or job.stopped):
            self._news.acquire(timeout=_POLL)
            self.consume()
        self.consume()


def _stop(jobs: set[Job[Any]]) -> None:
    for job in tuple(jobs):
        job.stop()


def _serve(loop: asyncio.AbstractEventLoop, jobs: set[Job[Any]]) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        for last in (loop.shutdown_asyncgens, loop.shutdown_default_executor):
            with contextlib.suppress(asyncio.CancelledError):  # by a `close` that had to wait
                loop.run_until_complete(last())
    finally:
        loop.close()
        for job in tuple(jobs):  # what took longer than it had
            job.abandon()


async def _end_all(besides: set[asyncio.Task[None] | None]) -> None:
    """Cancel all tasks but those `besides`, which are cancelled, and wait for all."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks - besides:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _clean_up(job: Job[Any], waiting: threading.Lock) -> None:
    """Stop `job` and wait for its clean-up, even when the user presses stop again.

    Not whether it is stopped counts: an interrupt may fall between stopping and waiting.
    """
    if job.inbox is None:  # the interrupt came first
        return
    if not job.ended:
        job.stop()
    deadline = time.monotonic() + _GRACE
    while not job.ended and (left := deadline - time.monotonic()) > 0:
        with contextlib.suppress(KeyboardInterrupt):
            waiting.acquire(timeout=left)
