"""``--background``: an answer that no cell waits for, in the place of the cell that asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, wait

from orch_nb.errors import InputError, Interrupted
from orch_nb.figures import count, seconds
from orch_nb.invoke.call import Call
from orch_nb.notebook.buttons import Button, Buttons
from orch_nb.notebook.display import below, quiet, words
from orch_nb.notebook.growing import GrowingOutput
from orch_nb.notebook.tables import Bundle, Shown
from orch_nb.registry.tokens import count_tokens
from orch_nb.sanitize import one_line
from orch_nb.session import Session
from orch_nb.types import Response

# Seconds between two looks of an answer under way: its clock need not run smoothly.
_PACE = 0.25


class BackgroundAnswer:
    """An answer under way: wait for it, or stop it.

    Parameters
    ----------
    future
        Gives the Response; cancelling it stops the call.
    call
        Holds what had arrived of an answer that was stopped.
    """

    def __init__(self, future: Future[Response], call: Call | None = None) -> None:
        self._future, self._call = future, call

    @property
    def done(self) -> bool:
        """Whether the answer is there, failed, or was stopped."""
        return self._future.done()

    def cancel(self) -> None:
        """Stop the call; `result` then raises `Interrupted`. Nothing happens if it is done."""
        self._future.cancel()

    def result(self, timeout: float | None = None) -> Response:
        """The Response, waited for up to `timeout` seconds, or as long as it takes.

        Raises as `Session.ask` does, and the builtin TimeoutError; the call then goes on.
        """
        try:
            return self._future.result(timeout)
        except CancelledError:
            raise self._stopped from None

    def wait(self, timeout: float | None = None) -> bool:
        """Wait as `result` does, and say whether it is done. Raises nothing."""
        return bool(wait([self._future], timeout).done)

    def exception(self) -> BaseException | None:
        """Wait, and give what `result` raises, None where there is an answer."""
        self.wait()
        return self._stopped if self._future.cancelled() else self._future.exception()

    @property
    def _stopped(self) -> Interrupted:
        return Interrupted(self._call.partial if self._call else None)

    def __repr__(self) -> str:
        if not self.done:
            return "BackgroundAnswer(under way)"
        error = self.exception()
        said = self.result().model if error is None else f"{type(error).__name__}: {error}"
        return f"BackgroundAnswer({one_line(said)})"


def done(response: Response) -> BackgroundAnswer:
    """A handle on an answer that is there already."""
    future: Future[Response] = Future()
    future.set_result(response)
    return BackgroundAnswer(future)


def begin(session: Session, call: Call) -> tuple[BackgroundAnswer, Progress]:
    """Begin to answer `call`; the session knows it, so that `%orch cancel` stops it too."""
    progress = Progress(call, time.monotonic)
    call.show = progress.add
    future = session.start(call)
    session.background.add(future)
    future.add_done_callback(session.background.discard)
    return BackgroundAnswer(future, call), progress


class Progress:
    """What is known of a call under way. `add` is called on the session's loop."""

    def __init__(self, call: Call, clock: Callable[[], float]) -> None:
        self._call, self._clock = call, clock
        self._started = clock()
        self._parts: list[str] = []

    def add(self, text: str) -> None:
        """Take a piece of the answer."""
        self._parts.append(text)

    @property
    def text(self) -> str:
        """What has arrived."""
        return "".join(self._parts)

    def line(self) -> Bundle:
        """Model, seconds and tokens so far, and how to stop it."""
        decision, failed = self._call.decision, len(self._call.trail.attempts)
        parts = ["in the background", seconds(self._clock() - self._started)]
        if decision is not None and not failed:
            parts.insert(1, decision.best.model)
        if failed:
            parts.append(f"{count(failed, 'attempt')} failed")
        if self._parts:
            parts.append(f"~{count_tokens(self.text)} tokens so far")
        return quiet([" · ".join([*parts, "`%orch cancel` stops it"])])


def watch(
    answer: BackgroundAnswer, progress: Progress, lay_out: Callable[[Response], Shown]
) -> None:
    """Show `progress` as an output of the running cell, and there later the whole answer.

    A thread of its own draws, which ends with the answer.
    """
    place = GrowingOutput()
    place.draw(progress.line)
    buttons = Buttons([Button("stop", "Stop this answer", answer.cancel, "Cancel")])

    def draw() -> None:
        while not answer.wait(_PACE):
            place.draw(progress.line)
        buttons.replace()
        place.complete(*outcome(answer, progress, lay_out))

    threading.Thread(target=draw, name="orch_nb background", daemon=True).start()


def outcome(
    answer: BackgroundAnswer, progress: Progress, lay_out: Callable[[Response], Shown]
) -> Shown:
    """How it ended: the answer, or in one line why there is none, under what had arrived."""
    error = answer.exception()
    if error is None:
        return lay_out(answer.result())
    line = quiet([f"{type(error).__name__}: {one_line(str(error), 500)}"])
    return (below(words(progress.text), line) if progress.text.strip() else line), {}


def show_cancel(arguments: list[str], session: Session) -> Bundle:
    """Stop all answers that are under way in the background."""
    if arguments:
        raise InputError("use `%orch cancel`; a prompt that begins with cancel comes after --")
    running = tuple(session.background)
    for future in running:
        future.cancel()
    return quiet(
        [f"{count(len(running), 'answer')} stopped" if running else "nothing is under way"]
    )
