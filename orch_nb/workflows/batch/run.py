"""A batch: rows become prompts, and those are asked side by side, each like any other."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

from orch_nb.errors import InputError, OrchError, UnknownNameError
from orch_nb.figures import dollars
from orch_nb.invoke.compose import Options
from orch_nb.invoke.values import count, text
from orch_nb.templates.template import Template
from orch_nb.types import Response
from orch_nb.workflows.batch.answers import (
    Answers,
    BatchRefused,
    BatchStopped,
    Ended,
    flat,
    frame_of,
)
from orch_nb.workflows.batch.calls import Composer, RowCalls
from orch_nb.workflows.batch.plan import agree, plan_batch
from orch_nb.workflows.batch.remote import Sender
from orch_nb.workflows.batch.rows import Prompts, Rows, read_rows
from orch_nb.workflows.batch.threads import ask_in_threads
from orch_nb.workflows.limit import read_limit
from orch_nb.workflows.planning import Asker

if TYPE_CHECKING:
    from orch_nb.workflows.batch.cluster import Cluster

_MOST = 1000  # at once: more is a slip of the keyboard
# Dollars that a batch may be expected to cost before a person is asked. Chosen.
_ASK_ABOVE = 1.0
_BACKENDS = ("threading", "dask")
_OWN = frozenset({"n_jobs", "ask_above", "confirm", "progress", "max_cost", "backend"})
_NOT_ASKED = "the batch was stopped before this row was asked"


class Mapper(Asker, Composer, Sender, Protocol):
    """What is needed of a session."""


class BatchOptions(Options, total=False):
    """What may be said about a batch; see `orch_nb.Session.map`."""

    n_jobs: int
    ask_above: float | None
    confirm: Callable[[str], bool] | None
    progress: bool
    backend: Literal["threading", "dask"]


def map_prompts(session: Mapper, items: Any, template: str, batch: BatchOptions) -> Any:
    """The answers to `template` over `items`; see `orch_nb.Session.map`."""
    workers = count("n_jobs", batch.get("n_jobs", 8), least=1, most=_MOST) or 1
    limit = read_limit("max_cost", batch.get("max_cost"))
    threshold = read_limit("ask_above", batch.get("ask_above", _ASK_ABOVE))
    options = cast(Options, {k: v for k, v in batch.items() if k not in _OWN})
    read = Template(text("template", template))
    rows = read_rows(items, read)
    prompts = Prompts(rows, read)
    prompts.check()
    results = _Results(rows)
    calls = RowCalls(session, prompts, options)
    if not rows.count:
        return results.given()
    cluster = _cluster(session, batch)
    live, confirm = session.settings.mode == "live", batch.get("confirm")
    # In replay nobody waits for an answer, but a function is told the same as then.
    if session.settings.mode != "replay" or confirm is not None or limit is not None:
        plan = plan_batch(session, prompts, workers, options)
        if not agree(plan, limit, threshold, confirm):
            raise BatchRefused(f"not asked: {plan}")
    with _Bar(rows.count, shown=live and batch.get("progress", True)) as bar:
        if cluster is None:
            ended = ask_in_threads(session, calls, workers, results.take, bar.take)
        else:
            ended = cluster.ask(calls, workers, results.take, bar.take)
        if not ended:
            raise BatchStopped(results.given(), results.done, rows.count)
    return results.given()


def _cluster(session: Mapper, batch: BatchOptions) -> Cluster | None:
    """The cluster that is to ask; None where this process does, as for what is recorded."""
    backend = batch.get("backend", _BACKENDS[0])
    if backend not in _BACKENDS:
        raise UnknownNameError("backend", str(backend), _BACKENDS)
    if backend != "dask" or session.settings.mode != "live":
        return None
    if batch.get("thread") is not None:
        raise InputError("a thread is a conversation of this process: leave out thread or backend")
    try:
        from orch_nb.workflows.batch.cluster import Cluster  # noqa: PLC0415 - optional
    except ImportError:
        raise InputError(
            'backend="dask" needs dask: pip install "orch-nb[dask]", then make a distributed.Client'
        ) from None
    return Cluster(session)


class _Results:
    """What has come of each row: whole responses for a list, flat rows for a table."""

    def __init__(self, rows: Rows) -> None:
        self._rows, self._table = rows, rows.index is not None
        self._found: list[Any] = [None] * rows.count
        self._lost: dict[int, Decimal | None] = {}

    def take(self, place: int, ended: Ended) -> None:
        """Keep what came of the row at `place`; called in any thread."""
        outcome = ended.outcome
        self._found[place] = flat(outcome, ended.paid) if self._table else outcome
        if isinstance(outcome, OrchError):
            self._lost[place] = ended.billed

    @property
    def done(self) -> int:
        """How many rows have come to an end."""
        return sum(found is not None for found in self._found)

    def given(self) -> Any:
        """What the caller gets, with an error in the place of what was not asked."""
        missing = OrchError(_NOT_ASKED)
        if not self._table:
            found = (missing if one is None else one for one in self._found)
            return Answers(found, self._lost)
        rows = (flat(missing) if one is None else one for one in self._found)
        return frame_of(rows, self._rows.index)


class _Bar:
    """Rows, dollars and failures as they come, by tqdm: in a notebook as well as in a terminal."""

    def __init__(self, total: int, *, shown: bool) -> None:
        self._bar = _made(total) if shown else None
        self._billed, self._failed = Decimal(0), 0

    def take(self, ended: Ended) -> None:
        """Count what came of a row."""
        if self._bar is None:
            return
        self._billed += ended.billed or 0
        self._failed += not isinstance(ended.outcome, Response)
        failed = f", {self._failed} failed" if self._failed else ""
        self._bar.set_postfix_str(f"{dollars(self._billed)}{failed}", refresh=False)
        self._bar.update()

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()


def _made(total: int) -> Any:
    from tqdm.auto import tqdm  # noqa: PLC0415 - imports ipywidgets in a notebook

    class Bar(tqdm):  # type: ignore[type-arg] # which only its stubs have
        monitor_interval = 0  # no thread of tqdm's own outlives the batch

    return Bar(total=total, unit="row", miniters=1)
