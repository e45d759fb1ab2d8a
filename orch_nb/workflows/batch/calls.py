"""The calls of a batch: one a row, under way side by side, and stopped together."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError, Future, wait
from contextlib import suppress
from typing import Protocol, Unpack

from orch_nb.invoke.call import Call
from orch_nb.invoke.compose import Options, with_prompt
from orch_nb.settings import Settings
from orch_nb.types import Response
from orch_nb.workflows.batch.rows import Prompts

# Seconds that stopped calls have to close their connections. Chosen.
GRACE = 1.0
# Seconds between looks at a call that is waited for.
_POLL = 0.1


class Starter(Protocol):
    """What is needed of a session that is to answer."""

    def start(self, call: Call, settings: Settings | None = None) -> Future[Response]:
        """Begin to answer `call`."""


class Composer(Protocol):
    """What is needed of a session that makes calls of prompts."""

    def compose(self, prompt: str, **options: Unpack[Options]) -> Call:
        """The call for `prompt`, with what the tools that it names bring along."""


class RowCalls:
    """The call of each row, by its place from 0. Raises `InputError` for wrong options."""

    def __init__(self, session: Composer, prompts: Prompts, options: Options) -> None:
        self._session, self._prompts, self._options = session, prompts, options
        #: What all of them are like, but for their prompts.
        self.pattern = session.compose("…", **options)
        self.count = prompts.rows.count

    def __getitem__(self, place: int) -> Call:
        """The call at `place`. Raises `InputError` where a value is missing, or all is empty."""
        prompt = self._prompts[place]
        if self._options.get("tool") is not None:  # which may put something around the prompt
            return self._session.compose(prompt, **self._options)
        return with_prompt(self.pattern, prompt)


class Calls:
    """Has calls answered by `session`, each in a thread that waits for it, until it is stopped."""

    def __init__(self, session: Starter) -> None:
        self._session, self._lock = session, threading.Lock()
        self._under_way: set[Future[Response]] = set()
        self.stopped = False

    def answer(self, call: Call) -> Response | None:
        """The answer to `call`, None if it was stopped. Raises as `orch_nb.Session.ask` does."""
        with self._lock:  # what is started before `cancel` is seen and cancelled by it
            if self.stopped:
                return None
            future = self._session.start(call)
            self._under_way.add(future)
        try:
            while not future.done():
                with suppress(TimeoutError):  # or else no interrupt is noticed on some platforms
                    future.result(timeout=_POLL)
            return future.result()
        except CancelledError:  # by `cancel`, or because the session was closed
            self.stopped = True
            wait((future,), timeout=GRACE)  # it settles its money and writes its record meanwhile
            return None
        except KeyboardInterrupt:  # where one row at a time is asked, in the main thread
            wait(self.cancel(), timeout=GRACE)
            raise
        finally:
            with self._lock:
                self._under_way.discard(future)

    def cancel(self) -> tuple[Future[Response], ...]:
        """Stop what is under way, which is returned, and start no more."""
        with self._lock:
            self.stopped = True
            under_way = tuple(self._under_way)
        for future in under_way:
            future.cancel()
        return under_way
