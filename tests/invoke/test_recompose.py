"""A request once more: what is changed, and what stays."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel

from orch_nb.errors import InputError, UnknownNameError
from orch_nb.invoke.compose import compose
from orch_nb.invoke.recompose import recompose
from orch_nb.types import Message, Request

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class City(BaseModel):
    name: str


def request(**options: Any) -> Request:
    return compose("Where is Oslo?", **options).request


def test_nothing_changes_by_itself() -> None:
    asked = request(
        model="a:m",
        system="Be brief.",
        temperature=0.5,
        images=[PNG],
        schema=City,
        max_cost=1,
        exclude="b",
        task="vision",
    )
    assert recompose(asked).request == asked


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"model": "b:m"}, {"model": "b:m"}),
        ({"system": "Be long."}, {"system": "Be long."}),
        ({"temperature": 0}, {"temperature": 0}),
        ({"effort": "low", "seed": 7}, {"effort": "low", "seed": 7}),
        ({"images": [PNG]}, {"images": [PNG]}),
        ({"schema": City}, {"schema": City}),
        ({"max_cost": 2, "local": True}, {"max_cost": 2, "local": True}),
        ({"strategy": "cost"}, {"strategy": "cost", "model": None}),
        ({"tool": "sql"}, {"tool": "sql", "model": None}),
        ({"verifier": "b:m"}, {"verifier": "b:m", "model": None}),
        ({"cache": "refresh"}, {"cache": "refresh"}),
        ({"deadline": 5}, {"deadline": 5}),
    ],
)
def test_what_is_changed(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    before = {"model": "a:m", "system": "Be brief.", "temperature": 0.5, "max_cost": 1}
    assert recompose(request(**before), **changes).request == request(**{**before, **expected})


def test_what_was_said_before_stays_and_the_thread_does_not() -> None:
    asked = request(thread="where")
    earlier = (Message("user", "Hello"), Message("assistant", "Hi"))
    asked = replace(asked, messages=(*earlier, *asked.messages))
    made = recompose(asked, model="b:m").request
    assert made.messages == asked.messages
    assert made.wants.thread is None


def test_a_check_is_no_part_of_a_request() -> None:
    asked = request(check="assert True")
    with pytest.raises(InputError, match="no check is kept"):
        recompose(asked, model="a:m")
    call = recompose(asked, check="assert 1")
    assert call.check is not None
    assert call.request.wants.strategy == "cascade"


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(UnknownNameError, match="frobnicate"):
        recompose(request(), frobnicate=1)  # type: ignore[call-arg]
    with pytest.raises(InputError, match="temperature"):
        recompose(request(), temperature=9)
