"""From a request to a decision: learn which models there are, then rank or take what was named."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict

from orch_nb.errors import SelectionError, TimedOut
from orch_nb.providers._memory import memory_for_models
from orch_nb.registry.catalog import Catalog
from orch_nb.routing.route import name_models, route
from orch_nb.routing.strategies import canonical
from orch_nb.settings import Settings
from orch_nb.types import Decision, Request


async def decide(
    request: Request,
    catalog: Catalog,
    settings: Settings,
    latency: Mapping[str, float],
    deadline: float | None = None,
) -> Decision:
    """Which models may answer `request`, best first.

    `latency` is seconds by model id as seen so far; `deadline` is on the loop's clock. Raises
    `SelectionError`, `UnknownNameError` or `InputError`, and `TimedOut` at the deadline.
    """
    strategy = canonical(request.wants.strategy or settings.strategy)
    named = request.wants.models

    def choose() -> Decision:
        if named:
            return name_models(request, [catalog.resolve(name) for name in named], latency)
        return route(
            request,
            catalog.cards(),
            strategy=strategy,
            weights=asdict(settings.weights),
            latency=latency,
            unreachable=catalog.unreachable(),
            memory=memory_for_models() if any(card.size for card in catalog.cards()) else None,
        )

    try:
        async with asyncio.timeout_at(deadline):
            await catalog.prepare(named)
            try:
                return choose()
            except SelectionError:
                if named:
                    raise
                # What was known at once does not suffice; somebody else may have what is needed.
                await catalog.discover()
                return choose()
    except TimeoutError:
        raise TimedOut("the providers", "did not list their models before the deadline") from None
