"""Settings that several threads change at once, or that a listener changes in the middle."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from orch_nb import Session
from orch_nb.errors import OrchError

THREADS = 8


@pytest.fixture
def hurried() -> Iterator[None]:
    """Threads that take turns after a few instructions, so that what can go wrong does."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def at_once(act: Callable[[int], None]) -> None:
    ready = threading.Barrier(THREADS)

    def run(number: int) -> None:
        ready.wait()
        act(number)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.usefixtures("hurried")
def test_no_change_of_another_thread_is_lost() -> None:
    with Session() as session:

        def change(number: int) -> None:
            for round_ in range(20):
                session.change_rows("models", {f"sim:m{number}": {"context": round_ + 1}})
                session.switch(f"sim:n{number}", on=False)
                session.experts.pin({f"tool{number}": "sim:small"})

        at_once(change)
        assert len(session.experts) == THREADS
        for number in range(THREADS):
            assert session.settings.models[f"sim:m{number}"].context == 20
            assert f"sim:n{number}" in session.settings.off


@pytest.mark.usefixtures("hurried")
def test_what_holds_for_a_while_leaves_others_changes() -> None:
    with Session() as session:

        def use(number: int) -> None:
            for _ in range(20):
                if number == 0:
                    with session.using(strategy="cost"):
                        pass
                else:
                    session.change_rows("models", {f"sim:m{number}": {"context": 7}})

        at_once(use)
        assert session.strategy == "balanced"
        assert {f"sim:m{n}" for n in range(1, THREADS)} <= session.settings.models.keys()


def test_a_listener_may_change_something_else() -> None:
    with Session() as session:

        def follow(_: str) -> None:
            if session.strategy == "cost":
                session.change(strategy="task")

        session.subscribe(follow)
        session.change(strategy="cost")
        session.change(weights={"cost": 2})
        assert session.strategy == "task"
        assert session.weights.cost == 2


def test_a_wrong_change_changes_nothing() -> None:
    with Session() as session:
        for wrong in ({"strategy": "chaep"}, {"cache": {"limit": "much"}}):
            with pytest.raises(OrchError):
                session.change(**wrong)
        assert session.strategy == "balanced"
        session.change(fallback="fail")
        assert session.settings.fallback == "fail"
