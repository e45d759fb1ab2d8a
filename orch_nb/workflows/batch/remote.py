"""What a worker process of a cluster does for a session: it asks models with one like it."""

from __future__ import annotations

import json
import os
import platform
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Protocol

from orch_nb.errors import InputError, OrchError
from orch_nb.invoke.call import Call
from orch_nb.providers._connect import Connection
from orch_nb.settings import Settings, user_home
from orch_nb.settings.validation import dump
from orch_nb.store.budget import Budget
from orch_nb.store.ledger import Ledger
from orch_nb.types import Record, Response
from orch_nb.workflows.batch.answers import Outcome
from orch_nb.workflows.batch.calls import Calls, Starter

# Senders whose sessions a worker keeps open, and runs that it knows. Chosen.
_SESSIONS, _RUNS = 8, 64
_opening = threading.Lock()


class Sender(Starter, Protocol):
    """What is needed of a session that others work for."""

    settings: Settings
    ledger: Ledger
    budget: Budget
    directory: Path
    tool: Any

    def switch(self, name: str, *, on: bool) -> None:
        """Switch a provider on or off."""

    @property
    def connections(self) -> Mapping[str, Connection]:
        """Every provider that may be asked, by name."""

    @property
    def tools(self) -> Mapping[str, frozenset[str]]:
        """What each tool needs."""


@dataclass(frozen=True, slots=True)
class Remote:
    """What a worker must know of a session in order to work for it. There is no key in it.

    ``kind`` is the class of sessions, ``config`` its settings as JSON, ``place`` where the user's
    data folder is, ``proven`` the providers that it has a key, or a header like one, for.
    ``together`` says that a limit holds for all, which needs one ``place``.
    """

    kind: type[Any]
    session: str
    config: str
    directory: str
    place: str
    proven: frozenset[str]
    tools: tuple[tuple[str, frozenset[str]], ...]
    together: bool

    @classmethod
    def of(cls, session: Sender) -> Remote:
        """What `session` says of itself."""
        config = dump(session.settings)
        for name, row in config["providers"].items():
            made = session.connections.get(name)
            hidden = row["headers"].values() if made is None else made.endpoint.secrets
            row["headers"] = {k: v for k, v in row["headers"].items() if v not in hidden}
        rates = (row.rate_limit_per_minute for row in session.settings.providers.values())
        return cls(
            type(session),
            session.ledger.session,
            json.dumps(config),
            str(session.directory.absolute()),
            _place(),
            _proven(session),
            tuple(session.tools.items()),
            session.budget.limited or any(rate is not None for rate in rates),
        )

    @property
    def here(self) -> bool:
        """Whether this process has the same data folder, on the same machine."""
        return self.place == _place()

    def open(self) -> Sender:
        """A session that works for this one. Raises `InputError` where it could not be like it."""
        if self.together and not self.here:
            raise InputError(
                "a budget or a rate limit holds for the workers of one machine that share "
                f"ORCH_HOME, and a worker on {platform.node()} does not; give it the same, or "
                "leave the limits out"
            )
        config = json.loads(self.config)
        session: Sender = self.kind(config, directory=self.directory, working_for=self.session)
        for name in session.settings.providers.keys() - config["providers"].keys():
            session.switch(name, on=False)  # the worker's own environment has one more
        if missing := sorted(self.proven - _proven(session)):
            raise InputError(
                f"the workers have no key for {', '.join(missing)}: set its variable where they "
                "are started, or store it there (`%orch keys set`); one that was given in Python "
                "is not sent to them"
            )
        known = session.tools
        for name, needs in self.tools:
            if known.get(name) != needs:
                session.tool(name, needs=needs)
        return session


@dataclass(frozen=True, slots=True)
class Failure:
    """An error of ours on its way between processes, with all that it knows."""

    kind: type[OrchError]
    args: tuple[object, ...]
    known: Mapping[str, object]

    @classmethod
    def of(cls, error: OrchError) -> Failure:
        """`error`, and nothing that hangs on it."""
        return cls(type(error), error.args, vars(error))

    def restored(self) -> OrchError:
        """The error."""
        error = self.kind.__new__(self.kind)
        error.args = self.args
        vars(error).update(self.known)
        return error


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows for one worker: their places and calls, ``width`` of them at a time.

    In the place of a call may be why there is none.
    """

    run: str
    width: int
    rows: tuple[tuple[int, Call | Failure], ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a row: None if it was stopped. ``written`` says that its ``record`` is on disk.

    Without a record nothing was tried.
    """

    place: int
    answer: Response | Failure | None
    record: Record | None = None
    written: bool = False

    @property
    def outcome(self) -> Outcome | None:
        """As the rows of a batch have it."""
        return self.answer.restored() if isinstance(self.answer, Failure) else self.answer


def prepare(remote: Remote) -> str:
    """Open the session; "" if it can work for `remote`, else why not."""
    try:
        with _opening:
            _opened(remote)
    except OrchError as error:
        return str(error)
    return ""


def answer(remote: Remote, chunk: Chunk) -> list[Reply]:
    """Ask the rows of `chunk`; a worker that takes over from one that died finds its answers."""
    try:
        calls = _calls(remote, chunk.run)
    except OrchError as error:
        return [Reply(place, Failure.of(error)) for place, _ in chunk.rows]
    with ThreadPoolExecutor(chunk.width) as pool:
        return list(pool.map(partial(_reply, calls, remote.here), chunk.rows))


async def cancel(remote: Remote, run: str) -> None:
    """Stop what is under way for `run`, and what is still to come.

    A coroutine, because dask waits for the end of anything else.
    """
    _calls(remote, run).cancel()


def _reply(calls: Calls, here: bool, row: tuple[int, Call | Failure]) -> Reply:
    place, call = row
    if isinstance(call, Failure):
        return Reply(place, call)
    try:
        outcome: Response | Failure | None = calls.answer(call)
    except OrchError as error:
        outcome = Failure.of(error)
    return Reply(place, outcome, call.recorded, written=here)


def _calls(remote: Remote, run: str) -> Calls:
    with _opening:  # several threads of a worker begin at once
        return _made(remote, run)


@lru_cache(_RUNS)
def _made(remote: Remote, run: str) -> Calls:
    return Calls(_opened(remote))


@lru_cache(_SESSIONS)
def _opened(remote: Remote) -> Sender:
    return remote.open()


def _proven(session: Sender) -> frozenset[str]:
    return frozenset(n for n, made in session.connections.items() if made.endpoint.secrets)


def _place() -> str:
    """Where the user's data folder is: the machine, the disk, and the folder on it."""
    home = user_home(os.environ)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    seen = home.stat()
    return f"{platform.node()} {seen.st_dev} {seen.st_ino}"
