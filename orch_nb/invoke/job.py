"""A coroutine on its way from the thread that wants it run to a loop, and its result back."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Inbox:
    """What other threads want called on `loop`, in order. Many at a time wake it once.

    To wake a loop is a system call, at which the threads change places.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._calls: deque[Callable[[], object]] = deque()
        self._woken = False

    def put(self, call: Callable[[], object]) -> None:
        """Have `call`, which raises nothing, called soon. Raises RuntimeError on a closed loop."""
        self._calls.append(call)
        if self._woken:
            return
        try:
            self._woken = True
            self.loop.call_soon_threadsafe(self._empty)
        except BaseException:  # an interrupt may fall here, and others must not wait for ever
            self._woken = False
            raise

    def _empty(self) -> None:
        self._woken = False  # first: what is put from here on wakes the loop again
        while self._calls:
            self._calls.popleft()()


class Job(Generic[T]):
    """One coroutine, which is run in one task, in the context of the thread that made it.

    ``ended`` says that it has cleaned up and has a result, ``stopped`` that somebody stopped it.

    Parameters
    ----------
    work
        Makes the coroutine.
    over
        Called on the loop when it has ended.
    """

    def __init__(
        self, work: Callable[[], Coroutine[Any, Any, T]], over: Callable[[], object]
    ) -> None:
        self._work, self._context = work, copy_context()
        self._over: Callable[[], object] | None = over
        #: Where it was handed over to.
        self.inbox: Inbox | None = None
        self.ended = self.stopped = False
        #: Where it runs.
        self.task: asyncio.Task[None] | None = None
        self._cancellable = False
        self._under_way: set[Job[Any]] = set()
        self._result: T
        self._error: BaseException | None = asyncio.CancelledError()  # until there is a result

    def hand_over(self, inbox: Inbox, under_way: set[Job[Any]]) -> None:
        """Have it begun; until it has ended it is one of those `under_way`."""
        self.inbox, self._under_way = inbox, under_way
        under_way.add(self)
        inbox.put(self._begin)

    def stop(self) -> None:
        """Cancel it, once; from any thread, again where an interrupt fell into the first time."""
        self.stopped = True
        if self.inbox is not None and not self.ended:
            with contextlib.suppress(RuntimeError):  # the loop was closed, and all in it cancelled
                self.inbox.put(self._cancel)

    def abandon(self) -> None:
        """Let those who wait go: its loop was closed, and it had not ended."""
        self.stopped = True
        self._end()

    def result(self) -> T:
        """What came of it, once. Raises what it raised, or `CancelledError`."""
        error, self._error = self._error, None  # kept here it would keep itself alive
        try:
            if error is not None:
                raise error
            return self._result
        finally:
            del error

    def tell(self, future: concurrent.futures.Future[T]) -> None:
        """Let `future` have the result, unless it was cancelled."""
        error, self._error = self._error, None  # as in `result`
        if isinstance(error, asyncio.CancelledError):
            future.cancel()
        if not future.set_running_or_notify_cancel():
            return
        if error is None:
            future.set_result(self._result)
        else:
            future.set_exception(error)

    def _begin(self) -> None:
        run = self._run()
        self.task = asyncio.get_running_loop().create_task(run, context=self._context)

    async def _run(self) -> None:
        self._cancellable = True
        try:
            if not self.stopped:
                self._result = await self._work()
                self._error = None
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is wanted
            self._error = error
        self._end()

    def _cancel(self) -> None:
        if self.task is None:  # an interrupt fell before it was handed over
            self._end()
        elif self._cancellable:
            self._cancellable = False  # its clean-up is not
            self.task.cancel()

    def _end(self) -> None:
        self.ended = True
        self._under_way.discard(self)
        over, self._over = self._over, None  # which may lead back to here
        if over is not None:
            over()
