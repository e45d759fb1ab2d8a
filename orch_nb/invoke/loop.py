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
from weakref import WeakSet

from orch_nb.errors import InputError
from orch_nb.forking import renew_after_fork

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
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._futures: WeakSet[concurrent.futures.Future[Any]] = WeakSet()
        self._selector: selectors.BaseSelector | None = None
        renew_after_fork(self, BackgroundLoop._let_go)

    def submit(self, work: Callable[[], Coroutine[Any, Any, T]]) -> concurrent.futures.Future[T]:
        """Start ``work()`` on the loop. Cancelling the future cancels it there."""

        async def start() -> T:
            return await work()

        with self._lock:  # what is handed over before `close` is seen and cancelled by it
            future = asyncio.run_coroutine_threadsafe(start(), self._started())
            self._futures.add(future)
            return future

    def cancel(self) -> None:
        """Cancel all that is under way, from any thread; the loop goes on."""
        with self._lock:
            futures = [future for future in self._futures if not future.done()]
        for future in futures:
            future.cancel()

    def run(self, work: Callable[[], Coroutine[Any, Any, T]], feed: Feed[Any] | None = None) -> T:
        """Run ``work()`` to its end and return its result.

        Meanwhile what `work` puts into `feed` is consumed in this thread. A KeyboardInterrupt,
        or an error of the consumer, cancels the work, waits until it has cleaned up, and is
        raised again. `concurrent.futures.CancelledError` says that the loop was closed.
        """
        ended = threading.Event()

        async def tracked() -> T:
            try:
                return await work()
            finally:
                ended.set()

        future = self.submit(tracked)

        def stop() -> None:
            # Not whether the future is done: an interrupt may fall between cancelling and waiting.
            if not ended.is_set():
                future.cancel()
                _wait_through_interrupts(ended)

        try:
            if feed is not None:
                feed.consume_until(future)
            while True:
                with contextlib.suppress(concurrent.futures.TimeoutError):
                    return future.result(timeout=_POLL)
                if future.done():
                    return future.result()  # the work itself raised a TimeoutError
        except KeyboardInterrupt:
            stop()
            if feed is not None:
                feed.consume()
            raise
        finally:
            stop()

    @property
    def running(self) -> bool:
        """Whether the thread has been started and not ended."""
        return self._loop is not None

    def close(self, last: Callable[[], Coroutine[Any, Any, None]] | None = None) -> None:
        """Cancel what still runs, run ``last()``, end the thread. A later call starts a new one."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = self._selector = None
        if loop is None or thread is None:
            return

        async def wind_up() -> None:
            await _cancel_all()
            if last is not None:
                await last()

        with contextlib.suppress(concurrent.futures.TimeoutError):
            asyncio.run_coroutine_threadsafe(wind_up(), loop).result(timeout=_GRACE)
        loop.call_soon_threadsafe(loop.stop)
        if thread is not threading.current_thread():  # a finalizer may run on the loop itself
            thread.join(_GRACE)  # what others' code keeps busy is left to end by itself

    def _started(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = self._new_loop()
            self._thread = threading.Thread(
                target=_serve, args=(self._loop,), name=self._name, daemon=True
            )
            self._thread.start()
        return self._loop

    def _new_loop(self) -> asyncio.AbstractEventLoop:
        if not hasattr(os, "fork"):
            return asyncio.new_event_loop()
        self._selector = selectors.DefaultSelector()
        return asyncio.SelectorEventLoop(self._selector)

    def _let_go(self) -> None:
        # What watches the sockets (epoll) is the parent's as well: an inherited socket that is
        # closed here would be watched no more there. Nor is there anybody to complain to.
        if self._loop is not None and self._selector is not None:
            self._selector.close()
            self._selector.__init__()  # type: ignore[misc] # empty, and our own
            self._loop.set_exception_handler(lambda *_: None)


class Feed(Generic[P]):
    """Pieces, of text mostly, on their way from the loop to the thread that waits."""

    def __init__(self, consumer: Callable[[P], object]) -> None:
        if not callable(consumer):
            raise InputError("on_text must be a function that takes a piece of text")
        self._consumer = consumer
        self._pieces: deque[P] = deque()
        self._wake = threading.Event()

    def put(self, piece: P) -> None:
        """Hand over `piece`; called on the loop."""
        self._pieces.append(piece)
        self._wake.set()

    def consume(self) -> None:
        """Pass on what has arrived; called in the waiting thread."""
        while self._pieces:
            self._consumer(self._pieces.popleft())

    def consume_until(self, future: concurrent.futures.Future[Any]) -> None:
        """Pass on all that arrives until `future` is done."""
        future.add_done_callback(lambda _: self._wake.set())
        while not future.done():
            self._wake.wait(_POLL)
            self._wake.clear()
            self.consume()
        self.consume()


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()


async def _cancel_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _wait_through_interrupts(ended: threading.Event) -> None:
    """Wait for the clean-up even when the user presses stop again."""
    deadline = time.monotonic() + _GRACE
    while not ended.is_set() and (left := deadline - time.monotonic()) > 0:
        with contextlib.suppress(KeyboardInterrupt):
            ended.wait(left)
