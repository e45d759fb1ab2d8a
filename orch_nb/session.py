"""The session: one catalog, one set of settings, one cache, one ledger, and the line between."""

from __future__ import annotations

import asyncio
import os
import time
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError
from pathlib import Path
from random import Random
from typing import Any, Self, Unpack

from orch_nb.errors import Interrupted, OrchError
from orch_nb.forking import renew_after_fork
from orch_nb.invoke.call import Call
from orch_nb.invoke.compose import Options, compose
from orch_nb.invoke.invoke import Invoker
from orch_nb.invoke.loop import BackgroundLoop, Feed
from orch_nb.providers import known_types
from orch_nb.providers._connect import Connection, connect, disconnect
from orch_nb.registry.catalog import Catalog
from orch_nb.registry.memory import Memory
from orch_nb.settings import Settings, Weights, load, user_home, working_folder
from orch_nb.store.cache import ResponseCache
from orch_nb.store.ledger import Ledger
from orch_nb.store.secret import signing_key
from orch_nb.types import Decision, ModelCard, Request, Response, Usage


class Session:
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

    Raises
    ------
    SettingsError
        A setting, or the file that holds it, is wrong.
    """

    def __init__(
        self,
        config: Mapping[str, Any] | None = None,
        *,
        directory: str | os.PathLike[str] | None = None,
        traits: Mapping[str, Any] | None = None,
    ) -> None:
        self._layers: Mapping[str, Any] = {"config": config, "traits": traits, "changes": {}}
        self._directory = Path(directory) if directory is not None else working_folder()
        self.ledger = Ledger()
        self._loop = BackgroundLoop("orch_nb")
        renew_after_fork(self, Session._start_anew)
        self._connections: dict[str, Connection] = {}
        self._finalizer = weakref.finalize(self, _end, self._loop, self._connections)
        self._apply(self._load(self._layers))

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
        tools
            `orch_nb.types.Tool` that the model may ask for in ``Response.calls``. None is run.
        cache
            "use", "bypass" (neither look up nor keep), or "refresh" (ask again and replace).
        deadline
            Seconds that the whole call may take.

        Raises
        ------
        InputError, SelectionError
            What was written is wrong, or no model may answer; nothing was sent.
        ProviderError, AllFailed, Interrupted
            Each model that was tried failed; or the user stopped, and it holds what had arrived.
        """
        call = compose(prompt, **options)
        feed = None
        if on_text is not None:
            feed = Feed(on_text)
            call.show = feed.put
        try:
            return self._loop.run(lambda: self._answer(call), feed)
        except (KeyboardInterrupt, CancelledError):  # the latter: another thread closed us
            raise Interrupted(call.partial) from None

    async def aask(self, prompt: str, **options: Unpack[Options]) -> Response:
        """`ask`, for async code: the same options but ``on_text``, and the same errors."""
        call = compose(prompt, **options)
        return await asyncio.wrap_future(self._loop.submit(lambda: self._answer(call)))

    def select(self, prompt: str, **options: Unpack[Options]) -> Decision:
        """Which models `ask` would take with the same options, best first, without asking any.

        Providers may be asked for their lists, which is free. Raises as `ask` does before it asks.
        """
        request = compose(prompt, **options).request
        return self._loop.run(lambda: self._decide(request))

    def count_tokens(self, prompt: str, **options: Unpack[Options]) -> Usage:
        """The input tokens of what `ask` would send, counted by the provider where it can.

        The call is free. ``source`` is "known", or "estimated" where the provider cannot count.
        """
        request = compose(prompt, **options).request

        async def count() -> Usage:
            decision = await self._decide(request)
            return await self._invoker.count_tokens(request, decision.best.card)

        return self._loop.run(count)

    async def _answer(self, call: Call) -> Response:
        from orch_nb.routing.route import fallback_order  # noqa: PLC0415 - imports numpy

        response, error = None, None
        longest = min(self.settings.limits.call, call.request.wants.deadline or float("inf"))
        deadline = asyncio.get_running_loop().time() + longest
        try:
            decision = await self._decide(call.request, deadline)
            cards = fallback_order(decision, self.settings.fallback)
            response = await self._invoker.invoke(call, decision, cards, deadline)
        except OrchError as failure:
            error = str(failure)
            raise
        except asyncio.CancelledError:
            response, error = call.partial, "interrupted"
            raise
        finally:
            self.ledger.add(call.record(time.time(), response, error))
        return response

    async def _decide(self, request: Request, deadline: float | None = None) -> Decision:
        from orch_nb.routing.decide import decide  # noqa: PLC0415 - imports numpy

        return await decide(request, self.catalog, self.settings, self.ledger.latency(), deadline)

    def models(self) -> list[ModelCard]:
        """Every model that is known, by priority and name; those of servers are asked for once."""
        self._loop.run(lambda: self.catalog.prepare(()))
        return list(self.catalog.cards())

    def refresh(self, *providers: str) -> None:
        """Ask `providers`, or all, anew which models they have: at most 5 seconds, never paid."""
        names = providers or None
        self._loop.run(lambda: self.catalog.discover(names, refresh=True))

    @property
    def strategy(self) -> str:
        """The strategy for prompts that name none."""
        return self.settings.strategy

    @property
    def providers(self) -> tuple[str, ...]:
        """The configured providers that take part, without the simulated one, in order."""
        real = (name for name, connection in self._connections.items() if connection.real)
        return tuple(sorted(filter(self.catalog.takes_part, real)))

    @property
    def connections(self) -> Mapping[str, Connection]:
        """Every provider that may be asked, by name, with the simulated one."""
        return self._connections

    @property
    def weights(self) -> Weights:
        """How much cost, quality and speed matter to the strategy "weighted"."""
        return self.settings.weights

    def change(self, **settings: Any) -> None:
        """Change settings for the rest of the session: ``change(strategy="cost")``.

        Raises `SettingsError` or `UnknownNameError` and changes nothing if one is wrong.
        """
        self._replace_layer("changes", {**self._layers["changes"], **settings})

    def adopt(self, traits: Mapping[str, Any]) -> None:
        """Take the settings of IPython's configuration as they are now; errors as in `change`."""
        self._replace_layer("traits", traits)

    def reload(self) -> None:
        """Read environment, file and stored keys anew; errors as in `change`."""
        self._apply(self._load(self._layers), anew=True)

    def _replace_layer(self, name: str, layer: Mapping[str, Any]) -> None:
        layers = {**self._layers, name: layer}
        self._apply(self._load(layers))
        self._layers = layers

    def _load(self, layers: Mapping[str, Any]) -> Settings:
        settings = load(
            env=os.environ, directory=self._directory, known_types=known_types(), **layers
        )
        if settings.strategy != Settings.strategy:
            from orch_nb.routing.strategies import canonical  # noqa: PLC0415 - imports numpy

            canonical(settings.strategy)
        return settings

    def _apply(self, settings: Settings, *, anew: bool = False) -> None:
        previous = getattr(self, "settings", None)
        if not anew and previous is not None and settings.connects_like(previous):
            self.settings = settings
            return
        connections = connect(settings, os.environ)
        if self._loop.running:
            self._loop.run(self._disconnect)
        self.settings, self._connections = settings, connections
        # A script that ends, or forgets its session, need not close it.
        self._finalizer.detach()
        self._finalizer = weakref.finalize(self, _end, self._loop, self._connections)
        memory = Memory(lambda: user_home(os.environ))
        self.catalog = Catalog(self._connections, settings.models, memory)
        self.cache = self._open_cache(settings)
        self._invoker = Invoker(self._connections, self.cache, Random())  # noqa: S311 - jitter

    def _start_anew(self) -> None:
        self._loop = BackgroundLoop("orch_nb")
        self._apply(self.settings, anew=True)

    async def _disconnect(self) -> None:
        await self.catalog.close()
        await disconnect(self._connections)

    def _open_cache(self, settings: Settings) -> ResponseCache | None:
        if not settings.cache.enabled:
            return None
        return ResponseCache(
            self._directory / settings.cache.dir,
            lambda: signing_key(user_home(os.environ)),
            ttl=settings.cache.ttl,
            limit=settings.cache.limit,
            clock=time.time,
        )

    def close(self) -> None:
        """Stop what runs, close every connection. A closed session may be used again."""
        _end(self._loop, self._connections)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _end(loop: BackgroundLoop, connections: Mapping[str, Connection]) -> None:
    loop.close(lambda: disconnect(connections))


_session: Session | None = None


def session() -> Session:
    """The session that the magics use; made when it is first asked for."""
    global _session  # noqa: PLW0603 - the one place where "the" session is kept
    if _session is None:
        _session = Session()
    return _session


def close_session() -> None:
    """Close the session that the magics use; the next call of `session` makes another."""
    global _session  # noqa: PLW0603
    if _session is not None:
        _session.close()
    _session = None
