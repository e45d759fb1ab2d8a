"""What keeps tabs and session the same: both ways, for several at once, from any thread."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import pytest
from ipywidgets.widgets.widget import _instances

from orch_nb import Session
from orch_nb.errors import InputError, UnknownNameError
from orch_nb.listeners import Change
from orch_nb.notebook.tables import Bundle, table
from orch_nb.panels import Panel, panel
from orch_nb.panels.controls import Controls
from orch_nb.panels.frame import Frame
from orch_nb.panels.panel import _PANELS, _installed, make_panels, panel_names
from orch_nb.panels.throttle import INTERVAL
from panels.conftest import Open, Time, labelled, press, said, send, widgets


def listeners(session: Session) -> int:
    return len(session._listeners._listeners)


def shares(frame: Frame) -> list[float]:
    return [slider.value for slider in widgets(frame, "FloatSlider")]


def test_what_is_moved_in_one_is_seen_in_the_session_and_in_the_other(
    s: Session, show: Open, time: Time
) -> None:
    one, two = show(), show()
    send(labelled(one, "cost"), value=0.8)
    assert (s.weights.cost, s.weights.quality, s.weights.speed) == (0.8, 0.1, 0.1)
    assert shares(one) == [0.8, 0.1, 0.1]
    assert shares(two) == [0.34, 0.33, 0.33]
    time.go_on(INTERVAL)
    assert shares(two) == [0.8, 0.1, 0.1]
    s.change(weights={"cost": 1, "quality": 3, "speed": 0}, strategy="cost")
    time.go_on(INTERVAL)
    for frame in (one, two):
        assert shares(frame) == [0.25, 0.75, 0.0]
        assert labelled(frame, "strategy").value == "cost"
    assert s.weights.quality == 3, "what is shown is not sent back"


def test_it_is_drawn_four_times_a_second_at_most(s: Session, show: Open, time: Time) -> None:
    frame = show()
    drawn = list[float]()
    frame._panels[0][1].refresh = lambda: drawn.append(time.now)  # type: ignore[method-assign]
    for _ in range(40):
        s.change(strategy="cost")
        time.go_on(0.05)
    assert 6 <= len(drawn) <= 8
    assert min(b - a for a, b in pairwise(drawn)) >= INTERVAL - 1e-6


def test_with_its_session_a_frame_is_closed(s: Session, show: Open, time: Time) -> None:
    frame = show()
    widget = frame.widget
    assert widget.comm is not None
    s.close()
    assert not frame.following
    assert widget.comm is None
    s.change(strategy="cost")  # a closed session may be used again
    time.go_on(1)
    assert listeners(s) == 0


def test_a_page_is_made_when_it_is_first_in_front(show: Open) -> None:
    frame = show("cache")
    assert widgets(frame, "FloatSlider") == []
    assert labelled(frame, "keep answers").value is True
    send(frame._tabs, selected_index=0)
    assert len(widgets(frame, "FloatSlider")) == 3
    assert frame._tabs.titles == ("Weights", "Experts", "Models", "Budget", "Cache", "Costs")


def test_a_page_that_is_not_in_front_is_drawn_when_it_comes_there(
    s: Session, show: Open, time: Time
) -> None:
    frame = show()
    send(frame._tabs, selected_index=3)
    s.change(weights={"cost": 1, "quality": 0, "speed": 0})
    time.go_on(1)
    assert shares(frame) == [0.34, 0.33, 0.33]
    send(frame._tabs, selected_index=0)
    assert shares(frame) == [1.0, 0.0, 0.0]


def test_what_is_wrong_is_one_line_and_changes_nothing(s: Session, show: Open) -> None:
    frame, before = show("budget"), s.settings
    field = labelled(frame, "per session")
    send(field, value="<b>much</b>")
    assert "session=<b>much</b> is no number of dollars" in said(frame)
    assert (s.settings, field.value) == (before, "")
    send(field, value="2")
    assert (said(frame), field.value) == ("", "2")
    assert s.settings.budget.session == 2


class Broken(Panel):
    """It fails in every way that there is."""

    listens: ClassVar[frozenset[Change]] = frozenset()

    def still(self) -> Bundle:
        """Nothing wrong so far."""
        return table(["broken"], [])

    def build(self, controls: Controls) -> Sequence[Any]:
        """A button."""
        return [controls.button("Break", "fails", self.fail)]

    def refresh(self) -> None:
        """Nothing to do."""

    def fail(self) -> None:
        raise KeyError("\x1b[31m<img src=x onerror=alert(1)>\nno such thing")


def test_an_unexpected_error_is_shown_too(s: Session, show: Open) -> None:
    frame = show("broken", broken=Broken(s))
    press(labelled(frame, "Break"))
    assert said(frame).startswith("KeyError: ")
    assert "<img" not in frame._said.value
    assert "\n" not in said(frame)
    assert "\x1b" not in said(frame)


def test_closing_unsubscribes_and_leaves_nothing(s: Session, time: Time) -> None:
    before, alive = listeners(s), set(_instances)
    frame = Frame(s, make_panels(s), clock=time.clock, later=time.later)
    for index in range(6):
        send(frame._tabs, selected_index=index)
    assert listeners(s) == before + 1
    root, watched = frame.widget, weakref.ref(frame)
    del frame
    root.close()  # as `Widget.close_all` does
    assert listeners(s) == before
    s.change(strategy="cost")
    time.go_on(1)
    del root
    gc.collect()
    assert watched() is None
    assert set(_instances) == alive


def test_nothing_is_drawn_while_nobody_sees_it(s: Session, show: Open, time: Time) -> None:
    frame, before = show(), listeners(s)
    send(frame.widget, _view_count=1)
    send(frame.widget, _view_count=0)
    assert listeners(s) == before - 1
    assert not frame.following
    s.change(weights={"cost": 1, "quality": 0, "speed": 0})
    send(frame.widget, _view_count=1)
    time.go_on(1)
    assert shares(frame) == [1.0, 0.0, 0.0]
    assert listeners(s) == before


def test_threads_may_change_what_is_moved_meanwhile(s: Session) -> None:
    frame = Frame(s, make_panels(s), clock=threading.TIMEOUT_MAX.__float__, later=at_once)
    failed = list[BaseException]()

    def change(number: int) -> None:
        try:
            for step in range(1, 8):
                s.change(weights={"cost": number, "quality": step, "speed": 1})
        except BaseException as error:
            failed.append(error)
            raise

    threads = [threading.Thread(target=change, args=(n,)) for n in range(1, 4)]
    for thread in threads:
        thread.start()
    for step in range(1, 8):
        send(labelled(frame, "cost"), value=step / 10)
    for thread in threads:
        thread.join()
    assert failed == []
    frame._stale.add(0)
    frame._draw()
    weights = s.weights
    total = weights.cost + weights.quality + weights.speed
    assert shares(frame)[0] == pytest.approx(weights.cost / total, abs=0.011)
    assert said(frame) == ""
    frame.close()


def at_once(_delay: float, act: object) -> None:
    threading.Thread(target=act).start()  # type: ignore[arg-type]


def test_a_panel_needs_no_more_than_a_still_form(s: Session, time: Time) -> None:
    @panel("calls")
    class Calls(Panel):
        """How many calls there were."""

        title: ClassVar[str] = "Calls so far"

        def still(self) -> Bundle:
            """A number."""
            return table(["calls"], [[str(len(self.session.ledger))]])

    try:
        assert panel_names()[-1] == "calls"
        frame = Frame(s, make_panels(s), front="calls", clock=time.clock, later=time.later)
        assert frame._tabs.titles[-1] == "Calls so far"
        shown = frame._panels[-1][1]._shown
        assert ">0</td>" in shown.value
        s.ask("Name a river")
        time.go_on(1)
        assert ">1</td>" in shown.value
        frame.close()
    finally:
        del _PANELS["calls"]


def test_another_package_adds_a_panel(
    s: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "counting.py").write_text(
        "from orch_nb.notebook.tables import table\n"
        "from orch_nb.panels import Panel\n"
        "class Count(Panel):\n"
        "    def still(self):\n"
        "        return table(['calls'], [[str(len(self.session.ledger))]])\n"
    )
    about = tmp_path / "counting-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: counting\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[orch_nb.panels]\ncount = counting:Count\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    _installed.cache_clear()
    try:
        assert panel_names()[-1] == "count"
        (made,) = make_panels(s, "count").values()
        assert made.still()["text/plain"] == "calls\n0"
    finally:
        _PANELS.pop("count", None)
        _installed.cache_clear()


def test_names_of_panels(s: Session) -> None:
    with pytest.raises(UnknownNameError, match="'budgte'; did you mean budget"):
        make_panels(s, "budgte")
    for name in ("two words", "", Panel):
        with pytest.raises(InputError, match="a panel needs a name of one word"):
            panel(name)  # type: ignore[arg-type]
