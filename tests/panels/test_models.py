"""Models and providers: their health, their switches, and pages of many."""

from __future__ import annotations

import pytest

from orch_nb import Session
from orch_nb.errors import ServerFailed
from orch_nb.panels.models import providers
from orch_nb.panels.panel import make_panels
from panels.conftest import (
    CHEAP,
    MIDDLE,
    STRONG,
    Open,
    Time,
    labelled,
    press,
    send,
)
from stub.client import Stub


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
