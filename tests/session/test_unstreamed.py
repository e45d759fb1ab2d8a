"""Calls whose answers come whole: the same answers, limits, money and stops."""

from __future__ import annotations

import threading
import time
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from orch_nb import Session
from orch_nb.errors import (
    BrokenAnswer,
    InputError,
    Interrupted,
    OrchError,
    Rejected,
    ServerFailed,
    TimedOut,
    Unreachable,
)
from orch_nb.store.tally import Spent
from session.conftest import Open
from session.test_asking import LUNA, OPUS, SOL
from session.test_budget import INPUT, OUTPUT, billed, spent
from session.test_ending import stop_when
from stub.answer import digest
from stub.client import Stub

#: Dollars of the most that one call with these limits can cost: 3 bytes and two turns in.
WORST = Decimal((3 + 2 * 16) * INPUT + 100 * OUTPUT) / 10**6


def ask_once(s: Session, **options: object) -> str:
    return s.ask("how", model=SOL, max_tokens=100, stream=False, **options).text  # type: ignore[arg-type]


@pytest.mark.parametrize("model", [LUNA, OPUS])
def test_the_answer_is_the_same(s: Session, stub: Stub, model: str) -> None:
    whole = s.ask("x", model=model, stream=False, cache="bypass")
    streamed = s.ask("x", model=model, cache="bypass")
    assert [entry.stream for entry in stub.log()] == [False, True]
    assert (whole.text, whole.usage, whole.cost) == (streamed.text, streamed.usage, streamed.cost)
    assert (whole.ttft, streamed.ttft is None) == (None, False)


def test_it_is_the_same_question_to_the_cache(s: Session, stub: Stub) -> None:
    first = s.ask("x", model=LUNA, stream=False)
    again = s.ask("x", model=LUNA)
    assert again.cached
    assert again.text == first.text
    assert len(stub.log()) == 1


def test_it_is_shown_at_once(s: Session) -> None:
    shown: list[str] = []
    answer = s.ask("x", model=LUNA, stream=False, on_text=shown.append)
    assert shown == [answer.text]


def test_a_provider_may_never_stream(configured: Stub, open_session: Open) -> None:
    s = open_session(providers={"openai": {"stream": False}})
    assert s.ask("x", model=LUNA).text.startswith(f"echo {digest('x')}")
    s.ask("y", model=LUNA, stream=True)
    s.ask("z", model=OPUS)
    assert [entry.stream for entry in configured.log()] == [False, True, True]


def test_batches_evaluations_and_comparisons(s: Session, stub: Stub) -> None:
    s.map(["a", "b"], "{{ item }}", model=LUNA, stream=False, progress=False)
    s.compare("d", [LUNA, OPUS], stream=False)
    s.evaluate([("e", "echo")], [LUNA], judge=OPUS, stream=False)
    assert len(stub.log()) == 6
    assert not any(entry.stream for entry in stub.log())


def test_a_slow_answer_has_the_time_of_the_attempt(configured: Stub, open_session: Open) -> None:
    configured.rule("openai", "slow?s=0.6")
    s = open_session(limits={"first_token": 0.2, "idle": 0.2})
    assert s.ask("x", model=LUNA, stream=False).text
    with pytest.raises(TimedOut, match="first_token"):
        s.ask("y", model=LUNA)


def test_a_slow_answer_ends_with_the_attempt(configured: Stub, open_session: Open) -> None:
    configured.rule("openai", "hang")
    s = open_session(limits={"attempt": 0.3})
    with pytest.raises(TimedOut, match=r"limits\.attempt"):
        s.ask("x", model=LUNA, stream=False)
    configured.wait_idle()


def test_what_is_no_switch_is_an_error(s: Session, stub: Stub) -> None:
    with pytest.raises(InputError, match="stream must be True or False"):
        s.ask("x", stream=0)  # type: ignore[arg-type]
    assert stub.log() == []


# -- money


def test_what_is_spent_is_the_bill(configured: Stub, open_session: Open) -> None:
    s = open_session(budget={"session": 1})
    ask_once(s)
    assert spent(s) == Spent(known=billed(configured))


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("close", Unreachable),  # before the head, which comes when all is written
        ("reset", Unreachable),
        ("truncated", Unreachable),
        ("bad_utf8", BrokenAnswer),
        ("502", ServerFailed),  # from a gateway, which has lost who was answering
        ("504", ServerFailed),
        ("408", TimedOut),
        ("400?code=content_filter", Rejected),  # Azure bills the prompt, and more
    ],
)
def test_what_may_have_been_billed_keeps_its_worst_case(
    configured: Stub, open_session: Open, fault: str, kind: type[OrchError]
) -> None:
    s = open_session(budget={"session": 1})
    ask_once(s, cache="bypass")  # so that the connection is there, and kept
    before = spent(s)
    # What a kept connection loses is sent again, over a new one, as if it had not been read.
    configured.plan("openai", *[fault] * (2 if fault in ("close", "reset") else 1))
    with pytest.raises(kind):
        ask_once(s, cache="bypass")
    assert spent(s) == Spent(known=before.known, unknown=WORST)


@pytest.mark.parametrize("fault", ["refuse", "refuse?by=filter", "tool?arguments=none"])
def test_what_is_no_answer_costs_what_its_document_counts(
    configured: Stub, open_session: Open, fault: str
) -> None:
    s = open_session(budget={"session": 1})
    configured.rule("openai", fault)
    with pytest.raises((Rejected, BrokenAnswer)):
        ask_once(s)
    assert spent(s) == Spent(known=billed(configured))


@pytest.mark.parametrize("fault", ["close", "reset"])
def test_what_a_kept_connection_lost_is_paid_once(
    configured: Stub, open_session: Open, fault: str
) -> None:
    s = open_session(budget={"session": 1})
    ask_once(s, cache="bypass")
    configured.plan("openai", fault)
    ask_once(s, cache="bypass")
    assert spent(s) == Spent(known=billed(configured))


@pytest.mark.parametrize("stream", [False, True])
def test_what_was_counted_is_the_cost_of_what_is_no_answer(
    configured: Stub, open_session: Open, stream: bool
) -> None:
    s = open_session(budget={"session": 1})
    configured.plan("openai", "null_content")
    with pytest.raises(BrokenAnswer, match="empty"):
        s.ask("how", model=SOL, max_tokens=100, stream=stream)
    assert spent(s) == Spent(known=billed(configured)) != Spent()


def test_a_stream_that_breaks_before_its_first_event_may_be_billed(
    configured: Stub, open_session: Open
) -> None:
    s = open_session(budget={"session": 1})
    configured.plan("openai", "truncated")
    with pytest.raises(Unreachable):
        s.ask("how", model=SOL, max_tokens=100, stream=True)
    assert spent(s) == Spent(unknown=WORST)


def test_a_gateway_that_streams_nothing_costs_nothing(configured: Stub, open_session: Open) -> None:
    s = open_session(budget={"session": 1})
    configured.plan("openai", "504")
    with pytest.raises(ServerFailed):
        s.ask("how", model=SOL, stream=True)
    assert spent(s) == Spent()


@pytest.mark.parametrize("fault", ["429", "500", "503", "401"])
def test_what_was_refused_costs_nothing(configured: Stub, open_session: Open, fault: str) -> None:
    s = open_session(budget={"session": 1})
    configured.plan("openai", fault)
    with pytest.raises(OrchError):
        ask_once(s)
    assert spent(s) == Spent()


def test_who_was_not_reached_is_not_paid(configured: Stub, open_session: Open) -> None:
    gone = f"http://127.0.0.1:{configured.dead_port()}/v1"
    s = open_session(budget={"session": 1}, providers={"openai": {"base_url": gone}})
    with pytest.raises(Unreachable):
        ask_once(s)
    assert spent(s) == Spent()


def test_what_a_proxy_does_not_let_through_is_not_paid(
    configured: Stub, open_session: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as proxy:  # 501 to CONNECT
        threading.Thread(target=proxy.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.server_port}")
        beyond = {"openai": {"base_url": "https://model.invalid/v1"}}
        s = open_session(budget={"session": 1}, providers=beyond)
        with pytest.raises(Unreachable):
            ask_once(s)
        proxy.shutdown()
    assert spent(s) == Spent()


# -- stops


@pytest.mark.parametrize("fault", ["hang", "hang_mid", "slow?s=20"])
def test_a_stop_ends_it_at_once_and_keeps_the_worst_case(
    configured: Stub, open_session: Open, fault: str
) -> None:
    s = open_session(budget={"session": 1})
    ask_once(s)
    before = spent(s)
    configured.rule("openai", fault)
    ready = threading.Event()

    def watch() -> None:
        while len(configured.log("openai")) < 2:
            time.sleep(0.01)
        ready.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    with stop_when(ready), pytest.raises(Interrupted) as caught:
        ask_once(s, cache="bypass")
    watcher.join()
    configured.wait_idle()
    assert configured.log()[-1].hung_up is not None
    assert caught.value.response is None
    assert spent(s) == Spent(known=before.known, unknown=WORST)
    configured.rule("openai", "ok")
    assert ask_once(s, cache="bypass")
