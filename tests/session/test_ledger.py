"""The ledger of all sessions, over sockets: what calls cost, however they end."""

from __future__ import annotations

import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path

import pytest

from orch_nb.errors import AllFailed, Interrupted, OrchError
from orch_nb.routing import strategies
from session.conftest import Open
from session.test_asking import LUNA, OPUS, SOL
from session.test_ending import SLOW, stop_when
from stub.client import Stub

NANO = Decimal(10) ** -9


def test_sums_of_all_kinds_of_calls_are_what_was_spent(
    configured: Stub, open_session: Open
) -> None:
    s = open_session()
    s.ask("one", model=SOL)
    s.ask("one", model=SOL)  # cached
    s.ask("Is 7 a prime? Answer yes or no.", strategy="cascade", cache="bypass")
    configured.rule("openai", SLOW)
    shown = threading.Event()
    with pytest.raises(Interrupted), stop_when(shown):
        s.ask("a long one", model=SOL, on_text=lambda text: shown.set())
    configured.rule("openai", "500")
    with pytest.raises(OrchError):
        s.ask("two", model=[SOL, LUNA])
    s.ask("three", model=[SOL, OPUS])
    configured.rule("*", "close_mid")
    with pytest.raises(AllFailed):
        s.ask("four", model=[SOL, OPUS])
    history = s.ledger.history()
    assert len(history) == len(s.ledger) == 7
    assert history.spent.unknown_calls == s.ledger.spent.unknown_calls
    assert abs(history.spent.known - s.ledger.spent.known) < 7 * NANO
    assert abs(history.spent.estimated - s.ledger.spent.estimated) < 7 * NANO
    assert s.ledger.spent.known > 0
    assert s.ledger.spent.estimated > 0
    rows = list(history)
    assert [row.cached for row in rows] == [False, True, False, False, None, False, None]
    assert [row.error_type for row in rows[3:]] == ["Interrupted", "AllFailed", None, "AllFailed"]
    assert rows[3].finish == "interrupted"
    assert rows[5].trail == f"{SOL} (500) → {OPUS}"


def test_a_session_that_just_ends_leaves_its_calls(configured: Stub, open_session: Open) -> None:
    script = "import orch_nb\norch_nb.Session().ask('hello', model='openai:gpt-6-luna')\n"
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True, timeout=120)
    (row,) = open_session().ledger.history()
    assert (row.model, row.call, row.error) == ("openai:gpt-6-luna", 1, None)


def test_what_is_under_way_at_the_end_of_a_process_is_kept(
    configured: Stub, open_session: Open, tmp_path: Path
) -> None:
    configured.rule("openai", SLOW)
    script = (
        "import orch_nb, threading\n"
        "shown = threading.Event()\n"
        "session = orch_nb.Session()\n"
        "options = dict(model='openai:gpt-6-luna', on_text=lambda text: shown.set())\n"
        "threading.Thread(target=session.ask, args=('hi',), kwargs=options, daemon=True).start()\n"
        "shown.wait()\n"
    )
    subprocess.run(
        [sys.executable, "-c", script], check=True, timeout=120, stderr=subprocess.DEVNULL
    )
    (row,) = open_session().ledger.history()
    assert (row.error_type, row.finish, row.usage_source) == (
        "Interrupted",
        "interrupted",
        "estimated",
    )


def test_a_strategy_that_crashes_is_in_the_record_by_its_class_and_one_line(
    configured: Stub, open_session: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strategies, "_STRATEGIES", dict(strategies._STRATEGIES))
    key = "sk-0123456789abcdef0123456789"

    @strategies.strategy("crashing")
    def crash(*_: object) -> strategies.Column:
        raise ValueError(f"bad {key}\nsecond line" + 999 * "!")

    s = open_session()
    with pytest.raises(ValueError, match="bad"):
        s.ask("hi", strategy="crashing")
    (record,) = s.ledger
    assert record.error_type == "ValueError"
    assert record.error is not None
    assert record.error.startswith("ValueError: bad ")
    assert key not in record.error
    assert "\n" not in record.error
    assert len(record.error) < 300
    (row,) = s.ledger.history()
    assert (row.error_type, row.error) == ("ValueError", record.error)
