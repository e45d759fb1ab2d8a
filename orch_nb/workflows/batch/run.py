"""A batch: rows become prompts, and those are asked side by side, each like any other."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, wait
from decimal import Decimal
from typing import Any, Protocol, Unpack, cast

from joblib import Parallel, delayed

from orch_nb.errors import OrchError
from orch_nb.figures import dollars
from orch_nb.invoke.call import Call
from orch_nb.invoke.compose import Options, with_prompt
from orch_nb.invoke.values import count, number, text
from orch_nb.settings import Settings
from orch_nb.templates.template import Template
from orch_nb.types import Response
from orch_nb.workflows.batch.answers import (
    Answers,
    BatchRefused,
    BatchStopped,
    Outcome,
    flat,
    frame_of,
)
from orch_nb.workflows.batch.plan import agree, plan_batch
from orch_nb.workflows.batch.rows import Prompts, Rows, read_rows
from orch_nb.workflows.planning import Asker

_MOST = 1000  # at once: more is a slip of the keyboard
# Dollars that a batch may be expected to cost before a person is asked. Chosen.
_ASK_ABOVE = 1.0
_OWN = frozenset({"n_jobs", "ask_above", "confirm", "progress", "max_cost"})
# Seconds that stopped calls have to close their connections. Chosen.
_GRACE = 1.0
_NOT_ASKED = "the batch was stopped before this row was asked"


class Mapper(Asker, Protocol):
    """What is needed of a session."""

    settings: Settings

    def compose(self, prompt: str, **options: Unpack[Options]) -> Call:
        """The call for `prompt`, with what the tools that it names bring along."""

    def start(self, call: Call, settings: Settings | None = None) -> Future[Response]:
        """Begin to answer `call`."""


class BatchOptions(Options, total=False):
    """What may be said about a batch; see `orch_nb.Session.map`."""

    n_jobs: int
    ask_above: float | None
    confirm: Callable[[str], bool] | None
    progress: bool


def map_prompts(session: Mapper, items: Any, template: str, batch: BatchOptions) -> Any:
    """The answers to `template` over `items`; see `orch_nb.Session.map`."""
    workers = count("n_jobs", batch.get("n_jobs", 8), least=1, most=_MOST) or 1
    limit = _dollars("max_cost", batch.get("max_cost"))
    threshold = _dollars("ask_above", batch.get("ask_above", _ASK_ABOVE))
    options = cast(Options, {k: v for k, v in batch.items() if k not in _OWN})
    read = Template(text("template", template))
    rows = read_rows(items, read)
    prompts = Prompts(rows, read)
    prompts.check()
    results = _Results(rows)
    asking = _Asking(session, prompts, options, results)
    if not rows.count:
        return results.given()
    live = session.settings.mode == "live"
    if session.settings.mode != "replay":
        plan = plan_batch(session, prompts, workers, options)
        if not agree(plan, limit, threshold, batch.get("confirm")):
            raise BatchRefused(f"not asked: {plan}")
    with _Bar(rows.count, shown=live and batch.get("progress", True)) as bar:
        for outcome in _ask_all(asking, workers):
            bar.take(outcome)
        if asking.stopped:
            raise BatchStopped(results.given(), results.done, rows.count)
    return results.given()


def _dollars(what: str, value: float | Decimal | None) -> Decimal | None:
    checked = number(what, float(value) if isinstance(value, Decimal) else value, 0.0, math.inf)
    return None if checked is None else Decimal(str(checked))


class _Results:
    """What has come of each row: whole responses for a list, flat rows for a table."""

    def __init__(self, rows: Rows) -> None:
        self._rows, self._table = rows, rows.index is not None
        self._found: list[Any] = [None] * rows.count

    def take(self, place: int, outcome: Outcome) -> None:
        """Keep the `outcome` of the row at `place`; called in any thread."""
        self._found[place] = flat(outcome) if self._table else outcome

    @property
    def done(self) -> int:
        """How many rows have come to an end."""
        return sum(found is not None for found in self._found)

    def given(self) -> Any:
        """What the caller gets, with an error in the place of what was not asked."""
        missing = OrchError(_NOT_ASKED)
        if not self._table:
            return Answers(missing if found is None else found for found in self._found)
        rows = (flat(missing) if found is None else found for found in self._found)
        return frame_of(rows, self._rows.index)


class _Asking:
    """Asks one row after the other in each of several threads, until it is stopped."""

    def __init__(
        self, session: Mapper, prompts: Prompts, options: Options, results: _Results
    ) -> None:
        self._session, self._prompts, self._options = session, prompts, options
        self._pattern = session.compose("…", **options)
        self._results, self._lock = results, threading.Lock()
        self._under_way: set[Future[Response]] = set()
        self.total, self.stopped = prompts.rows.count, False

    def __call__(self, place: int) -> Outcome | None:
        """Ask the row at `place`, and keep its outcome; None if it was stopped."""
        try:
            outcome: Outcome | None = self._ask(self._call(self._prompts[place]))
        except OrchError as error:
            outcome = error
        if outcome is not None:
            self._results.take(place, outcome)
        return outcome

    def _call(self, prompt: str) -> Call:
        if self._options.get("tool") is not None:  # which may put something around the prompt
            return self._session.compose(prompt, **self._options)
        return with_prompt(self._pattern, prompt)

    def _ask(self, call: Call) -> Response | None:
        with self._lock:  # what is started before `stop` is seen and cancelled by it
            if self.stopped:
                return None
            future = self._session.start(call)
            self._under_way.add(future)
        try:
            return future.result()
        except CancelledError:  # by `stop`, or because the session was closed
            self.stopped = True
            return None
        finally:
            with self._lock:
                self._under_way.discard(future)

    def stop(self) -> None:
        """Cancel what is under way, and start no more."""
        with self._lock:
            self.stopped = True
            under_way = tuple(self._under_way)
        for future in under_way:
            future.cancel()
        # A call that was stopped settles its money and writes its record before its thread ends.
        wait(under_way, timeout=_GRACE)


def _ask_all(asking: _Asking, workers: int) -> Iterator[Outcome]:
    """The outcomes as they arrive, until all have, or the user stops."""
    parallel = Parallel(workers, backend="threading", return_as="generator_unordered")
    try:
        for outcome in parallel(delayed(asking)(place) for place in range(asking.total)):
            if outcome is not None:
                yield outcome
    except KeyboardInterrupt:
        asking.stop()


class _Bar:
    """Rows, dollars and failures as they come, by tqdm: in a notebook as well as in a terminal."""

    def __init__(self, total: int, *, shown: bool) -> None:
        from tqdm.auto import tqdm  # noqa: PLC0415 - imports ipywidgets in a notebook

        self._bar = tqdm(total=total, unit="row", disable=not shown)
        self._billed, self._failed = Decimal(0), 0

    def take(self, outcome: Outcome) -> None:
        if isinstance(outcome, Response):
            self._billed += outcome.billed or 0
        else:
            self._failed += 1
        failed = f", {self._failed} failed" if self._failed else ""
        self._bar.set_postfix_str(f"{dollars(self._billed)}{failed}", refresh=False)
        self._bar.update()

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()
