"""Budget, cache and costs: what they show, and what they change."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

from orch_nb import Session
from orch_nb.errors import BudgetExceeded
from orch_nb.notebook.cards import show_models
from orch_nb.panels.budget import bar, projection
from orch_nb.store.tally import Spent
from panels.conftest import (
    CHEAP,
    STRONG,
    Open,
    Time,
    choose,
    labelled,
    press,
    said,
    send,
    widgets,
    words,
)

# -- budget


def test_limits_are_edited(s: Session, show: Open, time: Time) -> None:
    frame = show("budget")
    send(labelled(frame, "per task"), value="0.000001")
    assert s.settings.budget.task == Decimal("0.000001")
    with pytest.raises(BudgetExceeded):
        s.ask("x", model=STRONG)
    choose(labelled(frame, "of unknown price"), "may be asked")
    assert s.settings.budget.unpriced == "allow"
    send(labelled(frame, "per task"), value=" ")
    assert s.settings.budget.task is None
    s.change(budget={"session": 3.5})
    time.go_on(1)
    assert labelled(frame, "per session").value == "3.5"


def test_a_bar_shows_how_sure_the_money_is() -> None:
    spent = Spent(Decimal("0.5"), Decimal("0.25"), Decimal("0.125"), Decimal("0.125"))
    drawn = bar("session", Decimal(2), spent)
    assert "session: <span>$</span>1.00 of <span>$</span>2.00" in drawn
    assert re.findall(r"width:([\d.]+)%", drawn) == ["25.00", "12.50", "6.25", "6.25"]
    assert 'aria-label="session: $1.00 of $2.00 ($0.50 known, ' in drawn
    over = bar("hour", Decimal(0), Spent(known=Decimal(1)))
    assert re.findall(r"width:([\d.]+)%", over) == ["100.00"]
    assert "<div role" not in bar("hour", None, Spent(known=Decimal(1)))


def test_the_projection_says_what_it_is_made_of(s: Session) -> None:
    assert projection(s).startswith("the last 60 minutes cost $0;")
    s.change(budget={"session": 1, "hour": 2})
    for number in range(3):
        s.ask(f"Name {number}", model=STRONG)
    spent = s.budget.spent()["hour"].settled
    hours = float((1 - spent) / spent)
    assert f"the session's limit would be reached in {hours:.1f} h" in projection(s)
    assert "% of the hour's limit" in projection(s)
    s.change(budget={"session": 0})
    assert "nothing is left for this session" in projection(s)


# -- cache and costs


def test_the_cache_is_counted_cleared_and_switched(s: Session, show: Open, time: Time) -> None:
    s.ask("Name a river", model=STRONG)
    again = s.ask("Name a river", model=STRONG)
    assert again.cached
    frame = show("cache")
    page = frame._panels[4][1]
    shown = words(page._table.value)
    assert "entries 1 size" in shown
    assert "hits 1 of 2 (50 %)" in shown
    press(labelled(frame, "Clear …"))
    assert s.cache is not None
    assert s.cache.stats().entries == 1, "it asks first"
    assert "orch-hidden" in page._clear._dom_classes
    press(labelled(frame, "Keep them"))
    press(labelled(frame, "Clear …"))
    press(labelled(frame, "Yes, forget them"))
    assert s.cache.stats().entries == 0
    assert "orch-hidden" in page._yes._dom_classes
    send(labelled(frame, "keep answers"), value=False)
    assert s.cache is None
    assert "every prompt is asked anew" in page._table.value
    s.change(cache={"enabled": True, "limit": 5_000_000})
    time.go_on(1)
    assert labelled(frame, "keep answers").value is True
    assert "of 5.0 MB" in page._table.value
    send(labelled(frame, "keep answers"), value=False)
    assert s.settings.cache.limit == 5_000_000


def test_costs_follow_the_calls(s: Session, show: Open, time: Time) -> None:
    frame = show("costs")
    shown = frame._panels[5][1]._shown
    s.ask("Name a river", model=STRONG)
    time.go_on(1)
    assert STRONG in shown.value
    assert "data:image/svg+xml" in shown.value


def test_all_controls_have_a_name(show: Open) -> None:
    frame = show()
    for index in range(6):
        send(frame._tabs, selected_index=index)
    for kind in ("Button", "ToggleButton", "Checkbox", "Text", "Combobox", "Dropdown"):
        for made in widgets(frame, kind):
            shown = "orch-hidden" not in made._dom_classes
            assert made.tooltip
            assert made.description or not shown
    assert all(slider.description for slider in widgets(frame, "FloatSlider"))


def test_what_if_is_not_recorded_and_a_replay_says_so(s: Session, show: Open, time: Time) -> None:
    s.change(mode="record")
    s.ask("Name a river")
    kept = sorted(Path(".orch").rglob("*.json"))
    assert kept
    frame = show()
    send(labelled(frame, "quality"), value=1.0)
    assert sorted(Path(".orch").rglob("*.json")) == kept
    press(labelled(frame, "Reset"))
    s.change(mode="replay")
    time.go_on(1)
    assert "nobody" in frame._panels[0][1]._table.value
    for index in range(1, 6):
        send(frame._tabs, selected_index=index)
        assert said(frame) == ""
    assert s.ask("Name a river").replayed


def test_what_is_off_is_named_among_the_models(s: Session) -> None:
    s.switch(CHEAP, on=False)
    assert f"not {CHEAP}: switched off" in show_models([], s)["text/plain"]
