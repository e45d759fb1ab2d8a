"""One prompt to several models side by side, each asked like any other and by itself."""

from __future__ import annotations

import queue
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import replace
from functools import partial
from typing import Protocol, Unpack, cast

from orch_nb.errors import InputError, OrchError
from orch_nb.invoke.call import Call
from orch_nb.invoke.compose import Options
from orch_nb.invoke.values import count, names
from orch_nb.types import Choice, Decision, Observation, Response
from orch_nb.workflows.blind import BlindComparison
from orch_nb.workflows.comparison import INTERRUPTED, Compared, Comparison, ComparisonStopped
from orch_nb.workflows.limit import read_limit, refuse_above

# Seconds between looks at what has arrived: how late a stop is noticed where a wait cannot be
# interrupted.
_POLL = 0.1
_MOST = 26  # as many as there are letters to vote for
# A model that is named is asked for itself, whatever the session's strategy.
_STRATEGY = "cost"
# Pieces of text by row; None is the end of one.
_Arrivals = queue.SimpleQueue[tuple[int, str | None]]
_NOT_FOR_ALL = {
    "model": "the models stand in the comparison",
    "check": "a check belongs to the strategy cascade, which asks several models by itself",
    "verifier": "a verifier belongs to the strategy cascade, which asks several models by itself",
}


class Comparer(Protocol):
    """What is needed of a session."""

    @property
    def threads(self) -> Mapping[str, Mapping[str, object]]:
        """Who is part of which thread."""

    def compose(self, prompt: str, **options: Unpack[Options]) -> Call:
        """The call for `prompt`, with what the tools that it names bring along."""

    def start(self, call: Call) -> Future[Response]:
        """Begin to answer `call`."""

    def select(self, prompt: str, **options: Unpack[Options]) -> Decision:
        """Rank the models without asking any."""

    def remember(self, observation: Observation) -> None:
        """Let `observation` count in later choices."""


class Watcher:
    """Sees a comparison while it is made, in the thread that waits for it."""

    def planned(self, rows: Sequence[Compared]) -> None:
        """Nothing was sent yet; `rows` have no answers."""

    def arrived(self, place: int, text: str) -> None:
        """A piece of the answer of the model in that row has come."""

    def answered(self, place: int, row: Compared) -> None:
        """The row is complete: it has its answer, or its error."""

    def waited(self) -> None:
        """Nothing has come for a moment."""


def compare(
    session: Comparer,
    prompt: str,
    models: int | str | Sequence[str],
    *,
    clock: Callable[[], float],
    keep: Callable[[Comparison], object],
    watcher: Watcher | None = None,
    blind: bool = False,
    dry_run: bool = False,
    **asking: Unpack[Options],
) -> Comparison:
    """Ask `models` the same at the same time; see `orch_nb.Session.compare`.

    `session` answers; `clock` gives seconds since the epoch; `keep` gets what was asked, also where
    that was stopped.
    """
    watcher = watcher or Watcher()
    _refuse(asking)
    limit = read_limit("max_cost", asking.pop("max_cost", None))
    rows = _planned(session, prompt, models, asking)
    plan = Comparison(prompt, rows)
    unpriced = [row.model for row in rows if row.expected.cost is None]
    asked = f"{len(rows)} answers"
    refuse_above(limit, plan.expected_cost, asked, unpriced=unpriced, fewer="fewer")
    if dry_run:
        return plan
    calls = [session.compose(prompt, **_of_one(row.model, asking)) for row in rows]
    watcher.planned(rows)
    complete = _collect(session, calls, rows, watcher)
    if blind:
        made: Comparison = BlindComparison(prompt, rows, remember=session.remember, clock=clock)
    else:
        made = Comparison(prompt, rows)
    keep(made)
    if not complete:
        raise ComparisonStopped(made)
    return made


def _refuse(asking: Options) -> None:
    for name, why in _NOT_FOR_ALL.items():
        if asking.get(name) is not None:
            raise InputError(f"{why}; leave {name} out")


def _planned(
    session: Comparer, prompt: str, models: int | str | Sequence[str], asking: Options
) -> list[Compared]:
    """One row a model, without its answer. Raises as `orch_nb.Session.select` does."""
    if isinstance(models, int):
        found = _first(session, prompt, models, asking)
    elif asking.get("strategy") is not None:
        raise InputError("a strategy chooses models, and these are named; leave one of both out")
    else:
        found = _named(session, prompt, names("model", models), asking)
    rows = {row.model: row for row in found}
    if not 2 <= len(rows) <= _MOST:
        raise InputError(f"{len(rows)} models, where 2 to {_MOST} different ones can be compared")
    return list(rows.values())


def _first(session: Comparer, prompt: str, models: int, asking: Options) -> list[Compared]:
    """The first of the ranking, without those that are others' instances; or who is in a thread."""
    wanted = count("models", models, least=2, most=_MOST) or 0
    if before := session.threads.get(asking.get("thread") or ""):
        found = _named(session, prompt, tuple(before)[:wanted], asking)
    else:
        made = session.select(prompt, **asking)
        choices: dict[str, Choice] = {}
        for choice in made.ranking:
            if len(choices) < wanted:
                choices.setdefault(choice.card.name, choice)
        found = [Compared(c.model, made.profile.kind, c.estimate) for c in choices.values()]
    if len(found) < wanted:
        there = ", ".join(row.model for row in found)
        raise InputError(
            f"there are not {wanted} different models for this, but {there}; name them"
        )
    return found


def _named(
    session: Comparer, prompt: str, models: Sequence[str], asking: Options
) -> list[Compared]:
    made = [session.select(prompt, **_of_one(model, asking)) for model in models]
    return [Compared(one.best.model, one.profile.kind, one.best.estimate) for one in made]


def _of_one(model: str, asking: Options) -> Options:
    alone: Options = {"model": model, "strategy": _STRATEGY}
    return cast(Options, {**asking, **alone})


def _collect(
    session: Comparer, calls: Sequence[Call], rows: list[Compared], watcher: Watcher
) -> bool:
    """Put what comes of each of `calls` into its row; False says that they were stopped before."""
    arrived: _Arrivals = queue.SimpleQueue()
    parts: list[list[str]] = [[] for _ in rows]
    waiting: dict[int, Future[Response]] = {}
    try:
        for place, call in enumerate(calls):
            call.show = partial(_put, arrived, place)
            waiting[place] = session.start(call)
            waiting[place].add_done_callback(partial(_end, arrived, place))
        while waiting:
            try:
                place, text = arrived.get(timeout=_POLL)
            except queue.Empty:
                watcher.waited()
                continue
            if text is not None:
                parts[place].append(text)
                watcher.arrived(place, text)
            else:
                rows[place] = _ended(rows[place], parts[place], waiting[place], calls[place])
                del waiting[place]
                watcher.answered(place, rows[place])
    except KeyboardInterrupt:
        pass
    finally:
        for future in waiting.values():
            future.cancel()
    for place, future in waiting.items():
        rows[place] = _ended(rows[place], parts[place], future, calls[place])
    return not any(row.error == INTERRUPTED for row in rows)


def _put(arrived: _Arrivals, place: int, text: str) -> None:
    arrived.put((place, text))


def _end(arrived: _Arrivals, place: int, _: object) -> None:
    arrived.put((place, None))


def _ended(row: Compared, parts: Sequence[str], future: Future[Response], call: Call) -> Compared:
    row = replace(row, record=call.recorded)
    try:
        return replace(row, response=future.result())
    except OrchError as error:
        return replace(row, error=str(error), partial="".join(parts))
    except CancelledError:  # by the user, or as another thread closed the session
        return replace(row, error=INTERRUPTED, partial="".join(parts))
