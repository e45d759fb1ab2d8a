"""Tools and who is asked for them: locks, what cannot be chosen, and advice."""

from __future__ import annotations

import re
import time as clocks

from orch_nb import Session
from orch_nb.types import Observation
from panels.conftest import (
    CHEAP,
    MIDDLE,
    STRONG,
    Open,
    Time,
    labelled,
    said,
    send,
)


def locks(frame: object) -> dict[str, bool]:
    page = frame._panels[1][1]  # type: ignore[attr-defined]
    return {name: row[1].value for name, row in page._rows.items()}


def note(frame: object, tool: str) -> str:
    return str(frame._panels[1][1]._rows[tool][2].value)  # type: ignore[attr-defined]


def test_a_lock_pins_and_its_end_unpins(s: Session, show: Open, time: Time) -> None:
    s.tool("sql")
    frame = show("experts")
    assert {"json", "sql", "tools", "vision"} <= locks(frame).keys()
    assert not any(locks(frame).values())
    lock, choice = frame._panels[1][1]._rows["sql"][1], labelled(frame, "sql")
    send(choice, value=STRONG)
    assert dict(s.experts) == {}
    send(lock, value=True)
    assert dict(s.experts) == {"sql": STRONG}
    assert choice.disabled
    assert s.ask("List the tables", tool="sql").model == STRONG
    s.experts.pin(sql=MIDDLE)
    time.go_on(1)
    assert choice.value == MIDDLE
    send(lock, value=False)
    assert dict(s.experts) == {}
    assert not choice.disabled


def test_who_cannot_do_it_is_not_offered_and_the_reason_is(s: Session, show: Open) -> None:
    s.switch(MIDDLE, on=False)
    frame = show("experts")
    assert labelled(frame, "json").options == (CHEAP, STRONG)
    assert f"not offered: {MIDDLE} (switched off)" in note(frame, "json")
    assert labelled(frame, "vision").options == ()
    assert f"{CHEAP} (cannot do vision)" in note(frame, "vision")
    send(labelled(frame, "vision"), value=CHEAP)
    send(frame._panels[1][1]._rows["vision"][1], value=True)
    assert "cannot be the expert of vision" in said(frame)
    assert locks(frame)["vision"] is False
    assert dict(s.experts) == {}


def test_a_tool_that_only_a_pin_knows_can_be_unlocked(s: Session, show: Open) -> None:
    s.experts.pin(sql=CHEAP)
    frame = show("experts")
    assert labelled(frame, "sql").options == (CHEAP, MIDDLE, STRONG)
    send(frame._panels[1][1]._rows["sql"][1], value=False)
    assert "sql" in locks(frame)
    send(labelled(frame, "new tool"), value="poems")
    assert "poems" in locks(frame)
    send(labelled(frame, "new tool"), value="two words")
    assert "is no name of a tool" in said(frame)


def test_it_advises_from_what_was_seen_with_its_counts(s: Session, show: Open) -> None:
    s.tool("sql")
    s.ask("Name a river", tool="sql", task="chat")
    for quality in (0.0, 0.0, 1.0):
        s.remember(Observation(clocks.time(), CHEAP, "chat", "rating", quality=quality))
    for _ in range(5):
        s.remember(Observation(clocks.time(), STRONG, "chat", "evaluation", quality=1.0))
    frame = show("experts")
    assert re.search(
        rf"best so far at chat: {STRONG}, quality 0\.9\d after 5 evaluations", note(frame, "sql")
    )
