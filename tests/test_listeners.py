"""Listeners: told of every change, and unable to break what they listen to."""

from __future__ import annotations

import pytest

from orch_nb.listeners import Listeners, ListenerWarning


def test_everybody_is_told_in_order_until_they_leave() -> None:
    listeners, told = Listeners(), list[str]()
    leave = listeners.subscribe(lambda change: told.append(f"a {change}"))
    listeners.subscribe(lambda change: told.append(f"b {change}"))
    listeners.notify("calls")
    leave()
    leave()
    listeners.notify("cache")
    assert told == ["a calls", "b calls", "b cache"]


def test_one_that_fails_warns_and_the_others_are_told() -> None:
    listeners, told = Listeners(), list[str]()
    listeners.subscribe(lambda change: 1 / 0)
    listeners.subscribe(told.append)
    with pytest.warns(ListenerWarning, match="ZeroDivisionError"):
        listeners.notify("models")
    assert told == ["models"]
