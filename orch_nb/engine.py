"""From a call to its record: decide, ask, remember. All of it runs on the session's event loop."""

from __future__ import annotations

import asyncio
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, TypeVar

from orch_nb.errors import InputError, Interrupted, OrchError
from orch_nb.forking import renew_after_fork
from orch_nb.invoke.bill import Bill
from orch_nb.invoke.breaker import Breakers
from orch_nb.invoke.call import Call
from orch_nb.invoke.invoke import Invoker
from orch_nb.invoke.loop import BackgroundLoop
from orch_nb.invoke.order import LOOKED_AT, without_benched
from orch_nb.listeners import Listeners
from orch_nb.providers._connect import Connection, disconnect
from orch_nb.registry.catalog import Catalog
from orch_nb.registry.memory import Memory
from orch_nb.routing.experts import check_pin, tool_needs
from orch_nb.sanitize import mask, one_line
from orch_nb.settings import Settings, user_home
from orch_nb.store.budget import Budget
from orch_nb.store.cache import open_cache
from orch_nb.store.call_file import CallFile
from orch_nb.store.experience import Experience
from orch_nb.store.ledger import Ledger
from orch_nb.store.observe import observations
from orch_nb.store.recording import Recording
from orch_nb.store.secret import signing_key
from orch_nb.store.threads import Threads
from orch_nb.store.traffic import Traffic
from orch_nb.types import Decision, ModelCard, Request, Response, Usage

if TYPE_CHECKING:
    from orch_nb.routing.router import Router


T = TypeVar("T")


class RouterWarning(UserWarning):
    """What was fitted to evaluations cannot be read. Models are chosen without it."""


@dataclass(slots=True, eq=False, weakref_slot=True)
class Memories:
    """What a session keeps when its connections are made anew."""

    ledger: Ledger
    budget: Budget
    experience: Experience
    traffic: Traffic
    tools: dict[str, frozenset[str]]
    random: Random
    recording: Recording | None = None
    breakers: Breakers = field(default_factory=lambda: Breakers(time.monotonic))
    listeners: Listeners = field(default_factory=Listeners)
    threads: Threads = field(default_factory=Threads)

    def __post_init__(self) -> None:
        renew_after_fork(self, Memories._start_anew)

    def _start_anew(self) -> None:
        # The calls under way are the parent's; and siblings must not all draw the same.
        self.traffic = Traffic(self.traffic.turns, self.traffic.changed)
        self.breakers.clear()
        self.random.seed()


class Engine:
    """Answers calls over one set of connections.

    Parameters
    ----------
    settings
        What the connections, the catalog and the cache are made from.
    connections
        The configured providers by name.
    directory
        The notebook's folder.
    memories
        What outlives this engine.
    """

    def __init__(
        self,
        settings: Settings,
        connections: Mapping[str, Connection],
        directory: Path,
        memories: Memories,
    ) -> None:
        self._connections, self._memories = connections, memories
        memories.breakers.keep({name: c.endpoint for name, c in connections.items()})
        memory = Memory(lambda: user_home(os.environ))
        notify = partial(memories.listeners.notify, "models")
        self.catalog = Catalog(connections, settings.stated, memory, changed=notify)
        self.cache = open_cache(
            settings.cache,
            directory,
            secret=lambda: signing_key(user_home(os.environ)),
            clock=time.time,
        )
        self._invoker = Invoker(
            connections,
            self.cache,
            memories.traffic,
            memories.random,
            breakers=memories.breakers,
            clock=time.monotonic,
        )
        self._router: Router | None = None

    async def answer(self, call: Call, settings: Settings) -> Response:
        """The answer to `call`. Raises as `orch_nb.Session.ask` does; either way it is recorded."""
        response, error, error_type = None, None, None
        longest = min(settings.limits.call, call.request.wants.deadline or float("inf"))
        deadline = asyncio.get_running_loop().time() + longest
        try:
            call.request = self._memories.threads.continued(call.request)
            answer = await self._ask(call, settings, deadline)
            response = answer.kept()
            self._memories.threads.add(call.request, response)
        except OrchError as failure:
            error, error_type = str(failure), type(failure).__name__
            raise
        except asyncio.CancelledError:
            if call.partial is not None:
                response = call.partial = call.partial.kept()
            error, error_type = "interrupted", Interrupted.__name__
            raise
        finally:
            if response is None and error is None:  # what others' code raised
                error, error_type = self._crash(sys.exception())
            record = call.recorded = call.record(time.time(), response, error, error_type)
            self._memories.ledger.add(record)
            for observation in observations(record):
                self._memories.experience.add(observation)
        return response

    def _crash(self, crash: BaseException | None) -> tuple[str, str]:
        """What is kept of an error that is none of ours: a line without keys, and its class."""
        name = type(crash).__name__
        said = one_line(mask(str(crash), self._memories.ledger.secrets))
        return f"{name}: {said}" if said else name, name

    async def _ask(self, call: Call, settings: Settings, deadline: float) -> Response:
        decision = await self.decide(call.request, settings, deadline)
        self._memories.traffic.chosen(decision.best.model)
        expected = decision.profile.output_tokens
        bill = Bill(
            self._memories.budget,
            call.periods,
            self.catalog.cards,
            expected=expected,
            limits=settings.budget if call.periods else None,
        )
        seen = self._without_benched(decision, settings)
        answer = await self._invoker.invoke(
            call, decision, bill, fallback=settings.fallback, deadline=deadline
        )
        return _announced(answer, seen)

    async def decide(
        self, request: Request, settings: Settings, deadline: float | None = None
    ) -> Decision:
        """Which models may answer `request`; `deadline` is on the loop's clock."""
        self._memories.breakers.settings = settings.breaker
        if tools := request.wants.tools:
            needs = tool_needs(tools, settings.experts, self._memories.tools)
            request = replace(request, wants=replace(request.wants, needs=needs))
        return await self._routing.decide(request, settings, deadline)

    async def select(self, request: Request, settings: Settings) -> Decision:
        """What `decide` says to those who only want to know."""
        return self._without_benched(await self.decide(request, settings), settings)

    def _without_benched(self, decision: Decision, settings: Settings) -> Decision:
        breakers = self._memories.breakers
        if not breakers.any_open:
            return decision
        return without_benched(decision, breakers.benched, settings.fallback)

    async def preview(
        self, requests: Iterable[Request], settings: Settings, *, recorded: bool = False
    ) -> list[Decision | OrchError]:
        """What `select` says to each of `requests`; where it raises, what it raised.

        Unless it is to be `recorded`, and replayed, only what-if is asked.
        """
        select = self.select if recorded else partial(Engine.select, self)
        said: list[Decision | OrchError] = []
        for request in requests:
            try:
                said.append(await select(request, settings))
            except OrchError as error:
                said.append(error)
        return said

    async def pinnable(self, tool: str, name: str) -> str:
        """The id of the model `name`, if it may be the expert of `tool`; raises why it may not."""
        await self.catalog.prepare((name,))
        provider = name.partition(":")[0]
        if provider in self.catalog.providers:
            await self.catalog.discover([provider])
        card = self.catalog.resolve(name)
        self.catalog.absence(card.id)
        check_pin(tool, card, self._memories.tools)
        return card.id

    async def models(self) -> list[ModelCard]:
        """Every model that is known, by priority and name; those of servers are asked for once."""
        await self.catalog.prepare(())
        return list(self.catalog.cards())

    async def count_tokens(self, request: Request, settings: Settings) -> Usage:
        """The input tokens of `request` at the model that would be asked."""
        decision = await self.decide(request, settings)
        return await self._invoker.count_tokens(request, decision.best.card)

    async def close(self) -> None:
        """Close every connection."""
        await self.catalog.close()
        await disconnect(self._connections)

    @property
    def _routing(self) -> Router:
        if self._router is None:
            # These import numpy, which a session that asks nothing need not pay for.
            from numpy.random import default_rng  # noqa: PLC0415

            from orch_nb.routing import fitted, fitted_cascade  # noqa: PLC0415
            from orch_nb.routing.router import Router  # noqa: PLC0415

            kept, home = self._memories, user_home(os.environ)
            draws = default_rng(kept.random.getrandbits(64))
            self._router = Router(
                self.catalog,
                experience=kept.experience,
                traffic=kept.traffic,
                tools=kept.tools,
                budget=kept.budget,
                random=draws,
                fitted=_fitted(fitted.FittedRouter.load, home / fitted.FILE_NAME),
                cascade=_fitted(fitted_cascade.FittedCascade.load, home / fitted_cascade.FILE_NAME),
            )
        return self._router


def end(
    loop: BackgroundLoop,
    connections: Mapping[str, Connection],
    files: Iterable[Experience | CallFile | Budget],
) -> None:
    """Stop what runs on `loop`, close every connection, and write what is left into `files`."""
    loop.close(lambda: disconnect(connections))
    for file in files:
        file.close()


def _announced(answer: Response, seen: Decision) -> Response:
    """`answer`, with a notice if another model than the pinned one has given it.

    `seen` is the decision without those who were benched when it was made: unless one of these
    was asked after all, it is how the answer came about.
    """
    decision, wanted = answer.decision, answer.decision.best.model
    if seen is not decision and decision.cascade is None:
        out = (rejection.model for rejection in islice(seen.rejected, LOOKED_AT))
        if answer.model not in out:
            decision = seen
            answer = replace(answer, decision=seen)
    if not decision.source.startswith("expert") or answer.model == wanted:
        return answer
    causes = [attempt.cause for attempt in answer.attempts if attempt.model == wanted]
    said = f"the {decision.source}, {wanted}, did not answer ({causes[-1] if causes else 'failed'})"
    notice = "; ".join(filter(None, (decision.notice, f"{said}; {answer.model} did instead")))
    return replace(answer, decision=replace(decision, notice=notice))


def _fitted(load: Callable[[Path], T | None], path: Path) -> T | None:
    """What was fitted to evaluations, None where nothing was, or the file is damaged."""
    try:
        return load(path)
    except InputError as error:
        warnings.warn(f"{error}; models are chosen without it", RouterWarning, stacklevel=3)
        return None
