"""Stopping, deadlines, threads and closing: nothing hangs, and nothing is left behind."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from orch_nb import Session
from orch_nb.errors import AllFailed, Interrupted, TimedOut
from session.conftest import Open
from session.test_asking import LUNA, OPUS
from stub.answer import digest
from stub.client import Stub

SLOW = "ok?words=400&delay=0.02"


@contextmanager
def stop_when(ready: threading.Event) -> Iterator[None]:
    """Send this process SIGINT, as Jupyter's stop button does, once `ready` is set."""

    def stop() -> None:
        assert ready.wait(30)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=stop)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def our_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("orch_nb")]


@pytest.mark.parametrize("model", [LUNA, OPUS])
def test_a_stop_closes_the_connection_and_keeps_the_text(
    s: Session, stub: Stub, model: str
) -> None:
    stub.rule("*", SLOW)
    ready, shown = threading.Event(), list[str]()

    def show(text: str) -> None:
        shown.append(text)
        if len(shown) == 3:
            ready.set()

    with stop_when(ready), pytest.raises(Interrupted) as caught:
        s.ask("x", model=model, on_text=show)
    stub.wait_idle()
    assert stub.log()[-1].hung_up is not None
    partial = caught.value.response
    assert partial is not None
    assert partial.finish == "interrupted"
    assert partial.text == "".join(shown)
    assert partial.text.startswith(f"echo {digest('x')} alpha")
    assert partial.usage.source == "estimated"
    record = s.ledger.last
    assert record is not None
    assert (record.response, record.error) == (partial, "interrupted")
    stub.rule("*", "ok")
    assert not s.ask("x", model=model).cached
    s.close()
    assert our_threads() == []


def test_a_stop_before_any_text(s: Session, stub: Stub) -> None:
    stub.rule("*", "hang")
    ready = threading.Event()

    def watch() -> None:
        while not stub.stats().inflight:
            time.sleep(0.01)
        ready.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    with stop_when(ready), pytest.raises(Interrupted) as caught:
        s.ask("x", model=LUNA)
    watcher.join()
    assert caught.value.response is None
    stub.wait_idle()
    assert len(s.ledger) == 1
    stub.rule("*", "ok")
    assert s.ask("x", model=LUNA).finish == "stop"


def test_a_failure_before_the_stop_stays_on_record(s: Session, stub: Stub) -> None:
    stub.rule("openai", "500")
    stub.rule("anthropic", SLOW)
    ready = threading.Event()
    with stop_when(ready), pytest.raises(Interrupted) as caught:
        s.ask("x", model=[LUNA, OPUS], on_text=lambda _: ready.set())
    partial = caught.value.response
    assert partial is not None
    assert partial.trail == f"{LUNA} (500) → {OPUS} (interrupted)"
    by_model = s.ledger.by_model()
    assert (by_model[LUNA].calls, by_model[LUNA].success) == (1, 0.0)
    assert by_model[OPUS].calls == 0


def test_async_code_cancels(s: Session, stub: Stub) -> None:
    stub.rule("openai", SLOW)

    async def ask() -> None:
        asked = asyncio.create_task(s.aask("x", model=LUNA))
        while not (await asyncio.to_thread(stub.stats)).inflight:
            assert not asked.done()
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        record = s.ledger.last  # at once: who was cancelled has waited for all of it
        assert record is not None
        assert record.error == "interrupted"

    asyncio.run(ask())
    stub.wait_idle()
    assert stub.log()[-1].hung_up is not None


def test_an_error_in_on_text_ends_the_call(s: Session, stub: Stub) -> None:
    stub.rule("openai", SLOW)

    def show(text: str) -> None:
        raise ZeroDivisionError(text)

    with pytest.raises(ZeroDivisionError):
        s.ask("x", model=LUNA, on_text=show)
    stub.wait_idle()
    assert stub.log()[-1].hung_up is not None


@pytest.mark.parametrize("fault", ["hang", "hang_mid", "drip?n=30&words=900", SLOW])
def test_a_deadline_ends_whatever_the_server_does(s: Session, stub: Stub, fault: str) -> None:
    stub.rule("*", fault)
    s.ask("warm", model="sim:small")
    began = time.monotonic()
    with pytest.raises((TimedOut, AllFailed), match="deadline"):
        s.ask("x", model=[LUNA, OPUS], deadline=0.5)
    assert time.monotonic() - began < 20  # and not the 30 s of limits.first_token
    stub.wait_idle()


def test_a_deadline_holds_for_lists_of_models_as_well(s: Session, stub: Stub) -> None:
    stub.rule("*", "hang", wire="models")
    with pytest.raises(TimedOut, match="did not list their models before the deadline"):
        s.ask("x", deadline=0.3)


def test_sixteen_threads_ask_at_once(s: Session, stub: Stub) -> None:
    stub.rule("*", "ok?delay=0.002")
    prompts = [f"Prompt {i}" for i in range(16)]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        responses = list(pool.map(lambda p: s.ask(p, strategy="cost"), prompts))
    assert [r.text.split(" ")[1] for r in responses] == [digest(p) for p in prompts]
    assert len(s.ledger) == 16
    assert len(stub.log("openai")) == 17  # one list of models


def test_a_closed_session_may_be_used_again(s: Session, stub: Stub) -> None:
    def burst(start: int) -> list[str]:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            models = pool.map(lambda i: s.ask(f"{start + i}", strategy="cost").model, range(8))
            return list(models)

    assert burst(0) == [LUNA] * 8
    s.close()
    s.close()
    assert our_threads() == []
    assert burst(8) == [LUNA] * 8


def test_closing_ends_what_another_thread_asks(s: Session, stub: Stub) -> None:
    stub.rule("openai", SLOW)
    caught: list[BaseException] = []

    def ask() -> None:
        try:
            s.ask("x", model=LUNA)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test looks at it
            caught.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    while not stub.stats().inflight:
        time.sleep(0.01)
    s.close()
    thread.join(30)
    assert not thread.is_alive()
    assert [type(error) for error in caught] == [Interrupted]
    stub.wait_idle()
    assert our_threads() == []


def test_nothing_is_left_open(configured: Stub, open_session: Open) -> None:
    s = open_session()
    for model in (LUNA, OPUS):
        s.ask("x", model=model)
    assert configured.stats().live == 2
    s.close()
    deadline = time.monotonic() + 20
    while configured.stats().live and time.monotonic() < deadline:
        time.sleep(0.01)
    assert configured.stats().live == 0
    del s
    gc.collect()  # a ResourceWarning fails the test


@pytest.mark.parametrize("forget", ["", "\ndel s\nimport gc\ngc.collect()"])
def test_a_script_need_not_close_its_session(configured: Stub, forget: str) -> None:
    code = (
        f"import orch_nb\ns = orch_nb.Session()\nprint(s.ask('x', model={LUNA!r}).finish){forget}"
    )
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", code], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("stop\n", "")


def test_a_script_that_is_stopped_ends_at_once_and_says_so(configured: Stub) -> None:
    configured.rule("*", SLOW)
    code = f"import orch_nb\norch_nb.session().ask('x', model={LUNA!r})"
    with subprocess.Popen(
        [sys.executable, "-c", code], stderr=subprocess.PIPE, text=True
    ) as script:
        while not configured.stats().inflight:
            assert script.poll() is None
            time.sleep(0.01)
        script.send_signal(signal.SIGINT)
        said = script.communicate(timeout=120)[1]
    assert said.splitlines()[-1] == (
        "orch_nb.errors.Interrupted: stopped; the connection is closed"
    )
    configured.wait_idle()
    assert configured.log()[-1].hung_up is not None
