"""The name of a recorded request: what it follows from, and what it does not."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from orch_nb.store.requested import describe, digest
from orch_nb.types import (
    Image,
    Message,
    Tool,
    Wants,
)
from store.test_recording import (
    REQUEST,
    SETTINGS,
)


def test_a_name_stays() -> None:
    # Recordings are committed: another name for the same request would lose them.
    assert digest(describe(REQUEST, SETTINGS)) == "392c9d2cfd8f35d473b3f501ef8125b9"
    assert json.dumps(describe(REQUEST, SETTINGS)) == (
        '{"messages": [{"content": "Name three rivers.", "role": "user"}], "wants": '
        '{"strategy": "balanced", "fallback": "best"}}'
    )


@pytest.mark.parametrize(
    "other",
    [
        {"messages": (Message("user", "Name three rivers. "),)},
        {"messages": (Message("user", "Name three rivers.", (Image("image/png", "AA=="),)),)},
        {"messages": (Message("assistant", "Name three rivers."),)},
        {"system": ""},
        {"tools": (Tool("look", "", {}),)},
        {"wants": Wants(strategy="cost")},
        {"wants": Wants(models=("a:m",))},
        {"wants": Wants(deadline=5)},
    ],
)
def test_another_request_has_another_name(other: dict[str, Any]) -> None:
    assert digest(describe(replace(REQUEST, **other), SETTINGS)) != digest(
        describe(REQUEST, SETTINGS)
    )


@pytest.mark.parametrize(
    "same",
    [
        {"wants": Wants(cache="refresh")},
        {"wants": Wants(stream=False)},
        {"wants": Wants(strategy="balanced")},
    ],
)
def test_the_same_request_has_the_same_name(same: dict[str, Any]) -> None:
    assert describe(replace(REQUEST, **same), SETTINGS) == describe(REQUEST, SETTINGS)
