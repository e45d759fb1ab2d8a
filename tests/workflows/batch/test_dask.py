"""Batches on a cluster of two processes: one budget, one rate limit, one cache, one ledger."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal

import pandas as pd  # type: ignore[import-untyped]
import pytest
from distributed import Client, LocalCluster

from orch_nb import OrchError, Response, Session
from orch_nb.errors import BudgetExceeded, InputError, SelectionError, UnknownNameError
from orch_nb.store.call_table import CallTable
from orch_nb.workflows.batch.answers import BatchStopped
from orch_nb.workflows.batch.remote import Failure
from stub.client import Stub
from stub.spec import write

Open = Callable[..., Session]
SMALL = "a:small"


def started(threads: int) -> LocalCluster:
    """Two workers, which listen to this machine alone and show nothing."""
    return LocalCluster(
        n_workers=2,
        threads_per_worker=threads,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        worker_dashboard_address=None,
        silence_logs=50,
    )


def take_over(environment: dict[str, str]) -> None:
    os.environ.update(environment)


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with started(threads=2) as cluster:
        yield cluster


@pytest.fixture
def client(cluster: LocalCluster) -> Iterator[Client]:
    """Workers with the folders of this test."""
    ours = {name: value for name, value in os.environ.items() if name.startswith("ORCH_")}
    with Client(cluster) as client:
        client.wait_for_workers(2)
        client.run(take_over, ours)
        yield client


def posts(stub: Stub) -> Counter[str]:
    return Counter(entry.prompt for entry in stub.log() if entry.method == "POST")


def patiently(session: Session, calls: int) -> CallTable:
    """The history, when there are so many: workers write down what they did a little later."""
    while len(found := session.ledger.history()) < calls:
        time.sleep(0.1)
    return found


def costs(answers: list[Response]) -> Decimal:
    return sum((answer.cost or Decimal(0) for answer in answers), Decimal(0))


@pytest.mark.usefixtures("client")
def test_the_accounts_are_those_of_one_process(session: Session, stub: Stub) -> None:
    items = [f"river {n}" for n in range(40)]
    answers = session.map(items, "About {{ item }}", model=SMALL, backend="dask")
    assert posts(stub) == {f"About {item}": 1 for item in items}
    assert session.ask("About river 7", model=SMALL).text == answers[7].text
    assert answers.failed == ()
    assert answers.billed == session.ledger.spent.total == costs(answers) > 0
    assert session.budget.spent()["session"].known == answers.billed
    assert len(session.ledger) == 41
    written = patiently(session, 41)
    assert sum(row.session == session.ledger.session for row in written) == 1
    assert sum((row.known for row in written), Decimal(0)) == answers.billed
    again = session.map([*items, "sea"], "About {{ item }}", model=SMALL, backend="dask")
    assert [answer.cached for answer in again] == [True] * 40 + [False]
    assert again.billed == again[40].cost
    assert session.budget.spent()["session"].known == session.ledger.spent.total
    assert sum(posts(stub).values()) == 41


@pytest.mark.usefixtures("client")
def test_rows_that_fail_are_rows(session: Session, stub: Stub) -> None:
    stub.rule("a", "400")
    table = pd.DataFrame({"t": ["one", None, "two"]}, index=["x", "y", "z"])
    frame = session.map(table, "{{ t }}", model=SMALL, backend="dask")
    assert list(frame.index) == ["x", "y", "z"]
    assert frame.error["y"] == "InputError: row 1: t is missing"
    assert frame.error[["x", "z"]].str.contains("a:small").all()
    assert len(session.ledger) == 2


@pytest.mark.usefixtures("client")
def test_the_workers_share_one_budget(open_session: Open, stub: Stub) -> None:
    stub.rule("a", write("ok", words=900))
    session = open_session(budget={"session": 0.0011})  # each costs about 0.0001
    items = [f"n {n}" for n in range(64)]
    answers = session.map(
        items, "{{ item }}", model=SMALL, n_jobs=16, max_tokens=1500, backend="dask"
    )
    refused = [answer for answer in answers if isinstance(answer, OrchError)]
    assert 0 < len(refused) < 64
    assert all(isinstance(error, BudgetExceeded) for error in refused)
    assert session.ledger.spent.total == session.budget.spent()["session"].total
    assert 0 < session.ledger.spent.total <= Decimal("0.0011")
    assert sum(posts(stub).values()) == 64 - len(refused)


@pytest.mark.usefixtures("client")
def test_the_workers_share_one_rate_limit(open_session: Open, stub: Stub) -> None:
    url = stub.url("a", "/v1")
    row = {"type": "compatible", "base_url": url, "max_retries": 0, "rate_limit_per_minute": 2}
    session = open_session(providers={"a": row})
    answers = session.map(
        list("abcdefgh"), "{{ item }}", model=SMALL, n_jobs=8, deadline=4, backend="dask"
    )
    assert len(answers.failed) == 6
    assert all("rate_limit_per_minute left no turn" in str(answers[n]) for n in answers.failed)
    assert sum(posts(stub).values()) == 2


@pytest.mark.usefixtures("client")
def test_a_key_that_the_workers_do_not_have_is_no_secret_of_theirs(
    open_session: Open, stub: Stub
) -> None:
    url = stub.url("a", "/v1")
    row = {"type": "compatible", "base_url": url, "api_key": "sk-only-in-python"}
    session = open_session(providers={"a": row})
    with pytest.raises(InputError, match=r"have no key for a: .* is not sent to them") as refused:
        session.map(["x"], "{{ item }}", model=SMALL, backend="dask")
    assert "sk-only" not in str(refused.value)
    row["headers"] = {"X-Api-Key": "sk-in-a-header"}
    with pytest.raises(InputError, match="have no key for a"):
        open_session(providers={"a": row}).map(["x"], "{{ item }}", model=SMALL, backend="dask")
    assert not posts(stub)


def test_limits_need_one_folder(open_session: Open, client: Client, stub: Stub) -> None:
    client.run(take_over, {"ORCH_HOME": os.environ["ORCH_HOME"] + "-of-another"})
    with pytest.raises(InputError, match="share ORCH_HOME"):
        open_session(budget={"session": 1}).map(["x"], "{{ item }}", model=SMALL, backend="dask")
    assert not posts(stub)
    session = open_session()
    answers = session.map(["x", "y"], "{{ item }}", model=SMALL, backend="dask")
    assert answers.billed == session.ledger.spent.total
    assert session.budget.spent()["session"].known == answers.billed
    assert len(session.ledger.history()) == 2  # written here, as it is not there


def test_what_is_wrong_costs_nothing(
    session: Session, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnknownNameError, match="choose from dask, threading"):
        session.map(["x"], "{{ item }}", model=SMALL, backend="ray")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"client = distributed\.Client\(\)"):
        session.map(["x"], "{{ item }}", model=SMALL, backend="dask")
    with pytest.raises(InputError, match="leave out thread or backend"):
        session.map(["x"], "{{ item }}", model=SMALL, backend="dask", thread="talk")
    monkeypatch.setitem(sys.modules, "orch_nb.workflows.batch.cluster", None)
    with pytest.raises(InputError, match="pip install"):
        session.map(["x"], "{{ item }}", model=SMALL, backend="dask")
    assert not posts(stub)


@pytest.mark.usefixtures("client")
def test_what_cannot_be_sent_is_said_before_anything_is(session: Session, stub: Stub) -> None:
    lock = threading.Lock()

    def check(text: str) -> bool:
        return lock.locked()

    with pytest.raises(InputError, match="cannot be sent to the workers"):
        session.map(["x"], "{{ item }}", model=[SMALL, "a:large"], check=check, backend="dask")
    assert not posts(stub)


@pytest.mark.usefixtures("client")
def test_an_interrupt_stops_the_workers_and_keeps_what_is_done(
    session: Session, stub: Stub
) -> None:
    stub.rule("a", write("ok", words=20, delay=0.02))
    items = [f"item {n}" for n in range(80)]

    def interrupt_after_some() -> None:
        while len(session.ledger) < 6:
            time.sleep(0.01)
        _thread.interrupt_main()

    threading.Thread(target=interrupt_after_some, daemon=True).start()
    with pytest.raises(BatchStopped, match="run it again") as stopped:
        session.map(items, "{{ item }}", model=SMALL, n_jobs=4, backend="dask")
    stub.wait_idle()
    kept, asked = stopped.value.answers, posts(stub)
    done = [n for n in range(80) if isinstance(kept[n], Response)]
    assert 6 <= len(done) < 80
    assert sum(asked.values()) < 80
    assert {record.request.prompt for record in session.ledger if record.attempts} == asked.keys()
    spent = session.budget.spent()["session"]
    assert spent.reserved == 0
    assert spent.known + spent.estimated == session.ledger.spent.total
    answers = session.map(items, "{{ item }}", model=SMALL, backend="dask", n_jobs=16)
    assert answers.failed == ()
    assert all(answers[n].cached for n in done)


def test_a_killed_worker_loses_nothing_that_was_paid_and_answered(
    session: Session, stub: Stub
) -> None:
    stub.rule("a", "slow?s=1")
    items = [f"item {n}" for n in range(8)]  # four for each worker, one after the other
    with started(threads=1) as cluster, Client(cluster) as client:
        workers = client.run(os.getpid)

        def kill_in_the_middle() -> None:
            while not {"item 2", "item 6"} <= posts(stub).keys():
                time.sleep(0.02)
            os.kill(next(iter(workers.values())), signal.SIGKILL)

        threading.Thread(target=kill_in_the_middle, daemon=True).start()
        answers = session.map(items, "{{ item }}", model=SMALL, n_jobs=2, backend="dask")
    assert answers.failed == ()
    cached = [answer.cached for answer in answers]
    assert sum(cached) == 2  # which the dead one had answered, and told nobody of
    asked = posts(stub)
    assert all(asked[item] == 1 for item, found in zip(items, cached, strict=True) if found)
    assert sum(asked.values()) == 9  # and one that it was waiting for
    assert session.budget.spent()["session"].known == costs(answers)
    history = patiently(session, 10)
    assert history.spent.known == costs(answers)
    assert session.ledger.spent.total == costs([a for a in answers if not a.cached])


def test_an_error_knows_the_same_on_the_other_side() -> None:
    error = BudgetExceeded("a:m", "too dear", period="hour", worst=Decimal(1))
    there = Failure.of(error).restored()
    assert (type(there), str(there), vars(there)) == (BudgetExceeded, str(error), vars(error))
    none = Failure.of(SelectionError("no model", [])).restored()
    assert isinstance(none, SelectionError)
    assert none.rejected == ()
