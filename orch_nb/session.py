"""The session: one catalog, one set of settings, one cache, one ledger, and the line between."""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Self, Unpack
from uuid import uuid4

from orch_nb.configurable import Configurable
from orch_nb.engine import Engine, Memories, end
from orch_nb.errors import Interrupted, OrchError
from orch_nb.forking import renew_after_fork
from orch_nb.inventory import Inventory
from orch_nb.invoke.call import Call
from orch_nb.invoke.compose import Options, compose
from orch_nb.invoke.loop import BackgroundLoop, Feed
from orch_nb.modes import open_engine
from orch_nb.pins import Experts
from orch_nb.providers._connect import Connection, connect
from orch_nb.settings import Settings, user_home, working_folder
from orch_nb.store.budget import Budget
from orch_nb.store.call_file import CallFile
from orch_nb.store.experience import Experience
from orch_nb.store.ledger import Ledger
from orch_nb.store.report import Report
from orch_nb.store.traffic import Traffic
from orch_nb.toolbox import Toolbox
from orch_nb.types import (
    Decision,
    Observation,
    Request,
    Response,
    Usage,
)
from orch_nb.workflow_methods import WorkflowMethods


class Session(Configurable, Inventory, WorkflowMethods):
    """Chooses a model for each prompt, asks it, and remembers the answer.

    Everything works at once and without a network connection until the first prompt. A session
    may be used from several threads.

    Parameters
    ----------
    config
        Settings as in ``orch.yaml``, stronger than the file and the environment. Only here a key
        itself may be given (``api_key``).
    directory
        The notebook's folder, where ``orch.yaml`` is looked for and ``.orch`` is made.
    traits
        Settings from IPython's configuration, stronger than the file, weaker than `config`.
    working_for
        The id of a session in another process (``ledger.session``), which this one asks models for:
        from its budget, and within the same rate limits.

    Raises
    ------
    SettingsError
        A setting, or the file that holds it, is wrong.
    """

    _engine: Engine

    def __init__(
        self,
        config: Mapping[str, Any] | None = None,
        *,
        directory: str | os.PathLike[str] | None = None,
        traits: Mapping[str, Any] | None = None,
        working_for: str | None = None,
    ) -> None:
        #: The notebook's folder.
        self.directory = Path(directory) if directory is not None else working_folder()
        Configurable.__init__(self, self.directory, config=config, traits=traits)
        random = Random()  # noqa: S311 - jitter, and what strategies that explore draw
        WorkflowMethods.__init__(self, random)
        home, session = partial(user_home, os.environ), uuid4().hex
        self._shared, spender = working_for is not None, working_for or session
        #: What may be spent, and what was.
        self.budget = Budget(
            self.settings.budget, home, session=spender, clock=time.time, shared=self._shared
        )
        #: What was seen of models, in this session and in the user's others.
        self.experience, calls = Experience(home, clock=time.time), CallFile(home)
        self._files = (self.experience, calls, self.budget)
        self.ledger = Ledger(calls, session=session, clock=time.time)
        self._toolbox, traffic = Toolbox(), Traffic()
        #: Makes a name a tool, with what it needs and brings along.
        self.tool = self._toolbox.add
        self._memories = Memories(
            self.ledger, self.budget, self.experience, traffic, self._toolbox.needs, random
        )
        self._listeners = self._memories.listeners
        traffic.changed = partial(self._listeners.notify, "busy")
        #: Calls a function with the name of every change; returns what ends that.
        self.subscribe = self._listeners.subscribe
        #: Who is left alone for a while.
        self.breakers = self._memories.breakers
        self.ledger.subscribe(lambda _: self._listeners.notify("calls"))
        #: What was said in each thread, by model.
        self.threads = self._memories.threads
        #: Which model is pinned to which tool.
        self.experts = Experts(
            lambda: self.settings.experts,
            lambda tool, model: self._loop.run(lambda: self._engine.pinnable(tool, model)),
            lambda pins: self.change_rows("experts", pins),
        )
        self._loop = BackgroundLoop("orch_nb")
        renew_after_fork(self, Session._start_anew)
        self._connections: dict[str, Connection] = {}
        self._finalizer = weakref.finalize(self, end, self._loop, self._connections, self._files)
        self._connect(self.settings)

    def ask(
        self,
        prompt: str,
        *,
        on_text: Callable[[str], None] | None = None,
        **options: Unpack[Options],
    ) -> Response:
        """Send `prompt` to the best model and return its answer.

        Parameters
        ----------
        on_text
            Called in this thread with each piece of text as it arrives.
        model
            ``provider:model``, a bare name that one provider has, or several as an order to fall
            back along. None lets the strategy choose.
        strategy, task
            How to choose, None takes the session's; the kind of task, None reads it from the words.
        system
            Instructions that stand before the prompt.
        temperature, max_tokens, seed, effort
            Passed on where the provider has them; effort is low, medium or high.
        images
            Paths, bytes, PIL images or figures. Only a model that reads images is chosen.
        schema
            A pydantic model, dataclass or TypedDict: the answer is validated into
            ``Response.parsed``, and one that does not fit counts as failed.
        tool
            A tool, or several: the model that is pinned to the one named first is asked.
        max_cost, max_latency, min_quality
            Expected dollars and seconds of the call at most, expected quality in 0..1 at least.
        local, provider, exclude
            Only models on this machine; only of these providers; none of these providers or models.
            Whatever breaks one of these limits is out, in every strategy alike.
        check, verifier
            For the strategy cascade, which they imply: a function that says whether an answer will
            do, or assertions (Python) that its code must pass, run in a process of its own; the
            model that judges an answer.
        tools
            `orch_nb.types.Tool` that the model may ask for in ``Response.calls``. None is run.
        cache
            "use", "bypass" (neither look up nor keep), or "refresh" (ask again and replace).
        deadline
            Seconds that the whole call may take.
        thread
            The conversation to go on with: its model sees what was said in it, and no other does.
        stream
            False: the provider sends the answer in one piece, and a stop keeps none of it. None: as
            the provider's settings say.

        Raises
        ------
        InputError, SelectionError
            What was written is wrong, or no model may answer; nothing was sent.
        ProviderError, AllFailed, Interrupted
            Each model that was tried failed; or the user stopped, and it holds what had arrived.
        """
        return self.answer(self.compose(prompt, **options), on_text)

    def compose(self, prompt: str, **options: Unpack[Options]) -> Call:
        """The call that `ask` makes of its arguments. Raises `InputError`; nothing is sent."""
        equipped, given = self._toolbox.equip(prompt, options)
        call = compose(equipped, **given)
        if equipped != prompt:
            wants = replace(call.request.wants, written=prompt)
            call.request = replace(call.request, wants=wants)
        return call

    def answer(self, call: Call, on_text: Callable[[str], None] | None = None) -> Response:
        """The answer to `call`, given and shown as `ask` does it."""
        feed = None if on_text is None else Feed(on_text)
        call.show = None if feed is None else feed.put
        try:
            return self._loop.run(lambda: self._engine.answer(call, self.settings), feed)
        except (KeyboardInterrupt, CancelledError):  # the latter: another thread closed us
            raise Interrupted(call.partial) from None

    async def aask(self, prompt: str, **options: Unpack[Options]) -> Response:
        """`ask`, for async code: the same options but ``on_text``, and the same errors."""
        call = self.compose(prompt, **options)
        return await self._loop.arun(lambda: self._engine.answer(call, self.settings))

    def start(self, call: Call, settings: Settings | None = None) -> Future[Response]:
        """Begin to answer `call` under `settings`, or the session's; cancelling it stops it."""
        return self._loop.submit(lambda: self._engine.answer(call, settings or self.settings))

    def select(self, prompt: str, **options: Unpack[Options]) -> Decision:
        """Which models `ask` would take with the same options, best first, without asking any.

        Providers may be asked for their lists, which is free. Raises as `ask` does before it asks.
        """
        request = self.threads.continued(self.compose(prompt, **options).request)
        return self._loop.run(lambda: self._engine.select(request, self.settings))

    def preview(
        self, requests: Sequence[Request], *, recorded: bool = False, **settings: Any
    ) -> list[Decision | OrchError]:
        """What `select` would say to `requests` under other `settings`; nothing is changed.

        In the place of a decision that cannot be made stands the error. What is shown to the user
        as a result is to be `recorded`, and replayed. Raises as `change` does.
        """
        changed = self.changed(**settings)
        return self._loop.run(lambda: self._engine.preview(requests, changed, recorded=recorded))

    def count_tokens(self, prompt: str, **options: Unpack[Options]) -> Usage:
        """The input tokens of what `ask` would send, counted by the provider where it can.

        The call is free. ``source`` is "known", or "estimated" where the provider cannot count.
        """
        request = self.threads.continued(self.compose(prompt, **options).request)
        return self._loop.run(lambda: self._engine.count_tokens(request, self.settings))

    def report(self) -> Report:
        """What each model did and cost in this session, and what could be better."""
        return self.ledger.report(self.experience.tracks())

    def remember(self, observation: Observation) -> None:
        """Let `observation` count in later choices, here and in the user's other sessions.

        Raises `UnknownNameError` for a kind that is neither one of `TASKS` nor an alias of one.
        """
        self.experience.add(observation.canonical())
        self._listeners.notify("experience")

    def _apply(self, settings: Settings, *, anew: bool = False) -> None:
        if anew:
            self._memories.breakers.clear()
        if anew or not settings.connects_like(self.settings):
            self._connect(settings)
        self.settings = settings
        self.budget.limits = settings.budget
        self._listeners.notify("settings")

    def _connect(self, settings: Settings) -> None:
        connections = (
            {} if settings.mode == "replay" else connect(settings, os.environ, shared=self._shared)
        )
        if self._loop.running:
            self._loop.run(self._engine.close)
        self._connections = connections
        # A script that ends, or forgets its session, need not close it.
        self._finalizer.detach()
        self._finalizer = weakref.finalize(self, end, self._loop, connections, self._files)
        self.ledger.secrets |= {s for each in connections.values() for s in each.endpoint.secrets}
        self._engine = open_engine(settings, connections, self.directory, self._memories)
        self.catalog, self.cache = self._engine.catalog, self._engine.cache

    def _start_anew(self) -> None:
        self._loop = BackgroundLoop("orch_nb")
        self._connect(self.settings)

    def close(self) -> None:
        """Stop what runs, close every connection. A closed session may be used again."""
        end(self._loop, self._connections, self._files)
        self._listeners.notify("closed")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
