"""Calls that pass a breaker and end as the test says."""

from __future__ import annotations

import asyncio

from orch_nb.errors import ProviderError, ServerFailed
from orch_nb.invoke.breaker import Breakers

A, B, OTHER = "p:a", "p:b", "q:c"


class Clock:
    """Seconds, moved by the test."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def call(
    breakers: Breakers, model: str, error: ProviderError | None = None, *, probe: bool = False
) -> None:
    """A call of `model` that succeeds, or fails with `error`."""
    deadline = asyncio.get_running_loop().time() + 20
    async with breakers.permit(model, deadline, probe=probe) as permit:
        if error is None:
            permit.succeeded()
        else:
            permit.failed(error)


def fail(breakers: Breakers, times: int, model: str = A, *, probe: bool = False) -> None:
    for _ in range(times):
        asyncio.run(call(breakers, model, ServerFailed(model, "down", status=500), probe=probe))


def succeed(breakers: Breakers, model: str = A) -> None:
    asyncio.run(call(breakers, model))


def wait(breakers: Breakers, model: str = A) -> float:
    """Seconds for which `model` is left alone."""
    error = breakers.benched(model)
    return 0.0 if error is None else error.wait
