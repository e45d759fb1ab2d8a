"""Experts, models, budget, cache and costs: what they show, and what they change."""

from __future__ import annotations

import re
import time as clocks
from decimal import Decimal
from pathlib import Path

import pytest

from orch_nb import Session
from orch_nb.errors import BudgetExceeded, ServerFailed
from orch_nb.notebook.cards import show_models
from orch_nb.panels.budget import bar, projection
from orch_nb.panels.cache import size
from orch_nb.panels.models import providers
from orch_nb.panels.panel import make_panels
from orch_nb.store.tally import Spent
from orch_nb.types import Observation
from panels.conftest import (
    CHEAP,
    MIDDLE,
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
from stub.client import Stub

# -- experts


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


# -- models


def boxes(frame: object) -> dict[str, bool]:
    page = frame._panels[2][1]  # type: ignore[attr-defined]
    parts = (page._providers, page._models)
    return {
        name: box.value
        for part in parts
        for name, (box, _) in zip(part.names, part.lines, strict=False)
    }


def test_models_are_switched_off_and_on(s: Session, show: Open, time: Time) -> None:
    frame = show("models")
    assert boxes(frame) == dict.fromkeys(("alpha", "sim", CHEAP, MIDDLE, STRONG), True)
    send(labelled(frame, CHEAP), value=False)
    assert s.settings.off == {CHEAP}
    assert s.ask("Name a river", strategy="cost").model == MIDDLE
    s.switch(CHEAP, on=True)
    time.go_on(1)
    assert boxes(frame)[CHEAP] is True
    send(labelled(frame, "alpha"), value=False)
    assert s.providers == ()
    assert boxes(frame)["alpha"] is False
    send(labelled(frame, "alpha"), value=True)
    assert s.providers == ("alpha",)


def test_health_says_who_is_left_alone_and_who_is_down(s: Session, show: Open, stub: Stub) -> None:
    stub.rule("alpha", "500", model="stub-cheap")
    s.change(breaker={"failures": 1, "cooldown": 60})
    with pytest.raises(ServerFailed):
        s.ask("x", model=CHEAP)
    frame = show("models")
    page = frame._panels[2][1]
    line = page._models.lines[page._models.names.index(CHEAP)][1].value
    assert "benched for" in line
    assert ">0 %<" in line
    assert "ok" in page._models.lines[page._models.names.index(STRONG)][1].value


def test_two_hundred_models_stay_usable(stub: Stub, time: Time) -> None:
    from orch_nb.panels.frame import Frame

    rows = {f"alpha:model-{n:03}": {"price": {"input": 1, "output": 2}} for n in range(200)}
    alpha = {"type": "compatible", "base_url": stub.url("alpha", "/v1")}
    with Session({"probe": False, "providers": {"alpha": alpha}, "models": rows}) as session:
        frame = Frame(
            session, make_panels(session), front="models", clock=time.clock, later=time.later
        )
        page = frame._panels[2][1]
        assert page._models.names == [f"alpha:model-{n:03}" for n in range(10)]
        assert page._where.value == "1–10 of 200"
        assert page._back.disabled
        press(page._next)
        assert page._where.value == "11–20 of 200"
        send(page._filter, value="-19")
        assert page._where.value == "1–10 of 10"
        assert page._next.disabled
        send(labelled(frame, "alpha:model-195"), value=False)
        assert session.settings.off == {"alpha:model-195"}
        send(frame._tabs, selected_index=1)
        assert len(labelled(frame, "json").options) < 50
        send(labelled(frame, "json"), value="-19")
        assert labelled(frame, "json").options == tuple(
            f"alpha:model-{n}" for n in (190, 191, 192, 193, 194, 196, 197, 198, 199)
        )
        assert labelled(frame, "json").value == "-19"
        assert dict(session.experts) == {}
        send(frame._tabs, selected_index=2)
        send(page._filter, value="none of them")
        assert page._where.value == "0–0 of 0"
        frame.close()


def test_providers_and_what_they_are(s: Session) -> None:
    assert providers(s) == {"alpha": "ok", "sim": "ok"}
    s.switch("sim", on=False)
    assert providers(s) == {"sim": "off", "alpha": "ok"}


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


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (10**9, "1.0 GB")]
)
def test_sizes(count: int, text: str) -> None:
    assert size(count) == text


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
