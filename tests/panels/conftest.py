"""A session whose models differ in price and quality, and frames whose time stands still."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from orch_nb import Session
from orch_nb.panels.frame import Frame
from orch_nb.panels.panel import Panel, make_panels
from stub.client import Stub

CHEAP, MIDDLE, STRONG = "alpha:stub-cheap", "alpha:stub-middle", "alpha:stub-strong"
_FACTS = {CHEAP: (0.1, 0.5, 0.2), MIDDLE: (1, 4, 0.6), STRONG: (4, 20, 0.95)}


@pytest.fixture
def s(stub: Stub) -> Iterator[Session]:
    """A session with three models, none of which reads images."""
    stub.models("alpha", [name.partition(":")[2] for name in _FACTS])
    models = {
        name: {
            "price": {"input": paid, "output": out},
            "context": 128_000,
            "capabilities": ["json", "tools"],
            "quality": {"chat": good},
        }
        for name, (paid, out, good) in _FACTS.items()
    }
    alpha = {"type": "compatible", "base_url": stub.url("alpha", "/v1"), "max_retries": 0}
    with Session({"probe": False, "providers": {"alpha": alpha}, "models": models}) as session:
        session.models()
        yield session


@dataclass
class Time:
    """A clock that is set by hand, and what is to be done later."""

    now: float = 100.0
    waiting: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def later(self, delay: float, act: Callable[[], None]) -> None:
        self.waiting.append((self.now + delay, act))

    def go_on(self, seconds: float) -> None:
        """Let time pass, and what waits for it happen."""
        self.now += seconds
        due = [act for at, act in self.waiting if at <= self.now]
        self.waiting = [one for one in self.waiting if one[0] > self.now]
        for act in due:
            act()


@pytest.fixture
def time() -> Time:
    return Time()


Open = Callable[..., Frame]


@pytest.fixture
def show(s: Session, time: Time) -> Iterator[Open]:
    """Show the session's panels, with the one named in front; closed at the end."""
    frames: list[Frame] = []

    def show(front: str = "", **panels: Panel) -> Frame:
        made = {**make_panels(s), **panels}
        frames.append(Frame(s, made, front=front, clock=time.clock, later=time.later))
        return frames[-1]

    yield show
    for frame in frames:
        frame.close()


def widgets(frame: Frame, kind: str) -> list[Any]:
    """All widgets of a kind that the frame has made, in their order."""
    return [made for made in frame._controls._made if type(made).__name__ == kind]


def labelled(frame: Frame, label: str) -> Any:
    """The one widget with this label."""
    (found,) = (w for w in frame._controls._made if getattr(w, "description", None) == label)
    return found


def send(widget: Any, **state: object) -> None:
    """What a front end sends when its user has changed `widget`."""
    data = {"method": "update", "state": state, "buffer_paths": []}
    widget._handle_msg({"content": {"data": data}, "buffers": []})


def choose(widget: Any, option: str) -> None:
    """What a front end sends when an option of a dropdown was chosen."""
    send(widget, index=widget.options.index(option))


def press(widget: Any) -> None:
    """What a front end sends when a button was pressed."""
    content = {"data": {"method": "custom", "content": {"event": "click"}}}
    widget._handle_msg({"content": content, "buffers": []})


def said(frame: Frame) -> str:
    """The line on what went wrong."""
    return words(frame._said.value.rpartition('role="status">')[2])


def words(shown: str) -> str:
    """What a person reads of HTML; one space for all tags between two cells."""
    cells = re.sub(r"(</?(div|t[a-z]+)\b[^>]*>)+", " ", shown)
    return html.unescape(re.sub(r"<[^>]+>", "", cells)).strip()
