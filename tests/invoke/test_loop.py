"""The private event loop: results, errors and stops reach the thread that waits."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import os
import signal
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from random import Random

import pytest

from orch_nb.errors import InputError
from orch_nb.invoke.loop import BackgroundLoop, Feed


@pytest.fixture
def loop() -> Iterator[BackgroundLoop]:
    made = BackgroundLoop("test-loop")
    yield made
    made.close()
    assert "test-loop" not in [thread.name for thread in threading.enumerate()]


async def double(number: int) -> int:
    await asyncio.sleep(0)
    return 2 * number


async def fail() -> None:
    raise TimeoutError("the work's own")


def test_the_thread_starts_with_the_first_work(loop: BackgroundLoop) -> None:
    assert not loop.running
    assert loop.run(lambda: double(4)) == 8
    assert loop.running
    loop.close()
    loop.close()
    assert not loop.running
    assert loop.run(lambda: double(5)) == 10


def test_errors_are_the_works_own(loop: BackgroundLoop) -> None:
    with pytest.raises(TimeoutError, match="the work's own"):
        loop.run(fail)


def test_it_works_inside_a_running_loop_and_from_many_threads(loop: BackgroundLoop) -> None:
    async def inside() -> int:
        return loop.run(lambda: double(1))

    assert asyncio.run(inside()) == 2
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda n: loop.run(lambda: double(n)), range(50))) == [
            2 * n for n in range(50)
        ]


class Failed(Exception):
    """An error that can be watched."""


@pytest.mark.parametrize("way", ["run", "submit"])
def test_an_error_leads_back_to_nothing_and_is_gone_when_it_was_handled(
    loop: BackgroundLoop, way: str
) -> None:
    async def fails() -> None:
        raise Failed

    def error() -> weakref.ref[Failed]:
        try:
            loop.run(fails) if way == "run" else loop.submit(fails).result(20)
        except Failed as failed:
            return weakref.ref(failed)
        raise AssertionError

    gc.collect()
    gc.disable()
    try:
        seen = error()
        until = time.monotonic() + 20
        while seen() is not None and time.monotonic() < until:
            time.sleep(0.01)  # the loop's thread lets go a moment later
        assert seen() is None
    finally:
        gc.enable()


def test_its_own_work_is_told_not_to_wait_for_it(loop: BackgroundLoop) -> None:
    async def waits() -> int:
        return loop.run(lambda: double(1))

    async def awaits() -> int:
        return await loop.arun(lambda: double(2))

    with pytest.raises(InputError, match="await its aask"):
        loop.run(waits)
    assert loop.run(awaits) == 4


def test_a_feed_is_consumed_in_the_waiting_thread_and_whole(loop: BackgroundLoop) -> None:
    seen: list[tuple[str, int]] = []
    feed = Feed(lambda text: seen.append((text, threading.get_ident())))

    async def talk() -> str:
        for number in range(200):
            feed.put(f"{number} ")
            if number % 50 == 0:
                await asyncio.sleep(0.01)
        return "done"

    assert loop.run(talk, feed) == "done"
    assert "".join(text for text, _ in seen) == "".join(f"{n} " for n in range(200))
    assert {thread for _, thread in seen} == {threading.get_ident()}


@pytest.fixture
def stops() -> Iterator[list[int]]:
    """The SIGINTs that were handled, each of which raised KeyboardInterrupt."""
    handled: list[int] = []

    def handle(number: int, _frame: object) -> None:
        handled.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, handle)
    yield handled
    signal.signal(signal.SIGINT, before)


async def until_waits(thread: threading.Thread) -> None:
    """Return when `thread` waits for the loop: a stop finds it where stops are handled."""
    waiting = (BackgroundLoop.run.__code__, Feed.consume_until.__code__)
    while sys._current_frames()[thread.ident or 0].f_code not in waiting:
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("with_feed", [False, True])
def test_a_stop_waits_for_the_clean_up_however_often_it_comes(
    loop: BackgroundLoop, stops: list[int], with_feed: bool
) -> None:
    cleaned = threading.Event()

    async def work() -> None:
        await until_waits(threading.main_thread())
        os.kill(os.getpid(), signal.SIGINT)
        try:
            await asyncio.sleep(30)
        finally:
            os.kill(os.getpid(), signal.SIGINT)
            while len(stops) < 2:
                await asyncio.sleep(0.01)
            cleaned.set()

    with pytest.raises(KeyboardInterrupt):
        loop.run(work, Feed(print) if with_feed else None)
    assert cleaned.is_set()
    assert len(stops) == 2
    assert loop.run(lambda: double(1)) == 2


@pytest.mark.parametrize("with_feed", [False, True])
@pytest.mark.parametrize("in_a_row", [1, 2])
def test_stops_at_any_moment_leave_nothing_and_hang_nobody(
    loop: BackgroundLoop, in_a_row: int, with_feed: bool
) -> None:
    asking, over = 0, False
    begun, ended, stopped = [0], [0], 0

    def handle(_number: int, _frame: object) -> None:
        nonlocal asking
        if asking:
            asking -= 1
            raise KeyboardInterrupt

    async def work() -> None:
        begun[0] += 1
        try:
            await asyncio.sleep(0.002)
        finally:
            ended[0] += 1

    def stop() -> None:
        pauses = Random(0)
        while not over:
            os.kill(os.getpid(), signal.SIGINT)
            if not asking or pauses.random() < 0.5:
                time.sleep(pauses.uniform(0.0, 0.003))

    before = signal.signal(signal.SIGINT, handle)
    stopping = threading.Thread(target=stop)
    stopping.start()
    try:
        for _ in range(500):
            try:
                asking = in_a_row
                loop.run(work, Feed(print) if with_feed else None)
            except KeyboardInterrupt:
                stopped += 1
            asking = 0
            assert begun == ended
    finally:
        over = True
        stopping.join()
        signal.signal(signal.SIGINT, before)
    assert stopped
    assert loop.run(tasks) == 1


async def tasks() -> int:
    return len(asyncio.all_tasks())


def test_a_consumer_that_fails_stops_the_work(loop: BackgroundLoop) -> None:
    cleaned = threading.Event()

    def consume(text: str) -> None:
        raise ZeroDivisionError(text)

    feed = Feed(consume)

    async def work() -> None:
        feed.put("a")
        try:
            await asyncio.sleep(30)
        finally:
            cleaned.set()

    with pytest.raises(ZeroDivisionError):
        loop.run(work, feed)
    assert cleaned.is_set()


def test_closing_cancels_then_runs_the_last_work(loop: BackgroundLoop) -> None:
    order: list[str] = []
    started = threading.Event()

    async def work() -> None:
        started.set()
        try:
            await asyncio.sleep(30)
        finally:
            order.append("cancelled")

    async def last() -> None:
        order.append("last")

    future = loop.submit(work)
    assert started.wait(30)
    loop.close(last)
    assert order == ["cancelled", "last"]
    assert future.cancelled()


def test_closing_does_not_wait_for_ever(loop: BackgroundLoop) -> None:
    waited_for = threading.Event()

    async def work() -> None:
        while not waited_for.is_set():
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                await asyncio.sleep(30)
                waited_for.set()

    future = loop.submit(work)
    loop.run(lambda: double(1))
    loop.close()
    assert not waited_for.is_set()
    assert not loop.running
    assert future.cancelled()  # who waits for it waits no longer


def test_a_stop_lets_those_go_whose_work_keeps_the_loop_busy(loop: BackgroundLoop) -> None:
    busy, over = threading.Event(), threading.Event()

    async def work() -> None:
        busy.set()
        over.wait(30)

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        asked = pool.submit(loop.run, work)
        assert busy.wait(30)
        behind = loop.submit(lambda: double(1))
        loop.cancel()
        with pytest.raises(concurrent.futures.CancelledError):
            asked.result(20)
        assert not over.is_set()
        over.set()
    assert loop.run(lambda: double(1)) == 2
    assert behind.cancelled()


def test_a_loop_that_is_closed_while_busy_ends_in_silence(loop: BackgroundLoop) -> None:
    busy, over = threading.Event(), threading.Event()

    async def work() -> None:
        busy.set()
        over.wait(30)

    future, behind = loop.submit(work), loop.submit(lambda: double(1))
    assert busy.wait(30)
    thread = next(each for each in threading.enumerate() if each.name == "test-loop")
    loop.close()
    over.set()
    thread.join(20)
    assert not thread.is_alive()
    assert future.done()
    assert behind.cancelled()
